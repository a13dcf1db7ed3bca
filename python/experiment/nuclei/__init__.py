"""Images of nuclei that five experts marked."""
