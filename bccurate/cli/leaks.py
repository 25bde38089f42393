"""``bccurate leaks``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("leaks", "bccurate leaks --group patient --fail-on-found")
@dataset_option
@click.option("--group", metavar="FIELD", help="A field (patient, slide) to look at too.")
@view_option
@click.option("--fail-on-found", is_flag=True, help="Exit 3 where something leaks.")
def command(
    dataset: str | None, group: str | None, view: str | None, fail_on_found: bool, as_json: bool
) -> None:
    """Tag duplicates and groups that stand in more than one split.

    For splits that were made elsewhere; those of `bccurate split` have none. The view `leaks` is
    saved.
    """
    from bccurate import leaks
    from bccurate.errors import FindingsError

    record = leaks(dataset, group, view)
    echo(record, as_json)
    if fail_on_found and record.leaks:
        raise FindingsError(
            f"{len(record.leaks)} groups cross splits.", f"bccurate split -d {record.dataset}"
        )
