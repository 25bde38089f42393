"""Floor 1, numpy: pictures of cells that never were, with the truth about each."""
