"""Offer bccurate's models: ``manifest.json`` lists them, each module has one ``build``.

The same folder is a model source of the FiftyOne zoo, which runs this file again for every
download, load and form, so it imports other modules only inside its functions. FiftyOne needs only
this file and the manifest, and a copy of them works too.
"""

from typing import Any


def download_model(model_name: str, model_path: str) -> None:
    """Download nothing: weights come from ``bccurate train`` and stay with their dataset."""


def load_model(model_name: str, model_path: str, **kwargs: Any) -> Any:
    """Return the model of ``foz.load_zoo_model("bccurate/resnet50", dataset="cells")``.

    ``kwargs`` are those of ``bccurate.workflows.fiftyone_zoo.load_model``.
    """
    from bccurate.workflows.fiftyone_zoo import load_model as load

    return load(model_name, **kwargs)


def parse_parameters(model_name: str, ctx: Any, params: dict[str, Any]) -> None:
    """Select, in the App, the weights that were trained on the open dataset."""
    params.setdefault("dataset", ctx.dataset.name)
