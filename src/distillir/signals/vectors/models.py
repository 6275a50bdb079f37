"""The model whose vectors are followed, by a recipe and by files: which it is, and whether its vectors can be."""

from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.encoding.identity import check_own_code, resolved_prompts
from distillir.encoding.model_files import model_kind, read_model_json, read_modules, resolve_model, similarity_name
from distillir.signals.vectors.spec import WHERE, VectorSpec

if TYPE_CHECKING:
    from distillir.signals.recipe_parts import RecipeParts

#: Why the vectors of other kinds of student cannot follow those of a dense model.
_NO_VECTOR = {
    "multi-vector": "it has a vector for each token and none for a text",
    "sparse": "it has a weight for each word of the vocabulary, and no vector whose directions a model could share",
    "cross-encoder": "it reads query and document together, and gives no vectors",
}


def check_student(recipe: "RecipeParts") -> None:
    """Refuse a student that has no vector a text.

    Raises:
        DistillirError: It has none.
    """
    kind = recipe.student.own_kind
    if kind.model_kind != "dense":
        raise DistillirError(
            f"vectors are for dense students, and this one is {kind.name}: {_NO_VECTOR.get(kind.model_kind, '')}",
            where=WHERE,
            remedy="take a dense student, or leave vectors out",
        )


def settled(spec: VectorSpec, recipe: "RecipeParts") -> VectorSpec:
    """The spec with what it leaves to the rest of the recipe.

    A spec without a model stands for the model whose document vectors the student keeps, else for the dense one among
    the recipe's teachers. A student that keeps document vectors follows these where it reads documents by themselves,
    as queries: in a stage of vectors alone. Beside lists there is nothing to follow but queries.

    Raises:
        DistillirError: There is no such model, or there are several; or there is nothing to follow.
    """
    from distillir.teachers.members import members

    kind = recipe.student.own_kind
    if not kind.encodes_documents:
        return _of_kept(spec, recipe)
    if spec.model is not None:
        return spec
    found = [chosen.written for chosen in members(recipe.teacher) if chosen.name == "dense"]
    if len(found) == 1:
        return spec.named(found[0])
    said = "has no vector a text" if recipe.teacher is not None else "is not there"
    if found:
        said = f"has {len(found)} dense models"
    raise DistillirError(
        f"vectors are to be followed and no model is named for them: the recipe's teacher {said}",
        where=f"{WHERE}.model",
        remedy="name a dense model (a SentenceTransformer)",
    )


def _of_kept(spec: VectorSpec, recipe: "RecipeParts") -> VectorSpec:
    """`settled` of a student that keeps document vectors."""
    kept, asked = recipe.student.own_kind.documents_model, "documents" in spec.of and "of" in spec.model_fields_set
    why, remedy = "", "write of: queries"
    if spec.model is not None and (kept is None or spec.model != kept["model"]):
        why = f"document vectors are kept, and those of {spec.model} are others"
    elif spec.first is None and (recipe.objective is not None or recipe.method.compares_lists):
        why = "document vectors are kept, and beside lists they follow nothing"
        remedy += ", or give documents' texts a stage of their own (first: 1)"
    if why and asked:
        raise DistillirError(why, where=f"{WHERE}.of", remedy=remedy)
    if why:
        spec = spec.model_copy(update={"of": ["queries"]})
    if spec.model is not None:
        return spec
    if kept is not None:
        return spec.named(kept)
    if spec.of == ["documents"] or (not why and "of" not in spec.model_fields_set):
        return spec.model_copy(update={"of": ["documents"]})
    raise DistillirError(
        "queries are to follow vectors, and no model is known that made the kept ones",
        where=f"{WHERE}.model",
        remedy="name it in student.documents (dense: model), or give documents' texts a stage of their own (first: 1)",
    )


def check_model(spec: VectorSpec, recipe: "RecipeParts") -> None:
    """Look at the files of both models; no weights are loaded.

    Raises:
        DistillirError: The model is not there or not dense, or the student's vectors cannot come near it.
    """
    if spec.model is None:
        return  # kept vectors that no model is known of
    try:
        resolve_model(spec.model)
        kind = model_kind(spec.model)
        if kind != "dense":
            raise DistillirError(
                f"is a {kind} model, and has no vector a text", where=spec.model, remedy="name a dense model"
            )
        check_own_code(spec.model, spec.options)
        resolved_prompts(spec.model, spec.options)
        similarity = similarity_name(spec.model)
    except DistillirError as error:
        raise DistillirError(str(error), where=f"{WHERE}.model") from None
    whole = width_by_files(spec.model)
    if spec.width is not None and whole is not None and spec.width > whole:
        raise spec.too_wide(whole)
    own = "cosine" if recipe.student.own_kind.cosines(recipe.student.model) else "dot"
    widths = student_width_by_files(recipe), spec.width or whole
    if spec.loss != "cosine" and own == "cosine" and similarity == "dot" and widths[0] == widths[1] is not None:
        raise DistillirError(
            f"{spec.loss} compares lengths too, and the student's vectors have length 1 (it compares cosines) where "
            f"those of {spec.model} have any",
            where=f"{WHERE}.loss",
            remedy="take loss: cosine",
        )


def student_width_by_files(recipe: "RecipeParts") -> int | None:
    """Numbers of the student's vector, by its files; None where they do not say, or the student keeps documents."""
    keeps = not getattr(recipe.student.own_kind, "encodes_documents", True)
    return None if keeps else width_by_files(recipe.student.model)


def width_by_files(name: str) -> int | None:
    """Numbers of a dense model's vector, by its files; None where they do not say."""
    for module in reversed(read_modules(name)):
        path, kind = str(module.get("path") or ""), str(module.get("type")).rsplit(".", 1)[-1]
        if kind == "Normalize":
            continue
        keys = {"Dense": ("out_features",), "Pooling": ("embedding_dimension", "word_embedding_dimension")}.get(kind)
        if keys is None:
            return None
        settings = read_model_json(name, f"{path}/config.json")
        modes = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
        if len(modes) > 1 or isinstance(settings.get("pooling_mode"), list):
            return None  # several poolings stand side by side
        found = next((settings[key] for key in keys if key in settings), None)
        return found if isinstance(found, int) else None
    size: Any = read_model_json(name, "config.json").get("hidden_size")
    return size if isinstance(size, int) and not read_modules(name) else None
