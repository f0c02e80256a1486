# Fabric Portal. `make help` tells what there is.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test kerberos check bench faults kills fuzz screenshots requirements clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the portal with a simulated fabric on this machine: http://127.0.0.1:8000
	@sh scripts/venv.sh $(PYTHON) requirements.txt
	@FABRIC_DEMO=1 exec $(BIN)/python manage.py demo

test: ## every test, on SQLite and on PostgreSQL
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@$(BIN)/python -m scripts.test $(TESTS)

kerberos: ## the extra for sign-in by Kerberos, built against this machine's libkrb5
	@sh scripts/kerberos.sh $(PYTHON)

check: ## style, types, imports, migrations, templates, the style sheet
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	FABRIC_DEBUG=0 $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python -m scripts.bundle_css --check

bench: ## how fast it is: the grid with 10,000 rows, starts, memory, a deployment, lists
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@$(BIN)/python -m benchmarks

faults: ## every operation meets every fault of a host; writes docs/faults.md (half an hour)
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@$(BIN)/python -m tests.faults

kills: ## every operation loses its worker at every step (five minutes; ONLY=vm. walks some)
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@KILLS="all$(ONLY)" $(BIN)/python -m pytest -q -n 2 tests/story/test_every_step_killed.py

SECONDS ?= 600
fuzz: ## looks for disks that the reader can't stand: make fuzz SECONDS=3600 (tests/fuzz/README.md)
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@sh scripts/venv.sh $(PYTHON) requirements-fuzz.txt
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

screenshots: ## pictures of the demo's pages into docs/screenshots (start the demo first)
	@sh scripts/venv.sh $(PYTHON) requirements-dev.txt
	@$(BIN)/python -m scripts.screenshots

requirements: ## compiles requirements*.in into pinned files with hashes
	@sh scripts/requirements.sh $(BIN)

clean: ## the virtual environment and caches; not the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
