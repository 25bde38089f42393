"""Operators do what their commands do, on the dataset of their context."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import bccurate
from bccurate.errors import BccurateError
from bccurate.settings.option import options_of


@pytest.fixture
def run(linked: Path):
    """Run an operator as FiftyOne does; gives its results."""
    import fiftyone.operators as foo

    def run(uri: str, dataset, **context):
        return foo.execute_operator(f"@bccurate/{uri}", ctx={"dataset": dataset, **context}).result

    return run


@pytest.fixture
def imported(rendered: Path, name: str):
    """The rendered cells, just imported."""
    import fiftyone as fo

    bccurate.import_(rendered, name=name)
    return fo.load_dataset(name)


def test_curation_by_operators_equals_commands(run, imported) -> None:
    """Operators leave the tags, views and runs that the commands leave, and show the record."""
    results = {
        "dedupe": run("curate/dedupe", imported, params={"threshold": 4, "keep": "sharpest"}),
        "outliers": run("curate/outliers", imported, params={"alpha": 2.5, "false_alarms": 0}),
        "split": run("curate/split", imported, params={"val": 0.2, "test": 0.2}),
        "leaks": run("curate/leaks", imported),
        "background": run("curate/background", imported, params={"method": "threshold"}),
    }
    assert all(result["changed"] for result in results.values())
    assert set(imported.list_runs()) >= set(results)
    tags = imported.count_sample_tags()
    assert tags["duplicate"] > 0 and tags["outlier"] > 0 and tags["test"] > 0
    again = {
        "dedupe": bccurate.dedupe(imported.name, threshold=4, keep="sharpest"),
        "outliers": bccurate.outliers(imported.name, alpha=2.5, false_alarms=0),
        "split": bccurate.split(imported.name, val=0.2, test=0.2),
        "leaks": bccurate.leaks(imported.name),
    }
    for command, record in again.items():
        assert not record.changed, command
        assert results[command]["summary"] == str(replace(record, changed=True))
    assert imported.count_sample_tags() == tags
    assert not bccurate.background(imported.name, "threshold").changed


@pytest.mark.parametrize("command", ["dedupe", "outliers", "leaks", "background"])
def test_an_operator_looks_at_the_current_view_alone(run, imported, command) -> None:
    """What is shown is what is looked at, twice the same, and no helper view is left behind."""
    if command == "leaks":
        bccurate.dedupe(imported.name)
    saved = set(imported.list_saved_views())
    view = imported.limit(len(imported) // 2)
    first = run(f"curate/{command}", imported, view=view)
    assert first["changed"]
    assert not run(f"curate/{command}", imported, view=view)["changed"]
    assert not [name for name in set(imported.list_saved_views()) - saved if "app" in name]
    field = {"dedupe": "duplicate_group", "outliers": "outlier_score", "background": "cell_area"}
    if command in field:
        seen = set(imported.exists(field[command]).values("id"))
        assert seen and seen <= set(view.values("id"))


def test_leaks_offers_fields_that_may_name_a_patient(linked: Path, imported) -> None:
    """The form lists what an import brought, and none of the facts that we wrote."""
    import fiftyone as fo
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionContext

    imported.add_sample_field("patient", fo.StringField)
    operator = foo.get_operator("@bccurate/curate/leaks")
    form = operator.resolve_input(ExecutionContext({"dataset_name": imported.name, "params": {}}))
    choices = [choice.value for choice in form.type.properties["group"].view.choices]
    assert choices == ["patient"]


def test_an_operator_without_options_takes_the_commands_defaults(run, imported) -> None:
    """No parameter is needed from Python."""
    run("curate/dedupe", imported, params={})
    assert not bccurate.dedupe(imported.name).changed


def test_an_error_tells_the_next_command(run, imported) -> None:
    """A command's error reaches the App with its message and hint."""
    with pytest.raises(Exception, match=r"has the tag 'train'[\s\S]*bccurate split"):
        run("train/train", imported, params={"model": "custom_cnn", "epochs": 1})


def test_values_outside_the_form_are_refused(run, imported) -> None:
    """The form's bounds hold from Python too."""
    with pytest.raises(Exception, match=r"(?i)valid"):
        run("curate/dedupe", imported, params={"threshold": 99})
    assert "dedupe" not in imported.list_runs()


def test_explain_explains_the_view_alone(run, reviewed: SimpleNamespace) -> None:
    """The current view's samples get heatmaps, and no helper view is left behind."""
    dataset = reviewed.dataset
    field = f"gradcam_{reviewed.model}"
    view = dataset.match_tags("val").limit(5)
    views, before = dataset.list_saved_views(), len(dataset.exists(field))
    run("explain/explain", dataset, view=view, params={"model": reviewed.model})
    assert len(view.exists(field)) == 5
    assert len(dataset.exists(field)) == before + 5
    assert dataset.list_saved_views() == views


def test_explain_prefers_the_selected_samples(run, reviewed: SimpleNamespace) -> None:
    """Of a view in which samples are selected, those alone are explained."""
    dataset, field = reviewed.dataset, f"gradcam_{reviewed.model}"
    view = dataset.match_tags("train").exists(field, bool=False).limit(6)
    ids = view.values("id")
    run("explain/explain", dataset, view=view, selected=ids[:2], params={"model": reviewed.model})
    assert dataset.select(ids).exists(field).values("id") == ids[:2]


