from pathlib import Path

import numpy as np
from teacher_examples import some_lists, untrained_cross_encoder

from command_line import in_two
from distillir.collections import Collection
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.encoders.dense import DenseTeacher

SCRIPT = """
import os, sys
from pathlib import Path
import numpy as np
from distillir.collections import Collection
from distillir.encoding import vectors
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.encoders.dense import DenseTeacher
cross, encoder, folder, out = sys.argv[1:]
encoded = []
real = vectors.encode_texts
def counting(model, texts, **options):
    encoded.append(len(texts))
    return real(model, texts, **options)
vectors.encode_texts = counting
collection, cache = Collection(Path(folder)), Path(out)
lists = [np.arange(20) + i for i in range(4)]
teacher = CrossEncoderTeacher(cross, precision="float32", cache=cache / "scores")
dense = DenseTeacher(encoder, precision="float32", cache=cache / "vectors")
np.savez(cache / f"rank{os.environ['RANK']}.npz",
         cross=np.concatenate(teacher.score(collection, np.arange(4), lists)),
         dense=np.concatenate(dense.score(collection, np.arange(4), lists)),
         asked=teacher.calls()["asked"], encoded=sum(encoded))
"""


def test_two_processes_share_scoring_and_encoding(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    cross = untrained_cross_encoder(minilm_path)
    arguments = (cross, minilm_path, tiny.path, tmp_path)
    done = in_two(*arguments, program=SCRIPT, timeout=200, ACCELERATE_USE_CPU="true")
    assert done.returncode == 0, done.stderr[-2000:]
    ranks = [np.load(tmp_path / f"rank{i}.npz") for i in range(2)]
    # Each did a part, nothing was done twice, and both know all.
    assert all(0 < int(rank["asked"]) < 80 for rank in ranks)
    assert sum(int(rank["asked"]) for rank in ranks) == 80
    assert all(0 < int(rank["encoded"]) < 27 for rank in ranks)
    assert sum(int(rank["encoded"]) for rank in ranks) == 4 + 23
    for name in ("cross", "dense"):
        assert np.array_equal(ranks[0][name], ranks[1][name])
    lists = [np.arange(20) + i for i in range(4)]
    alone = CrossEncoderTeacher(cross, precision="float32", cache=tmp_path / "alone").score(tiny, np.arange(4), lists)
    np.testing.assert_allclose(ranks[0]["cross"], np.concatenate(alone), atol=2e-5)
    dense = DenseTeacher(minilm_path, precision="float32", cache=tmp_path / "alone").score(tiny, np.arange(4), lists)
    np.testing.assert_allclose(ranks[0]["dense"], np.concatenate(dense), atol=2e-5)


def test_shards_are_by_content_so_that_processes_need_not_agree_on_what_is_missing(
    tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    cross = untrained_cross_encoder(minilm_path)
    queries, lists = some_lists(tiny)
    first = CrossEncoderTeacher(cross, precision="float32", cache=tmp_path)
    first.score(tiny, queries[:1], lists[:1])
    before = first.calls()["asked"]
    second = CrossEncoderTeacher(cross, precision="float32", cache=tmp_path)
    second.score(tiny, queries, lists)
    # A teacher that was opened before another process wrote finds it all the same.
    first.score(tiny, queries, lists)
    assert second.calls()["asked"] == sum(len(rows) for rows in lists) - before
    assert first.calls()["asked"] == before
