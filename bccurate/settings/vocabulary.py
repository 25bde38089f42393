"""Names that a person types as values of options. The modules of the methods import them."""

from __future__ import annotations

HASHES = ("phash", "dhash", "ahash", "whash")
KEEP = ("first", "largest", "sharpest")
ENGINES = ("local", "ray")
STATISTICS = ("mean-std", "median-mad")
MASKS = ("stain", "threshold")
MISTAKE_METHODS = ("noise", "margin", "self-confidence", "brain")

VARIANTS = ("augmix", "randaugment")
AUGMENTATIONS = ("none", "dihedral", "randaugment", "augmix", "paper", "smear")
RECIPES = ("paper", "robust")
BALANCES = ("none", "weights", "sampling")
MIXES = ("none", "mixup", "cutmix")
PRECISIONS = ("auto", "float32", "bfloat16")
LOGS = ("auto", "none", "tensorboard", "wandb")

FOLDER_FORMATS = ("imagefolder", "csv", "coco")
EXPORT_FORMATS = (*FOLDER_FORMATS, "npz", "huggingface")
IMPORT_FORMATS = ("auto", "imagefolder", "csv", "npz", "coco", "huggingface")
BLOODMNIST_SIZES = (28, 64, 128, 224)  # pixels
SEVERITIES = (1, 2, 3, 4, 5)
