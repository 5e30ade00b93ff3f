# Two commands: `make lab` opens the lab, `make test` proves it. Both set up what they need and reuse what is there.

PYTHON ?= python3
BIN    := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup lab test lint format contracts bench docs wheel clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## create .venv, install everything, build the Lab extension
	@$(PYTHON) tools/bootstrap.py python front

lab: setup ## open JupyterLab on the quickstart, with the embedded network running
	@$(BIN)/sahara-lab lab example_notebooks/00_quickstart.ipynb

test: setup ## lint, types, import rules, Solidity, Python, TypeScript and browser tests
	@$(PYTHON) tools/bootstrap.py contracts
	@$(BIN)/python tools/checks.py all

lint: setup ## style, types and import rules only
	@$(PYTHON) tools/bootstrap.py contracts
	@$(BIN)/python tools/checks.py lint

format: setup ## rewrite the sources in the house style
	@$(PYTHON) tools/bootstrap.py contracts
	@$(BIN)/python tools/checks.py format

contracts: setup ## check the contracts; write their artifacts (sahara_lab/chain/artifacts) and gas figures
	@$(PYTHON) tools/bootstrap.py contracts
	@$(BIN)/python tools/checks.py contracts

bench: setup ## print every figure under benchmarks/ against its peer
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: setup ## build the documentation into build/docs
	@$(BIN)/mkdocs build --quiet --strict

wheel: setup ## build dist/*.whl with the prebuilt extension, widgets and contracts inside
	@$(BIN)/python -m build --wheel --installer uv --outdir dist .

clean: ## remove everything that was built or installed here (the embedded network's data stays)
	rm -rf .venv dist build sahara_lab/labextension extension/lib extension/node_modules contracts/node_modules contracts/out* contracts/cache*
