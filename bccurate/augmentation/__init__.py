"""Floor 1, torch tensors: variants of a picture."""
