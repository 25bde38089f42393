"""Augment images as torch tensors."""
