"""The query encoder beside an index: loaded, checked, and saved with the documents' model and by itself."""

from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex

#: Folder of the query encoder by itself, in the student's.
ALONE = "query-encoder"
#: In the student's folder: whose vectors its queries fit.
FITS = "documents.json"


def query_part(name: str | Path) -> str:
    """The query encoder of a saved student: its own folder in the student's; any other model is one itself."""
    inner = Path(name) / ALONE
    return str(inner) if (inner / "modules.json").is_file() else str(name)


def as_query_encoder(model: Any, name: str | Path, index: KeptIndex) -> Any:
    """The model, which compares from now on as the documents' model does.

    Args:
        model: As it was loaded.
        name: What it is called, for messages.
        index: What is kept of the documents.

    Raises:
        DistillirError: It has towers.
    """
    from distillir.students.towers import has_towers

    if has_towers(model):
        raise DistillirError(
            "has separate towers, and the student is a query encoder alone",
            where=str(name),
            remedy="name a model of one tower",
        )
    model.similarity_fn_name = index.similarity
    return model


def check_fits(name: str | Path, index: KeptIndex) -> None:
    """Refuse a saved student whose queries fit other vectors than an index has.

    Raises:
        DistillirError: They do; the message has both fingerprints.
    """
    file = Path(name) / FITS
    if not file.is_file():
        return
    told = read_json(file, "train the student anew")
    if told.get("fingerprint") != index.fingerprint:
        raise DistillirError(
            f"its queries fit the vectors of {told.get('documents')} ({str(told.get('fingerprint'))[:12]}), and those "
            f"of {index.name} are others ({index.fingerprint[:12]})",
            where=str(name),
            remedy="name the vectors that it was trained with in student.documents, or train it anew",
        )


def check_width(queries: int, documents: int, name: str) -> None:
    """Refuse queries of another width than the kept vectors.

    Args:
        queries: Numbers of a query's vector.
        documents: Numbers of a document's.
        name: The index's.

    Raises:
        DistillirError: They differ.
    """
    if queries != documents:
        raise DistillirError(
            f"the student's vectors have {queries} numbers, and those of {name} {documents}",
            where="student.documents",
            remedy="set student.documents.projection to least-squares (or leave it out), or choose a student of that "
            "width",
        )


def save_beside_index(model: Any, index: KeptIndex, folder: Path) -> None:
    """Save a query encoder: as one model with the documents' own, by routes, and by itself in `ALONE`.

    sentence-transformers' ``encode_query`` and ``encode_document`` take the routes. Where no documents' model is
    known, there is no route for documents, and ``encode_document`` is refused.

    Args:
        model: The query encoder, of the class that loads both.
        index: What its queries fit.
        folder: Is there.
    """
    from sentence_transformers.base.modules import Router

    from distillir.encoding.saving import save_model
    from distillir.encoding.vectors import prompt_for

    routes, prompts = {"query": list(model.children())}, {"query": prompt_for(model, "query") or ""}
    trusted, cut = bool(model.trust_remote_code), _cut(model)
    if isinstance(index, ModelIndex):
        documents = index.load()
        theirs = {"document": document_modules(documents, index.model)}
        # A mask looks up the words that documents leave out with the first route's tokenizer, which must be theirs.
        routes = routes | theirs if index.kind == "dense" else theirs | routes
        prompts["document"] = prompt_for(documents, "document") or ""
        trusted, cut = trusted or bool(documents.trust_remote_code), _cut(documents)
    router = Router(routes, default_route="document" if "document" in routes else None, allow_empty_key=False)
    whole = type(model)(
        modules=[router],
        similarity_fn_name=index.similarity,
        prompts=prompts,
        device=str(model.device),
        trust_remote_code=trusted,
        **cut,
    )
    save_model(whole, folder, create_model_card=False)
    save_model(model, folder / ALONE, create_model_card=False)
    told = {"documents": index.name, "fingerprint": index.fingerprint, "similarity": index.similarity}
    write_json(folder / FITS, told)


def _cut(model: Any) -> dict[str, Any]:
    """Argument of a model's class that says what its vectors are cut to behind its modules; empty where none does."""
    return {"truncate_dim": model.truncate_dim} if hasattr(model, "truncate_dim") else {}


def document_modules(model: Any, name: str) -> list[Any]:
    """The modules that a model's documents go through.

    Args:
        model: A SentenceTransformer, of one tower or two.
        name: Its name, for messages.

    Raises:
        DistillirError: It has a route for queries alone.
    """
    from sentence_transformers.base.modules import Router

    first, *rest = model.children()
    if not isinstance(first, Router):
        return [first, *rest]
    if "document" not in first.sub_modules:
        raise DistillirError("encodes queries alone", where=str(name), remedy="name the documents' model")
    return [*first.sub_modules["document"], *rest]
