"""The templates of docs/several-machines.md: scripts that bash reads, a Job that is one."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "several-machines.md"
BLOCKS = re.findall(r"```(bash|yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SCRIPTS = [text for language, text in BLOCKS if language == "bash"]

#: Stands for the program: says what it was called with.
ECHO = '#!/usr/bin/env bash\necho "$DISTILLIR_CACHE" "$@"\n'


def run(script: str, folder: Path, **environment: str) -> list[str]:
    """Run a script with a program in place of distillir that prints its arguments."""
    stand_in = folder / "distillir"
    stand_in.write_text(ECHO)
    stand_in.chmod(0o755)
    there = {"PATH": f"{folder}:{os.environ['PATH']}", **environment}
    done = subprocess.run(["bash", "-c", script], env=there, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("number", range(len(SCRIPTS)))
def test_scripts_are_bash(number: int) -> None:
    done = subprocess.run(["bash", "-n"], input=SCRIPTS[number], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_the_loop_starts_every_share_then_the_verb_alone(tmp_path: Path) -> None:
    loop = next(script for script in SCRIPTS if "xargs" in script)
    said = [line.removeprefix("/shared/cache ") for line in run(loop, tmp_path)]
    for place, verb in enumerate(("mine", "score")):
        part = said[9 * place : 9 * (place + 1)]
        assert sorted(part[:8]) == [f"{verb} recipe.yaml --output /shared/run --shard {n}/8" for n in range(1, 9)]
        assert part[8] == f"{verb} recipe.yaml --output /shared/run"
    assert said[18:] == ["run recipe.yaml --output /shared/run"]


def test_a_task_of_the_array_is_a_share(tmp_path: Path) -> None:
    task = next(script for script in SCRIPTS if "SLURM_ARRAY_TASK_ID" in script)
    said = run(task, tmp_path, SLURM_ARRAY_TASK_ID="64", SLURM_ARRAY_TASK_COUNT="64", SLURM_CPUS_PER_TASK="8")
    assert said == ["/shared/cache mine recipe.yaml --output /shared/run --shard 64/64"]
    assert "#SBATCH --array=1-64" in task


def test_an_index_of_the_job_is_a_share(tmp_path: Path) -> None:
    (text,) = (text for language, text in BLOCKS if language == "yaml")
    job = yaml.safe_load(text)
    assert (job["kind"], job["apiVersion"], job["spec"]["completionMode"]) == ("Job", "batch/v1", "Indexed")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["restartPolicy"] == "Never" and container["command"] == ["bash", "-c"]
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    cache = {entry["name"]: entry["value"] for entry in container["env"]}
    for index in (0, job["spec"]["completions"] - 1):
        said = run(container["args"][0], tmp_path, JOB_COMPLETION_INDEX=str(index), **cache)
        share = f"{index + 1}/{job['spec']['completions']}"
        assert said == [f"/shared/cache score /shared/recipe.yaml --output /shared/run --shard {share}"]
