"""Images and tensors: drawing cloth, learning from it, judging it. Importing this package loads nothing else."""
