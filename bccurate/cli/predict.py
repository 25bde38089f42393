"""``bccurate predict``."""

import click

from bccurate.cli.options import batch_size_option, dataset_option, declare, device_option, echo


@declare("predict", "bccurate predict custom_cnn")
@click.argument("model")
@dataset_option
@batch_size_option
@device_option
def command(model: str, dataset: str | None, batch_size: int, device: str, as_json: bool) -> None:
    """Write a trained model's predictions on all samples."""
    from bccurate import predict

    echo(predict(model, dataset, batch_size, device), as_json)
