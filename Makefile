# `make` or `make help` lists the targets.
PYTHON ?= python3
UV := uv==0.13.9
ENV := .venv
BIN := $(CURDIR)/$(ENV)/bin
INSTALLED := $(ENV)/installed
# Its scripts do not start if Python was upgraded, or the folder of an older .venv was moved.
STARTS := $(shell $(ENV)/bin/tqdm --version 2> /dev/null)
ifeq ($(STARTS),)
.PHONY: $(INSTALLED)
endif
export PATH := $(BIN):$(PATH)
# With these set, Python does not find the stages and Altair fails.
unexport PYTHONSAFEPATH PYTHONOPTIMIZE
# Without a name, DVC fails for a user that a container does not know.
export USER ?= $(shell id -un 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help git env repro distribute open experiments offline share fetch repair verify maps \
	processors test test-fast test-all soak bench schema templates readme lint audit lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

git:
	@git rev-parse --git-dir > /dev/null || { test -e .git || echo "DVC needs git. Clone the project instead of downloading a zip file, or install git and run:  git init && git add --all && git commit -m Begin" >&2; exit 1; }

env: $(INSTALLED) ## create the virtual environment .venv with all pinned packages

repro: git env ## run the study; only stages with changes run again
	@python -m stages.check --dry-run
	python -m dvc repro
	@echo "The report is $$PWD/reports/index.html: make open"

distribute: git env ## run the study on all cores, or on a cluster: SCHEDULER=ADDRESS or JOBQUEUE=FILE
	@python -m stages.check --dry-run
	@python -m tools.distribute $(if $(SCHEDULER),--scheduler $(SCHEDULER)) \
		$(if $(JOBQUEUE),--jobqueue $(JOBQUEUE))
	@echo "The report is $$PWD/reports/index.html: make open"

open: ## open the report in a browser
	@$(PYTHON) -c 'import pathlib, sys, webbrowser; page = pathlib.Path("reports/index.html").resolve(); page.exists() or sys.exit(f"{page}: does not exist; run `make repro`"); webbrowser.open(page.as_uri()) or sys.exit(f"found no browser; open {page} yourself")'

experiments: git env ## list the experiments with their changes and results
	@test "$$(git rev-parse --is-shallow-repository)" = false || echo "This clone is shallow (git clone --depth): DVC loses experiments of --queue and --temp in it. Run: git fetch --unshallow" >&2
	@python -m dvc exp show --only-changed --drop '.*(/|yaml)|Created|State|Executor'

offline: env ## let `dvc plots show` and `dvc plots diff` work without a network
	@python -m tools.offline

share: git env ## push trained results to the remote (docs/sharing.md)
	@python -m tools.share

fetch: git env ## pull the results for this checkout from the remote
	@python -m tools.share --fetch
	@python -m dvc status --quiet || echo "Not everything is here: results are missing or damaged on the remote. \`dvc repro\` computes them."

repair: git env ## list damaged files in DVC's cache and on the remote; DELETE=yes deletes them
	@python -m tools.repair $(if $(filter yes,$(DELETE)),--delete)

verify: git env ## run evaluate and report again, and compare all results with the committed ones
	@python -m dvc status --quiet check || { echo "params.yaml or the code of check has changed since the last run: run \`dvc repro\`" >&2; exit 1; }
	python -m dvc repro --force --single-item evaluate report
	@python -m tools.verify

maps: git env ## train all sweeps again, also those of questions.yaml (ten minutes)
	python -m dvc repro --force --single-item sweep question

processors: env ## run a small study on every processor that QEMU emulates, and compare
	@python -m tools.processors

test: git env ## run the tests (about seven minutes on two cores)
	python -m pytest

test-fast: git env ## run the quick tests (under 40 seconds)
	python -m pytest -m "not slow and not extra and not soak"

test-all: git env ## run all tests, including those with servers (about a quarter of an hour)
	python -m pytest -m "not soak"

bench: env ## measure training and edits; compare training with the lecture's loop (half an hour)
	python -m tools.benchmark

schema: env ## update params.schema.json after an edit of stages/settings or stages/initializers
	@python -m tools.schema

templates: env ## update .dvc/plots after an edit of stages/rendering/charts.py
	@python -m tools.templates

readme: env ## update the figures in README.md after the study or tools/readme.md changed
	@python -m tools.readme

lint: env ## check the code with ruff and mypy
	python -m ruff check .
	python -m ruff format --check --diff .
	python -m mypy

audit: env ## check the pinned packages for known vulnerabilities (needs PyPI)
	python -m uv tool run pip-audit --requirement requirements.lock --no-deps --disable-pip

soak: git env ## run fifty rounds of change, run, share, fetch and gc, and kill clusters (half an hour)
	python -m pytest -m soak

lock: env ## update requirements.lock after an edit of pyproject.toml
	python -m uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --group bits --group cluster --group dev \
		pyproject.toml --output-file requirements.lock

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("initlab needs Python 3.10 or newer; this is Python " + sys.version.split()[0] + ". Select another: make PYTHON=python3.11 …") if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(if $(STARTS),,--clear) $(ENV)
	$(ENV)/bin/python -m pip install --quiet $(UV)
	@$(ENV)/bin/python -m uv venv --quiet --allow-existing --relocatable --python $(ENV)/bin/python $(ENV)
	$(ENV)/bin/python -m uv pip install --python $(ENV)/bin/python --requirement requirements.lock
	@touch $@
