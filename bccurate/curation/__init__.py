"""Floor 1, numpy: what is a duplicate, an outlier, an honest split."""
