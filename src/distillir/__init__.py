"""distillir: turn an accurate, slow ranker into a fast retriever."""

from distillir.base.version import __version__

__all__ = ["__version__"]
