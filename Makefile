# Everything a newcomer needs: make demo, make test, make lint. The environment is made in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

# Where it is set, every process that a test starts would compile the program's modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint format bench lock clean

demo: $(VENV)/demo.stamp
	$(BIN)/schoolwatch demo

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/bench.stamp
	$(BIN)/python -m tests.benchmarks

# The versions that the tests ran with, for CI and for make; pyproject.toml has the ranges.
lock: $(VENV)/dev.stamp
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra bench --extra dev --extra detoxify --no-annotate --no-header \
		--output-file requirements.lock pyproject.toml

$(VENV)/demo.stamp: pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

# torch first and alone: a build for the CPU is taken where pip is shown one, and everything after it is content.
$(VENV)/dev.stamp: pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) $$(grep -E '^torch==' requirements.lock)
	$(INSTALL) --editable '.[dev,detoxify]'
	touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(INSTALL) --editable '.[dev,bench]'
	touch $@

clean:
	rm -rf $(VENV) demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
