"""The model zoo of bccurate: ``manifest.json`` is the registry, each module has one ``build``.

The same folder is a model source of the FiftyOne zoo, which runs this file on every listing and
load: so it stays light and imports nothing.
"""
