"""``bccurate outliers``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.curation import OutliersOptions


@declare(
    "outliers", "bccurate outliers --statistic median-mad --plot outliers.html", OutliersOptions
)
def command(as_json: bool, **options: Any) -> None:
    """Tag images whose intensity is far from their class.

    The paper's equations 1 and 2: the mean and the standard deviation of an image's grey values
    against those of its class. The views `outliers` and `clean` are saved. What `--embedding`
    finds gets the tag `outlier_embedding` and the view `outliers_embedding`, and stays in `clean`.
    """
    from bccurate import outliers

    echo(outliers(**options), as_json)
