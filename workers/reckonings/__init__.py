"""What is reckoned over kept embeddings."""
