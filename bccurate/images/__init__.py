"""Floor 1: read image files: decode, hashes and statistics, in worker processes."""
