"""Corrupt images as microscopes, stains and scanners may do: a fixed, seeded suite.

One module per family. No code is shared with ``bccurate.augmentation``, so that a model is not
tested with the code and the random draws that it was trained with.
"""
