"""Floor 3: the FiftyOne dataset. The only importer of fiftyone in the package."""
