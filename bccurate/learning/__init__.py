"""Floor 2, torch: the zoo, training, prediction, checkpoints. Never imports fiftyone."""
