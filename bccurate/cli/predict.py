"""``bccurate predict``."""

from bccurate.cli.options import (
    batch_size_option,
    dataset_option,
    declare,
    device_option,
    echo,
    model_argument,
    zoo_option,
)


@declare("predict", "bccurate predict custom_cnn")
@model_argument
@dataset_option
@batch_size_option
@device_option
@zoo_option
def command(as_json: bool, **options: object) -> None:
    """Write a trained model's predictions on all samples."""
    from bccurate import predict

    echo(predict(**options), as_json)
