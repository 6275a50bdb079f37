"""TeachingSet: queries, candidate lists and the teacher's signals on disk; import from and export to other formats."""

from distillir.teaching.formats import FORMATS, detect_format, export_teaching, import_teaching
from distillir.teaching.relevance import judged_relevant
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.teaching.writer import TeachingWriter, build_teaching_set

__all__ = [
    "FORMATS",
    "TeachingSet",
    "TeachingWriter",
    "build_teaching_set",
    "detect_format",
    "export_teaching",
    "import_teaching",
    "judged_relevant",
    "open_teaching_set",
]
