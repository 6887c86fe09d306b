# `make` or `make help` lists what can be made.
PYTHON ?= python3
UV := uv==0.13.9
ENV := .venv
BIN := $(CURDIR)/$(ENV)/bin
INSTALLED := $(ENV)/installed
export PATH := $(BIN):$(PATH)
unexport PYTHONSAFEPATH PYTHONOPTIMIZE # with these Python finds no stages, and Altair breaks

.DEFAULT_GOAL := help
.PHONY: help git env repro distribute open experiments offline share fetch repair verify maps \
	processors test test-fast soak bench schema templates readme lint audit lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

git:
	@git rev-parse --git-dir > /dev/null || { test -e .git || echo "DVC needs git. Clone the project instead of taking a zip; or, where git is installed, run:  git init && git add --all && git commit -m Start" >&2; exit 1; }

env: $(INSTALLED) ## the virtual environment in .venv, with every package pinned

repro: git env ## run the whole study: whatever changed since the last time, and no more
	@python -m stages.check --dry-run
	dvc repro
	@echo "The report is $$PWD/reports/index.html: make open"

distribute: git env ## the same on all cores at once; SCHEDULER=ADDRESS or JOBQUEUE=FILE: on a cluster
	@python -m stages.check --dry-run
	@python -m tools.distribute $(if $(SCHEDULER),--scheduler $(SCHEDULER)) \
		$(if $(JOBQUEUE),--jobqueue $(JOBQUEUE))
	@echo "The report is $$PWD/reports/index.html: make open"

open: ## look at the report in a browser
	@$(PYTHON) -c 'import pathlib, sys, webbrowser; page = pathlib.Path("reports/index.html").resolve(); page.exists() or sys.exit(f"{page}: is missing; make repro makes it"); webbrowser.open(page.as_uri()) or sys.exit(f"no browser was found here; open {page} in one")'

experiments: git env ## what each experiment changed and came to, in a short table
	@dvc exp show --only-changed --drop '.*(/|yaml)|Created|State|Executor'

offline: env ## let `dvc plots show` and `dvc plots diff` draw without a network
	@python -m tools.offline

share: git env ## send what was trained here to the remote (docs/sharing.md)
	dvc push --run-cache

fetch: git env ## get what the remote has for this checkout
	dvc pull --run-cache --allow-missing
	@dvc status --quiet || echo "Not everything is here: the remote lacks it, or has it damaged. \`dvc repro\` makes it, too."

repair: git env ## show what is damaged in DVC's cache and on the remote; DELETE=yes deletes it
	@python -m tools.repair $(if $(filter yes,$(DELETE)),--delete)

verify: git env ## make tables and reports anew, and compare all results with the committed ones
	dvc repro --force --single-item evaluate report
	@python -m tools.verify

maps: git env ## train all sweeps anew (some minutes): a fresh clone has their tables, in git
	dvc repro --force --single-item sweep

processors: env ## run a small study as every Intel and AMD processor that QEMU knows, and compare
	@python -m tools.processors

test: git env ## all tests
	pytest

test-fast: git env ## the tests that take under a minute together
	pytest -m "not slow"

bench: env ## what a network and an edit cost, against the lecture's loop (half an hour)
	python -m tools.benchmark

schema: env ## renew params.schema.json after an edit of stages/settings or stages/initializers
	@python -m tools.schema

templates: env ## renew DVC's templates in .dvc/plots after an edit of stages/rendering/charts.py
	@python -m tools.templates

readme: env ## renew README's figures after the study or tools/readme.md changed
	@python -m tools.readme

lint: env ## ruff and mypy, with what ruff would change
	ruff check .
	ruff format --check --diff .
	mypy

audit: env ## known holes in the pinned packages, as PyPI has them
	uv tool run pip-audit --requirement requirements.lock --no-deps --disable-pip

soak: git env ## fifty rounds of change, run, share, fetch and gc; clusters killed (half an hour)
	pytest -m soak

lock: env ## renew requirements.lock after an edit of pyproject.toml
	uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --group bits --group cluster --group dev \
		pyproject.toml --output-file requirements.lock

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, and this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.11 …") if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(ENV)
	$(ENV)/bin/pip install --quiet $(UV)
	$(ENV)/bin/uv pip install --python $(ENV)/bin/python --requirement requirements.lock
	@touch $@
