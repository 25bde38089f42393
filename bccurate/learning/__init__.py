"""Model registry, training, checkpoints and prediction, with torch. Never imports fiftyone."""
