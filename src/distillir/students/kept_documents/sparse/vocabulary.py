"""Words of a query encoder, which must be those of the documents."""

from typing import Any

from distillir.base.errors import DistillirError
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex


def check_same_words(model: Any, name: str, index: KeptIndex) -> Any:
    """The query encoder, whose words are those that documents have weights of.

    Args:
        model: A SparseEncoder.
        name: What it is called, for messages.
        index: The documents' weights of words, of a model, which is loaded.

    Raises:
        DistillirError: The words, or their numbers, are others.
    """
    assert isinstance(index, ModelIndex)
    documents = index.load()
    own, theirs = model.tokenizer.get_vocab(), documents.tokenizer.get_vocab()
    widths = model.get_embedding_dimension(), documents.get_embedding_dimension()
    if own != theirs or widths[0] != widths[1]:
        same = len(own.items() & theirs.items())
        raise DistillirError(
            f"has other words than {index.name} ({same} of its {len(own)} are the same, in their place), and a weight "
            "is of a word",
            where=str(name),
            remedy="choose a student with the documents' tokenizer, or another documents' model in "
            "student.documents.sparse",
        )
    return model
