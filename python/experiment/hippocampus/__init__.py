"""MR volumes of the hippocampus, one annotation each."""
