"""What commands return: frozen dataclasses that print as text and as JSON."""

from bccurate.records.base import Record
from bccurate.records.curation import (
    ExportRecord,
    ImportRecord,
    InfoRecord,
    LeaksRecord,
    OutliersRecord,
    SampleRecord,
    SplitRecord,
    UndoRecord,
    UseRecord,
)
from bccurate.records.duplicates import DedupeRecord
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
from bccurate.records.service import (
    DoctorRecord,
    ModelsRecord,
    OnnxRecord,
    ReportRecord,
    ReviewRecord,
)
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
    "ExportRecord",
    "ImportRecord",
    "InfoRecord",
    "LeaksRecord",
    "MistakesRecord",
    "ModelsRecord",
    "OnnxRecord",
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
