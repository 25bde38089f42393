"""Floor 5: the FiftyOne App: launch it, link our plugins into it."""
