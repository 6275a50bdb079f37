"""The collection `stdlib`: descriptions and code of the running Python, none of them leaking into the other."""

import ast
import json
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from command_line import Apart
from distillir.collections import Collection, load_collection
from distillir.collections.docstrings import Documented, documented_definitions, first_sentence
from distillir.collections.standard_library import split_modules


@pytest.fixture(scope="module")
def stdlib(isolated_cache: Path) -> Collection:
    return load_collection("stdlib")


def module_of(collection: Collection, row: int) -> str:
    return collection.corpus.id(row).partition(".")[0]


def test_size_and_split(stdlib: Collection) -> None:
    assert 5000 <= len(stdlib.corpus) <= 9000
    assert stdlib.splits == ["train", "dev", "test"]
    sizes = {split: len(stdlib.qrels(split)) for split in stdlib.splits}
    assert sum(sizes.values()) == len(stdlib.queries)  # one judgement a query
    for split, share in (("train", 0.8), ("dev", 0.1), ("test", 0.1)):
        assert sizes[split] / len(stdlib.queries) == pytest.approx(share, abs=0.01)
        assert len(stdlib.qrels(split).query_rows) == sizes[split]


def test_no_module_crosses_splits(stdlib: Collection) -> None:
    modules = [{module_of(stdlib, row) for row in stdlib.qrels(split).documents} for split in stdlib.splits]
    assert not modules[0] & modules[1]
    assert not modules[0] & modules[2]
    assert not modules[1] & modules[2]


def test_no_query_stands_in_its_document(stdlib: Collection) -> None:
    for split in stdlib.splits:
        qrels = stdlib.qrels(split)
        for query, document in zip(qrels.queries, qrels.documents, strict=True):
            sentence = " ".join(stdlib.queries.text(query).lower().split())
            assert sentence not in " ".join(stdlib.corpus.text(document).lower().split())
            assert len(sentence.split()) >= 4
    sentences = Counter(text.lower() for text in stdlib.queries.texts())
    assert max(sentences.values()) == 1


def test_a_known_function(stdlib: Collection) -> None:
    row = stdlib.corpus.row("textwrap.dedent")
    query = stdlib.queries.row("docstring:textwrap.dedent")
    assert stdlib.queries.text(query) == "Remove any common leading whitespace from every line in `text`."
    assert stdlib.corpus.title(row) == "textwrap.dedent"
    code = stdlib.corpus.body(row)
    assert code.startswith("def dedent(text):\n")
    assert '"""' not in code
    # What is left is the code that runs: only the docstring is gone.
    shown, real = ast.parse(code).body[0], ast.parse(Path(textwrap.__file__).read_text(encoding="utf-8"))
    function = next(node for node in real.body if isinstance(node, ast.FunctionDef) and node.name == "dedent")
    function.body = function.body[1:]
    assert ast.dump(shown) == ast.dump(function)


def test_a_class_shows_its_methods_without_their_bodies(stdlib: Collection) -> None:
    code = stdlib.corpus.body(stdlib.corpus.row("json.decoder.JSONDecoder"))
    assert code.startswith("class JSONDecoder(object):")
    assert "def decode(self, s" in code
    assert "raise JSONDecodeError" not in code
    assert stdlib.corpus.row("json.decoder.JSONDecoder.decode") >= 0


def test_another_process_makes_the_same_collection(stdlib: Collection, tmp_path: Path) -> None:
    program = (
        "import json, sys; from pathlib import Path; from distillir.collections import load_collection;"
        "c = load_collection('stdlib', cache=Path(sys.argv[1]));"
        "print(json.dumps([c.fingerprint, c.path.name, [c.qrels(s).queries.tolist() for s in c.splits]]))"
    )
    other = Apart(tmp_path, program=program)
    assert other.wait() == 0, other.written()
    output = other.printed()
    expected = [stdlib.fingerprint, stdlib.path.name, [stdlib.qrels(s).queries.tolist() for s in stdlib.splits]]
    assert json.loads(output) == expected


SOURCE = '''
import os
class Stack(list):
    """A pile of things; push and pop from the top.

    More about it.
    """
    limit = 10
    """The limit."""
    def push(self, item): "Put one item on the top of the pile."; self.append(item)

    @property
    def top(self):
        r"""Return the topmost thing, e.g. the last pushed. It stays there."""
        # café
        return self[-1]
    @top.setter
    def top(self, value):
        """A second definition of the same name."""
    def bare(self): pass
try:
    import nothing
except ImportError:
    async def fallback(x: str = "é", *, y=os.sep):
        """fallback(x) -> int

        Used where the fast version is missing.
        """  # noqa
        def inner():
            """Documentation of something inside."""
        return inner
'''


def test_extraction_from_source() -> None:
    found = list(documented_definitions("pkg.mod", SOURCE))
    assert found == [
        Documented(
            "pkg.mod.Stack",
            "A pile of things; push and pop from the top.",
            "class Stack(list):\n    limit = 10\n    def push(self, item):\n    @property\n    def top(self):\n"
            "    @top.setter\n    def top(self, value):\n    def bare(self):",
        ),
        Documented(
            "pkg.mod.Stack.push",
            "Put one item on the top of the pile.",
            "def push(self, item): self.append(item)",
        ),
        Documented(
            "pkg.mod.Stack.top",
            "Return the topmost thing, e.g. the last pushed.",
            "@property\ndef top(self):\n    # café\n    return self[-1]",
        ),
        Documented(
            "pkg.mod.fallback",
            "Used where the fast version is missing.",
            'async def fallback(x: str = "é", *, y=os.sep):\n    # noqa\n    def inner():\n'
            '        """Documentation of something inside."""\n    return inner',
        ),
    ]


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("Return the sum. Then more.", "Return the sum."),
        ("Without an end\n\nand more", "Without an end"),
        ("Wrapped over\n    two lines. End.", "Wrapped over two lines."),
        ("zip(a, b=f(1)) -> list of pairs\n\nPair up items.", "Pair up items."),
        ("open(name) -- Open a file by its name.", "Open a file by its name."),
        ("Use version 3.7 or later, i.e. not 2.x. Really.", "Use version 3.7 or later, i.e. not 2.x."),
        (">>> f(1)\n2", ""),
        ("", ""),
    ],
)
def test_first_sentence(docstring: str, sentence: str) -> None:
    assert first_sentence(docstring) == sentence


def test_modules_fill_splits_by_number_of_queries() -> None:
    sizes = Counter({f"module{n}": 1 + n % 7 for n in range(200)}) + Counter({"huge": 300})
    splits = split_modules(sizes)
    filled = Counter[str]()
    for module, split in splits.items():
        filled[split] += sizes[module]
    assert splits == split_modules(Counter(dict(reversed(sizes.items()))))
    assert splits["huge"] == "train"
    for split in ("dev", "test"):
        assert 0.09 <= filled[split] / sizes.total() <= 0.1
