# Keywright's commands: `make` lists them. Whatever they need is made on the first call, in .venv and .uv.
# Works with GNU make 3.81 and newer, on Linux and macOS.

PYTHON ?= python3
ARGS ?=
PYTEST_ARGS ?= -n logical --dist loadgroup

# To watch lines costs time: these tests alone reach every line of what is held to full coverage.
COVERING := tests/unit tests/services tests/contract tests/doors/rest

# A stamp says that .venv was filled by this Python from the lock as it is now.
RUNTIME := .venv/.runtime-$(subst /,_,$(PYTHON))
DEV := .venv/.dev-$(subst /,_,$(PYTHON))
PINS := pyproject.toml uv.lock tools/bootstrap.py tools/uv-requirements.txt

STARTED := $(shell date +%s)
phase = @printf '\n[%3d s] %s\n' $$(($$(date +%s) - $(STARTED))) '$(1)'

.PHONY: help install serve test check docs bench format clean
.SUFFIXES:

help: ## List the commands.
	@echo 'make COMMAND [PYTHON=python3.12] [ARGS="…"]'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1@\2/p' Makefile | while IFS=@ read -r name does; do printf '  %-8s %s\n' $$name "$$does"; done

install: $(RUNTIME) ## Make .venv with the locked runtime dependencies.

serve: $(RUNTIME) ## Start Keywright on http://127.0.0.1:8300; ARGS go to `keywright serve`.
	@exec .venv/bin/keywright serve $(ARGS)

test: $(DEV) ## Run all tests; ARGS go to pytest, such as ARGS="tests/unit -k tokens".
	@.venv/bin/pytest $(PYTEST_ARGS) $(ARGS)

check: $(DEV) ## Run what CI runs: format, lint, types, import rules, house rules, documents, tests with coverage.
	$(call phase,format)
	@.venv/bin/ruff format --check .
	$(call phase,lint)
	@.venv/bin/ruff check .
	$(call phase,types)
	@.venv/bin/mypy
	$(call phase,imports)
	@.venv/bin/lint-imports --config importlinter.ini --no-logo
	$(call phase,house rules)
	@.venv/bin/python tools/house_rules.py
	$(call phase,documents)
	@$(documents)
	$(call phase,tests that cover what is held to full coverage)
	@.venv/bin/pytest $(PYTEST_ARGS) --cov --cov-report=term $(COVERING)
	$(call phase,all other tests)
	@.venv/bin/pytest $(PYTEST_ARGS) $(COVERING:%=--ignore=%)

docs: $(DEV) ## Build the documents as a site in site/, and check every link in them.
	@$(documents)

bench: $(DEV) ## Measure the speed, and write bench/results; needs wrk. ARGS="--quick verify" measures a part, quickly.
	@command -v wrk >/dev/null || { echo 'make bench needs wrk: apt-get install wrk, or brew install wrk.' >&2; exit 1; }
	@.venv/bin/python -m bench $(ARGS)

format: $(DEV) ## Put the code in the house's form.
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

clean: ## Remove what these commands made; the data folder stays.
	rm -rf .venv .uv .bench .clients .site .cache site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist build
	find src tests tools bench -type d -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): $(PINS)
	@$(bootstrap)
	@touch $@

$(DEV): $(PINS)
	@$(bootstrap) --dev
	@touch $@ $(RUNTIME)

documents = .venv/bin/python -m tools.reference --check && .venv/bin/python -m tools.links && .venv/bin/python -m tools.documents

bootstrap = command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not on the PATH; Keywright needs Python 3.11 or newer.' >&2; exit 1; }; \
	$(PYTHON) tools/bootstrap.py
