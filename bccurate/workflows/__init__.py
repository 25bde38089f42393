"""Floor 5: steps that several commands share."""
