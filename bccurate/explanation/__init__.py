"""Floor 2: why a model said so."""
