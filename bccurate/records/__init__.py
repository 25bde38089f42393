"""What commands return: frozen dataclasses that print as text and as JSON."""

from bccurate.records.base import Record
from bccurate.records.curation import (
    DedupeRecord,
    ImportRecord,
    InfoRecord,
    LeaksRecord,
    OutliersRecord,
    SampleRecord,
    SplitRecord,
    UndoRecord,
    UseRecord,
)
from bccurate.records.learning import (
    CompareRecord,
    EvaluateRecord,
    ExplainRecord,
    MistakesRecord,
    PredictRecord,
    TrainRecord,
)
from bccurate.records.review import ApplyReviewRecord
from bccurate.records.robustness import CorruptionsRecord
from bccurate.records.service import DoctorRecord, ModelsRecord, ReportRecord, ReviewRecord
from bccurate.records.variants import AugmentRecord, BackgroundRecord

__all__ = [
    "ApplyReviewRecord",
    "AugmentRecord",
    "BackgroundRecord",
    "CompareRecord",
    "CorruptionsRecord",
    "DedupeRecord",
    "DoctorRecord",
    "EvaluateRecord",
    "ExplainRecord",
    "ImportRecord",
    "InfoRecord",
    "LeaksRecord",
    "MistakesRecord",
    "ModelsRecord",
    "OutliersRecord",
    "PredictRecord",
    "Record",
    "ReportRecord",
    "ReviewRecord",
    "SampleRecord",
    "SplitRecord",
    "TrainRecord",
    "UndoRecord",
    "UseRecord",
]
