PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test test-slow lint types clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The demo needs no Ray and no TensorFlow; the tests need everything.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@test -e $(VENV)/.dev || $(PIP) -e ".[torch,report]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## Scan, rewrite and verify a small legacy project.
	docs/demo.sh $(BIN)

test: $(VENV)/.dev  ## Run the fast tests.
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/.dev  ## Run the slow tests: trainings on a real Ray, the larger TF nets.
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## Check types.
	$(BIN)/mypy
	$(BIN)/pyright

clean:  ## Remove the environment and build products.
	rm -rf $(VENV) build dist *.egg-info demo-out
