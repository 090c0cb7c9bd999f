# Selvedge's commands. `make help` lists them. Needs Python 3.11 or newer, make and a C library; nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.installed
UV     := $(shell sed -n 's/^UV=//p' requirements/install.sh)
COMPILE = $(BIN)/python -m uv pip compile --universal --python-version 3.11 --no-header --no-annotate pyproject.toml
TOGETHER = $(if $(filter output-sync,$(.FEATURES)),-j 2 --output-sync=target)
GROUP  := $(if $(filter 1 yes true,$(LEAN)),core,train)

# PORT, DATA, LINES and the others reach the commands by themselves: make exports what stands on its command line.

SIZE_core  := about 400 MB on disk
SIZE_train := torch with CUDA; about 5.5 GB on disk, several minutes. LEAN=1 leaves it out
SIZE_test  := pytest and its helpers, on top of train; about 300 MB more
SIZE_dev   := linters and type checkers, on top of test; about 200 MB more

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run test lint soak bench bench-pages lock clean \
  lint-code lint-format lint-types lint-rooms lint-templates lint-migrations lint-schema

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Variables: PORT=8000 DATA=./var LINES=3 RATE=2 DEFECTS=0.05 IMAGES=folder LOOP=1 CAMERAS=1 LEAN=0 PYTHON=python3"
	@echo "  Example:   make demo PORT=8080 LINES=5 LEAN=1"

demo: $(STAMPS)/$(GROUP) ## run everything with demo users and simulated cameras (Ctrl-C ends it)
	@exec $(BIN)/python manage.py demo

run: $(STAMPS)/$(GROUP) ## run everything for real cameras (the first start asks for an administrator)
	@exec $(BIN)/python manage.py run

test: $(STAMPS)/test ## the whole test suite, from nothing; installs what it needs
	@exec $(BIN)/python tests/run_all.py

soak: $(STAMPS)/test ## the slow tests: hostile bytes, 2000 uploads under 20 kills, thousands of requests, 1000 histories
	@$(BIN)/python -m pytest -m soak tests
	@UPLOADS=2000 KILLS=20 SCHEMA_CASES=7000 $(BIN)/python -m pytest -s tests/faults/test_kills.py tests/test_schema.py
	@DRILL_S=60 $(BIN)/python -m pytest -s tests/faults/test_drill.py
	@DECISIONS=400 $(BIN)/python -m pytest -s tests/browser/test_queue_speed.py
	@HISTORIES=1000 $(BIN)/python -m pytest -q tests/test_histories.py -k any_history
	@ROWS=100000 $(BIN)/python -m pytest -s tests/test_exports.py -k memory

lint: $(STAMPS)/dev ## formatting, types, rooms, templates, migrations, schema; says all that is wrong, not the first
	@$(MAKE) --no-print-directory --keep-going $(TOGETHER) $(addprefix lint-,code format types rooms templates migrations schema)

lint-code:
	$(BIN)/ruff check .
lint-format:
	$(BIN)/ruff format --check .
lint-types:
	$(BIN)/mypy
lint-rooms:
	$(BIN)/lint-imports
lint-templates:
	$(BIN)/djlint --lint --quiet templates
lint-migrations:
	$(BIN)/python manage.py makemigrations --check --dry-run
lint-schema:
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file $(VENV)/schema.yml

bench: $(STAMPS)/test ## speed of the whole path, as ratios: docs/performance.md
	@exec $(BIN)/python manage.py bench

bench-pages: $(STAMPS)/test ## every page over 5 million captures, SQLite and PostgreSQL: docs/performance.md
	@exec $(BIN)/python manage.py bench_pages

lock: $(BIN)/python ## pin requirements/*.txt anew from pyproject.toml
	$(BIN)/python -m pip install --quiet $(UV)
	$(COMPILE) -o requirements/core.txt
	$(COMPILE) --extra train -c requirements/core.txt -o requirements/train.txt
	$(COMPILE) --extra train --extra mqtt --extra test -c requirements/train.txt -o requirements/test.txt
	$(COMPILE) --extra train --extra mqtt --extra test --extra dev -c requirements/test.txt -o requirements/dev.txt

clean: ## remove .venv and caches (never DATA)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# --- the virtual environment: one stamp a group, so a second run installs nothing ----------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Selvedge needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "That Python cannot make virtual environments: install its venv module (Debian: python3-venv)." >&2; exit 1; }

# A bigger group brings the smaller ones with it.
$(STAMPS)/%: requirements/%.txt | $(BIN)/python
	@echo "Installing requirements/$*.txt into $(VENV): $(SIZE_$*)"
	@sh requirements/install.sh $(BIN)/python $< || { \
	  echo >&2; echo "Installing failed (see above). Check the network and the free space ($$(df -h . | awk 'NR==2{print $$4}') here)," >&2; \
	  echo "then run the same command again: it goes on where it stopped. Without torch: LEAN=1." >&2; exit 1; }
	@mkdir -p $(STAMPS) && for group in $(INCLUDES_$*) $*; do touch $(STAMPS)/$$group; done

INCLUDES_train := core
INCLUDES_test  := core train
INCLUDES_dev   := core train test
