"""Which targets and which loss give a small U-Net good probabilities of the hippocampus. The results are in docs/experiment.md."""
