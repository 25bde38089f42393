"""``bccurate export-onnx``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, model_argument, zoo_option


@declare("export-onnx", "bccurate export-onnx resnet50 --out resnet50.onnx")
@model_argument
@dataset_option
@click.option(
    "--out", type=click.Path(dir_okay=False), metavar="FILE", help="Default MODEL.onnx, here."
)
@zoo_option
def command(
    model: str, dataset: str | None, out: str | None, zoo: str | None, as_json: bool
) -> None:
    """Write a trained model as ONNX, checked against torch.

    Classes and preprocessing stand in the file's metadata. Needs the extra `bccurate[onnx]`.
    """
    from bccurate import export_onnx

    echo(export_onnx(model, dataset, out, zoo), as_json)
