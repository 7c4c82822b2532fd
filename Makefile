# Each target sets up what it needs on a fresh machine: a virtual environment in .venv (and .venv-bench for the peers).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCH_STAMP := .venv-bench/.installed
WORKERS ?= 2

.PHONY: demo test check bench gradbench docs clean

demo: $(STAMP)
	$(BIN)/oneform demo

test: check
	$(BIN)/python -m pytest -q -n $(WORKERS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

bench: $(STAMP) $(BENCH_STAMP)
	$(BIN)/python -m bench $(ARGS)

gradbench: $(STAMP) $(BENCH_STAMP)
	$(BIN)/python -m bench.gradbench $(ARGS)

docs: $(STAMP)
	$(BIN)/python tools/gen_docs.py

clean:
	rm -rf .venv .venv-bench bench/.build build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else 'Oneform needs Python 3.11 to 3.13; run make PYTHON=python3.x')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

# The peers live apart: they pin versions of NumPy and llvmlite of their own.
$(BENCH_STAMP): bench/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
	touch $@
