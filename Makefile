# What a person does with a checkout; `make` alone prints it. .ci/run does the same, and more, to a clean one.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check faults clients conformance real recording bench clean

help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

demo: $(VENV)/installed ## tell the whole story, on an embedded sandbox of the platforms
	$(BIN)/pullcord demo

test: check ## run every gate and every test; all of src must be covered
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(VENV)/installed ## run the gates alone: lint, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

faults: $(VENV)/installed ## try every fault times every cancel tool, and print the table
	$(BIN)/python -m tests.faults.matrix

clients: $(VENV)/installed ## drive pullcord with clients that others wrote; writes the README's table
	$(BIN)/python -m tests.clients

conformance: $(VENV)/installed ## run the official MCP conformance suite, over HTTP, in both eras
	$(BIN)/python -m tests.conformance

real: $(VENV)/installed ## cancel real work on servers that others wrote, those in PLATFORM or all; writes the transcripts
	$(BIN)/python -m tests.real $(PLATFORM)

recording: $(VENV)/installed ## record the demo as a picture
	$(BIN)/python -m tests.recording

bench: $(VENV)/installed ## measure speed beside others; writes the README's table and plot
	$(BIN)/python -m tests.benchmarks.bench --readme --plot tests/benchmarks/speed.svg

clean: ## remove whatever the other targets made
	rm -rf .cache .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# Once, and again when the dependencies change.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
