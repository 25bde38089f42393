"""``bccurate predict``: write a trained model's predictions on all samples."""

from __future__ import annotations

from pathlib import Path

from bccurate.records import PredictRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.settings.models import PredictOptions
from bccurate.workflows.prediction import predict_samples


def predict(
    model: str,
    dataset: str | None = None,
    batch_size: int = PredictOptions.batch_size,
    device: str = PredictOptions.device,
    zoo: str | Path | None = None,
) -> PredictRecord:
    """Predict on every readable sample, variants included; stored predictions are kept.

    Args:
        model: a model that was trained on this dataset.
        dataset: name; the one in use where None.
        batch_size: images a forward pass.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: an unknown model or dataset, or the model was not trained here.
        InputError: the weights are broken.
    """
    return predict_samples(model, dataset_in_use(dataset), batch_size, device, zoo)
