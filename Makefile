# Every target makes what it needs in .venv first, and is quick the second time. PYTHON=… names another interpreter (≥ 3.11).
SHELL := /bin/sh
VENV := .venv
PYTHON ?=
BIN := $(VENV)/bin
ARGS ?=
export PYTHON

# A stamp for each set of extras and each interpreter that was named; pyproject.toml says what is in the extras.
RUN := $(VENV)/.installed-local$(subst /,-,$(PYTHON))
DEV := $(VENV)/.installed-dev$(subst /,-,$(PYTHON))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo score test unit check bench serve clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(RUN) ## install Vivavoce and its embedded model into .venv
	@echo "Ready: $(BIN)/vivavoce --help"

demo: $(RUN) ## hear a recorded caller talk with an agent
	@$(BIN)/vivavoce demo $(ARGS)

score: $(RUN) ## rehearse calls with interruptions, coughs and "mm-hm", and print how turns were taken
	@sh scripts/debian_packages.sh flite
	@$(BIN)/vivavoce score --rehearse $(ARGS)

test: $(DEV) ## everything: check, then the unit suite, then the slow tests
	@sh scripts/debian_packages.sh flite node chromium postgres
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)
	@$(BIN)/python -m pytest -m slow -n 2 --dist loadgroup $(ARGS)

unit: $(DEV) ## the unit suite alone
	@$(BIN)/python -m pytest -m "not slow" tests/unit $(ARGS)

check: $(DEV) ## lint, format, types and the direction of imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

bench: $(DEV) ## every benchmark, in its quick form
	@failed=; for script in benchmarks/[a-z]*.py; do \
		[ -e "$$script" ] || { echo "no benchmarks here"; exit 1; }; \
		echo "== $$script"; $(BIN)/python "$$script" --quick || failed="$$failed $$script"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

serve: $(RUN) ## let clients and browsers call the example agent; ARGS="AGENT --port 9000" another
	@$(BIN)/vivavoce serve $(or $(ARGS),examples/dealership)

clean: ## remove .venv and all that was built; calls you recorded stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): pyproject.toml
	@sh scripts/setup.sh $(VENV) local,turns,webrtc
	@touch $@

# All that the tests, the type checker and the benchmarks import; it includes what `make demo` runs on.
$(DEV): pyproject.toml
	@sh scripts/setup.sh $(VENV) local,turns,tools,llm,bedrock,webrtc,telephony,postgres,parquet,telemetry,dev
	@touch $@ $(RUN)
