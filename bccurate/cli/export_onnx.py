"""``bccurate export-onnx``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.models import ExportOnnxOptions


@declare("export-onnx", "bccurate export-onnx resnet50 --out resnet50.onnx", ExportOnnxOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write a trained model as ONNX, checked against torch.

    Classes and preprocessing stand in the file's metadata. Needs the extra `bccurate[onnx]`.
    """
    from bccurate import export_onnx

    echo(export_onnx(**options), as_json)
