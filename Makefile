# Two commands do everything: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The tests start hundreds of processes, which would each compile every module where this is set.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check docs clean

demo: .stamps/run ## install what a run needs and backtest the default strategy
	$(BIN)/python -m framework

test: .stamps/dev ## install what the tests need and run them all
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: .stamps/dev ## formatting, lint, types, layers, examples in docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --doctest-modules framework -p no:randomly

docs: .stamps/run ## write the pages that are generated from the code
	$(BIN)/python -m framework.strategy.document

clean:
	rm -rf .venv .stamps

.venv/bin/python:
	$(PYTHON) -m venv .venv

.stamps/run: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@mkdir -p .stamps && touch $@

.stamps/dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@mkdir -p .stamps && touch $@ .stamps/run
