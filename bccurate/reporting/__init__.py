"""Floor 4: records to one self-contained HTML page."""
