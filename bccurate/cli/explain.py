"""``bccurate explain``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.models import ExplainOptions


@declare("explain", "bccurate explain custom_cnn --view test", ExplainOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write Grad-CAM heatmaps of what a model looks at.

    The maps are the field gradcam_MODEL and show in the App. After `bccurate background` the share
    of each map that lies on the cell is attention_on_cell_MODEL, worst first in the view
    looks_at_background_MODEL.
    """
    from bccurate import explain

    echo(explain(**options), as_json)
