"""Floor 1, numpy: find groups of duplicate images from hashes and thumbnails."""
