"""``bccurate augment``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import AugmentOptions


@declare("augment", "bccurate augment augmix --noise 0.05", AugmentOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write variants of the training images as new samples.

    Variants know their source, carry the tag `train` only, and stand in the view KIND. Then a
    sample of them is measured against the sources, class by class.
    """
    from bccurate import augment

    echo(augment(**options), as_json)
