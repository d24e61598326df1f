PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test test-slow lint types docs clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(STAMP)

demo: $(STAMP)  ## Scan, rewrite and verify a small legacy project.
	$(BIN)/python -m fixtures.projects.demo

test: $(STAMP)  ## Run the fast tests.
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)  ## Run the end-to-end tests on a real Ray.
	$(BIN)/python -m pytest -m slow tests/e2e

lint: $(STAMP)  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## Check types.
	$(BIN)/mypy
	$(BIN)/pyright

clean:  ## Remove the environment and build products.
	rm -rf $(VENV) build dist *.egg-info demo-out
