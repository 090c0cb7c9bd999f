"""Metric learning: embeddings in which images of one class lie close together, also of a class that nobody trained."""
