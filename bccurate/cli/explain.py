"""``bccurate explain``."""

import click

from bccurate.cli.options import (
    batch_size_option,
    dataset_option,
    declare,
    device_option,
    echo,
    model_argument,
    view_option,
    zoo_option,
)


@declare("explain", "bccurate explain custom_cnn --view test")
@model_argument
@dataset_option
@click.option(
    "--target", default="predicted", show_default=True, help="predicted, true or a class name."
)
@click.option(
    "--raw",
    is_flag=True,
    help="Keep the layer's own maps, too, before ReLU and scaling: field gradcam_raw_MODEL.",
)
@view_option
@batch_size_option
@device_option
@zoo_option
def command(as_json: bool, **options: object) -> None:
    """Write Grad-CAM heatmaps of what a model looks at.

    The maps are the field gradcam_MODEL and show in the App. After `bccurate background` the share
    of each map that lies on the cell is attention_on_cell_MODEL, worst first in the view
    looks_at_background_MODEL.
    """
    from bccurate import explain

    echo(explain(**options), as_json)
