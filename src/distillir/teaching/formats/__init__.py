"""Teaching sets from and to the file formats of other programs."""

from distillir.teaching.formats.exchange import FORMATS, detect_format, export_teaching, import_teaching, writable

__all__ = ["FORMATS", "detect_format", "export_teaching", "import_teaching", "writable"]
