"""Floor 4: the FiftyOne App: launch it, link our plugins into it."""
