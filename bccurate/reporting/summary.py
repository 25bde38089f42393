"""The paragraph on top: what was found, and which number to believe."""

from __future__ import annotations

from bccurate.reporting.models import mcnemar, metrics_of
from bccurate.reporting.report_data import Json, ModelPart, ReportData
from bccurate.reporting.sections import classes
from bccurate.reporting.text import count_of, percent

CHANCE = 0.05  # a p value above it is no difference
OVERFIT_GAP = 0.05  # training above test accuracy by more than this is worth a sentence


def findings(data: ReportData) -> list[str]:
    """Sentences in plain words about the images, as far as the records go."""
    return [sentence for part in (_size, _copies, _crossing, _far) for sentence in part(data)]


def best_model(data: ReportData) -> ModelPart | None:
    """The model with the best validation macro F1; never chosen by its test number."""
    scored = [(m, metrics_of(m)) for m in data.models if "test" in metrics_of(m)]
    if not scored:
        return None
    return max(scored, key=lambda pair: (pair[1].get("val") or {}).get("macro_f1") or 0.0)[0]


def _size(data: ReportData) -> list[str]:
    table = classes(data)
    if not table or not table["n"]:
        return [f"Nothing is known yet about {data.dataset}: no record of an import was found."]
    sentence = f"{data.dataset} holds {count_of(table['n'], 'image')}"
    sentence += f" of {count_of(len(table['rows']), 'class', 'classes')}."
    if table["unreadable_count"]:
        n = table["unreadable_count"]
        return [sentence, f"{count_of(n, 'file')} could not be read and {_are(n)} left out."]
    return [sentence]


def _are(n: int) -> str:
    return "was" if n == 1 else "were"


def _copies(data: ReportData) -> list[str]:
    record = data.records.get("dedupe")
    if not record:
        return []
    counts = record.get("counts", {})
    groups, copies = counts.get("groups", len(record["groups"])), counts.get("duplicates", 0)
    if not groups:
        return ["No duplicates were found."]
    spare = count_of(copies, "spare copy", "spare copies")
    hold = "holds" if groups == 1 else "hold"
    found = [f"{count_of(groups, 'group')} of duplicates {hold} {spare}."]
    conflicts = counts.get("conflicts", 0)
    if conflicts:
        carry = "carries" if conflicts == 1 else "carry"
        found.append(
            f"{count_of(conflicts, 'group')} {carry} more than one label for one picture: "
            "at least one of those labels is wrong."
        )
    contaminated = counts.get("contaminated", 0)
    if contaminated:
        verb = "is" if contaminated == 1 else "are"
        found.append(
            f"{count_of(contaminated, 'group')} {verb} contamination: a picture "
            "under three labels or more, or far too often in its class. No copy counts as clean."
        )
    return found


def _crossing(data: ReportData) -> list[str]:
    n = len(data.leaks or [])
    if not n:
        return []
    verb = "stands" if n == 1 else "stand"
    return [f"{count_of(n, 'group')} of copies {verb} in more than one split and {_are(n)} a leak."]


def _far(data: ReportData) -> list[str]:
    record = data.records.get("outliers")
    if not record:
        return []
    n = len(record["outliers"])
    lies = "lies" if n == 1 else "lie"
    return [f"{count_of(n, 'image')} {lies} outside the intensity bounds of their class."]


def number_to_believe(data: ReportData) -> list[str]:
    """Sentences about the one accuracy that counts, and why the others do not."""
    model = best_model(data)
    if model is None:
        return ["No model has been evaluated on a test split, so there is no accuracy to believe."]
    metrics = metrics_of(model)
    test, train = metrics["test"], metrics.get("train") or {}
    sentence = f"The number to believe: {model.name} names {percent(test['accuracy'])}"
    sentence += f" of {count_of(test['n'], 'test image')} rightly{_interval(test)}."
    found = [sentence]
    if len(data.models) > 1:
        found.append("It was picked for its macro F1 on the validation split, not for this number.")
    found += _rivals(data, model.name)
    figures = (model.corruptions or {}).get("figures")
    if figures:
        found.append(
            f"On corrupted copies of those images it is {percent(figures['corrupted_accuracy'])}: "
            "nearer to what images from elsewhere will give."
        )
    whole = (data.records.get("split") or {}).get("groups_kept_whole", 0)
    if whole:
        found.append(
            f"{count_of(whole, 'duplicate group')} {_are(whole)} kept on one side of the split."
        )
    if train.get("accuracy", 0) - test["accuracy"] > OVERFIT_GAP:
        found.append(
            f"Its {percent(train['accuracy'])} on the training images is no measure: "
            "it has seen those."
        )
    return found


def _rivals(data: ReportData, best: str) -> list[str]:
    """Which models the test split cannot tell from the best one."""
    alike = [
        row["model"]
        for row in mcnemar(data)
        if row["split"] == "test" and row["against"] == best and row["p_value"] > CHANCE
    ]
    if not alike:
        return []
    return [f"The test images do not tell it from {', '.join(alike)} (McNemar, p > {CHANCE})."]


def _interval(metrics: Json) -> str:
    interval = metrics.get("accuracy_interval")
    if not interval:
        return ""
    return f" (95 % interval {percent(interval[0])} to {percent(interval[1])})"
