"""One training run carried out: what it learns from, the process that learns, how far it is, what came of it."""
