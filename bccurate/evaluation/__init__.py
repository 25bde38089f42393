"""Floor 2: how good a model is, and how sure we are of that."""
