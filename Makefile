# What a person does with a checkout; `make` alone prints it. .ci/run does the same, and more, to a clean one.

PYTHON ?= python3
VENV ?= .venv
# Which versions are installed; none: the newest that pyproject.toml allows.
CONSTRAINTS ?= constraints.txt
# How long make load keeps up its steady stream.
SECONDS ?= 600
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check newest oldest constraints faults clients conformance real panel mutants recording costs bench load clean

help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

demo: $(VENV)/runs ## tell the whole story, on an embedded sandbox of the platforms
	$(BIN)/pullcord demo

test: check ## run every gate and every test; all of src must be covered
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(VENV)/develops ## run the gates alone: lint, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

newest: ## run gates and tests with the newest versions that pyproject.toml allows
	rm -rf .cache/newest
	$(MAKE) test VENV=.cache/newest CONSTRAINTS=

oldest: ## run the tests with the oldest versions that pyproject.toml allows
	rm -rf .cache/oldest
	$(MAKE) .cache/oldest/develops VENV=.cache/oldest CONSTRAINTS=constraints-oldest.txt
	.cache/oldest/bin/pytest --numprocesses auto

constraints: ## write both files of exact versions anew
	$(PYTHON) -m venv --clear .cache/constraints
	.cache/constraints/bin/python tests/constraints.py

faults: $(VENV)/develops ## try every fault times every cancel tool, and print the table
	$(BIN)/python -m tests.faults.matrix

clients: $(VENV)/develops ## drive pullcord with clients and frameworks that others wrote; writes their tables in docs/
	$(BIN)/python -m tests.clients

conformance: $(VENV)/develops ## run the official MCP conformance suite, over HTTP, in both eras
	$(BIN)/python -m tests.conformance

real: $(VENV)/develops ## cancel real work on servers that others wrote, those in PLATFORM or those of .ci/run; writes the transcripts
	$(BIN)/python -m tests.real $(PLATFORM)

panel: $(VENV)/develops ## draw the panel in Chromium, as pictures
	$(BIN)/python -m tests.panel

mutants: $(VENV)/develops ## change the code that decides, a little each time, MODULE or all: a test or the type checker must notice
	$(BIN)/python -m tests.mutants $(MODULE)

recording: $(VENV)/develops ## record the demo as a picture
	$(BIN)/python -m tests.recording

costs: $(VENV)/develops ## count the tokens that tools and answers cost
	$(BIN)/python -m tests.costs

bench: $(VENV)/develops ## measure speed beside others; writes docs/benchmarks.md and its plot
	$(BIN)/python -m tests.benchmarks.bench --document --plot tests/benchmarks/speed.svg

load: $(VENV)/develops ## load a server over HTTP: 1, 64 and 512 clients, a steady stream with faults (SECONDS), floods
	$(BIN)/python -m tests.benchmarks.load
	$(BIN)/python -m tests.benchmarks.steady --seconds $(SECONDS)
	$(BIN)/python -m tests.benchmarks.flood
	$(BIN)/python -m tests.benchmarks.waiters

clean: ## remove whatever the other targets made
	rm -rf .cache .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# Each once, and again when the dependencies change. pip reads where it finds versions for a build in another variable.
PIP := PIP_CONSTRAINT=$(CONSTRAINTS) PIP_BUILD_CONSTRAINT=$(CONSTRAINTS) PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip

$(VENV)/runs: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pullcord needs Python 3.11 or later, and $(PYTHON) is %d.%d; name a later one: make $(MAKECMDGOALS) PYTHON=python3.13" % sys.version_info[:2])'
	@echo "Installing pullcord and what it runs on in $(VENV), once: about 74 MB."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --editable .
	@touch $@

$(VENV)/develops: $(VENV)/runs
	@echo "Installing what pullcord is tested with in $(VENV), once: about 280 MB."
	@$(PIP) install --editable '.[dev]'
	@touch $@
