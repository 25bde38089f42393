"""The model zoo of bccurate: ``manifest.json`` is the registry, each module has one ``build``.

The same folder is a model source of the FiftyOne zoo, which runs this file anew on every
download, load and form: so it stays light, and imports only in the functions that FiftyOne calls.
FiftyOne needs this file and the manifest alone, and a copy of them will do.
"""

from typing import Any


def download_model(model_name: str, model_path: str) -> None:
    """Nothing to fetch: weights come from ``bccurate train`` and stay with their dataset."""


def load_model(model_name: str, model_path: str, **kwargs: Any) -> Any:
    """What ``foz.load_zoo_model("bccurate/resnet50", dataset="cells")`` returns.

    ``kwargs``: see ``bccurate.workflows.fiftyone_zoo.load_model``.
    """
    from bccurate.workflows.fiftyone_zoo import load_model as load

    return load(model_name, **kwargs)


def parse_parameters(model_name: str, ctx: Any, params: dict[str, Any]) -> None:
    """In the App: the weights that were trained on the open dataset."""
    params.setdefault("dataset", ctx.dataset.name)
