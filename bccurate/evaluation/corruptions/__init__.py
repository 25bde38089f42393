"""A fixed, seeded suite of corruptions: what a microscope, a stain and a scanner may do to a cell.

One module a family. Nothing here is shared with ``bccurate.augmentation``: what a model was trained
on cannot be told from what it is tested on by the code or the draws, only by the effect.
"""