def test_evaluate_offers_models_with_predictions(run, reviewed: SimpleNamespace) -> None:
    """The operator measures a model that is there and refuses one that is not."""
    result = run("train/evaluate", reviewed.dataset, params={"model": reviewed.model})
    assert "macro F1" in result["summary"]
    with pytest.raises(Exception, match=r"(?i)valid"):
        run("train/evaluate", reviewed.dataset, params={"model": "resnet50"})


def test_scheduled_runs_are_worked_off_and_tell_how_far_they_are(
    linked: Path, reviewed: SimpleNamespace, monkeypatch
) -> None:
    """Train, predict and evaluate wait in the queue; FiftyOne's service runs them in turn."""
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    told: list[tuple[str, float]] = []
    keep = DelegatedOperationService.set_progress

    def hear(self, doc_id, progress):
        told.append((progress.label, progress.progress))
        return keep(self, doc_id, progress)

    monkeypatch.setattr(DelegatedOperationService, "set_progress", hear)
    service = DelegatedOperationService()
    for command, params, said in (
        ("train", {"epochs": 2, "image_size": 64}, "custom_cnn trained on cpu"),
        ("predict", {}, "predictions in field custom_cnn"),
        ("evaluate", {}, "macro F1"),
    ):
        uri = f"@bccurate/train/{command}"
        queued = foo.execute_operator(
            uri,
            ctx={
                "dataset": reviewed.dataset,
                "params": {"model": reviewed.model, **params},
                "request_delegation": True,
            },
        )
        assert queued.delegated
        waiting = service.list_operations(operator=uri)
        assert [str(operation.run_state) for operation in waiting] == ["queued"]
        service.execute_queued_operations(operator=uri)
        done = service.list_operations(operator=uri)[0]
        assert str(done.run_state) == "completed", done.result.error
        assert said in done.result.result["summary"]
        assert done.status.progress == 1.0
    epochs = [share for label, share in told if label.startswith("train: epoch ")]
    assert epochs == sorted(epochs) and epochs[0] == 0 and 0.5 in epochs


def test_training_is_delegated_by_default(linked: Path) -> None:
    """The App's button says Schedule: FiftyOne cuts an immediate run at 600 s."""
    import fiftyone.operators as foo

    for command in ("train", "predict", "evaluate"):
        config = foo.get_operator(f"@bccurate/train/{command}").config
        assert config.allow_delegated_execution and config.default_choice_to_delegated


def test_decisions_are_tags_and_the_last_one_counts(run, imported) -> None:
    """Relabel, keep and drop tag the selected samples only; labels and samples stay."""
    ids = imported.values("id")
    labels = imported.values("ground_truth.label")
    run("review/relabel", imported, selected=ids[:3], params={"label": "monocyte"})
    run("review/keep", imported, selected=ids[2:4])
    run("review/drop", imported, selected=ids[4:5])
    tags = imported.count_sample_tags()
    assert (tags["relabel:monocyte"], tags["keep"], tags["drop"]) == (2, 2, 1)
    assert imported.match_tags("keep").values("id") == ids[2:4]
    assert imported.values("ground_truth.label") == labels
    assert imported.values("id") == ids


def test_a_decision_needs_a_selection(run, imported) -> None:
    """With nothing selected nothing is tagged, and relabel's form says so."""
    assert run("review/drop", imported)["tagged"] == 0
    with pytest.raises(Exception, match=r"(?i)valid|select"):
        run("review/relabel", imported, params={"label": "monocyte"})
    assert "drop" not in imported.count_sample_tags()


def test_models_with_predictions_names_models(reviewed: SimpleNamespace, imported) -> None:
    """Models are named as the commands take them; a fresh dataset has none."""
    from bccurate.app.operations import models_with_predictions

    assert models_with_predictions(reviewed.dataset) == [reviewed.model]
    assert models_with_predictions(imported) == []


def test_helper_view_goes_when_the_command_fails(reviewed: SimpleNamespace) -> None:
    """A view that was saved for a command is deleted on an error too."""
    from bccurate.app.operations import as_saved_view

    before = Counter(reviewed.dataset.list_saved_views())
    with (
        pytest.raises(BccurateError),
        as_saved_view(reviewed.dataset, reviewed.dataset.limit(1)) as view,
    ):
        assert view in reviewed.dataset.list_saved_views()
        raise BccurateError("no")
    assert Counter(reviewed.dataset.list_saved_views()) == before


@pytest.mark.parametrize(
    "uri",
    ["curate/dedupe", "curate/outliers", "curate/split", "curate/leaks", "curate/background",
     "train/train", "train/predict", "train/evaluate", "explain/explain"],
)  # fmt: skip
def test_forms_have_the_options_of_the_settings(uri: str, linked: Path, imported) -> None:
    """Name, default, range, choices and help of every input are those of the dataclass."""
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionContext

    operator = foo.get_operator(f"@bccurate/{uri}")
    form = operator.resolve_input(ExecutionContext({"dataset_name": imported.name, "params": {}}))
    inputs = form.type.properties
    for settings in operator.settings:
        defaults = {field.name: field.default for field in fields(settings)}
        for name, about in options_of(settings).items():
            if name not in operator.options:
                continue
            found = inputs[name]
            assert found.view.description.startswith(about.help)
            if not about.argument and not getattr(settings, "deferred", False):
                assert (found.default or None) == (defaults[name] or None), name
            if about.choices and hasattr(found.type, "values"):
                assert tuple(found.type.values) == about.choices
            if about.minimum is not None:
                assert (found.type.min, found.type.max) == (about.minimum, about.maximum)
    assert set(operator.options) <= set(inputs)
