# Two commands matter: `make run` and `make test`. Both bring what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := var/tools/bin/uv
# The tests' own database server; started when it is not there.
TESTDB := $(BIN)/python -m tests.database
# One more than there are cores: tests also wait for processes, ledgers and browsers.
TESTERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Each process imports two thousand modules: compiled once, whatever the caller's shell says of it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test browser lint types imports format migrations schema bench simulate soak matrix defects fuzz install lock clean help
.DEFAULT_GOAL := help

run: install  ## Start everything, play the freelance use case, leave the server up
	@$(BIN)/python manage.py up

demo: install  ## Play the scenarios again on the running instance
	@$(BIN)/python manage.py demo

test: lint migrations browser  ## Lint, types, import contract, migrations, and the whole suite
	@echo "Tests"
	@$(BIN)/python -m pytest -n $(TESTERS) --dist loadscope --no-loadscope-reorder; status=$$?; $(TESTDB) stop; exit $$status

browser:  ## Chromium, for the tests that click
	@for name in chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null && exit 0; done; \
		echo "Installing Chromium for the browser tests"; \
		root=$$(test "$$(id -u)" = 0 || echo sudo -n); \
		{ $$root apt-get update -qq && $$root apt-get install -y -qq \
		--no-install-recommends chromium; } >/dev/null || \
		{ echo "The browser tests need Chromium, and it could not be installed with apt-get." \
		"Install chromium, chromium-browser or google-chrome and run make again."; exit 1; }

lint: install  ## Style, types and who may import whom
	@echo "Style"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@echo "Types"
	@$(BIN)/mypy .
	@echo "Imports"
	@$(BIN)/lint-imports

migrations: install  ## The tables match the models, and the settings are safe
	@echo "Migrations"
	@DATABASE_URL=$${DATABASE_URL:-$$($(TESTDB) start)} $(BIN)/python manage.py \
		makemigrations --check --dry-run
	@DATABASE_URL=$${DATABASE_URL:-$$($(TESTDB) start)} $(BIN)/python manage.py \
		check --fail-level WARNING

schema: install  ## Write what the API's document says into sdk/, and the SDKs' types from it
	@$(BIN)/python manage.py openapi > sdk/openapi.json
	@$(BIN)/python sdk/python/generate.py
	@cd sdk/typescript && npm ci --silent --no-audit --no-fund --ignore-scripts && npm run --silent generate

format: install  ## Put the code into its form
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: install  ## Figures with what each cost, as ratios to a limit of the same run
	@$(BIN)/python -m bench

simulate: install  ## The simulator: SEED=1 STEPS=500 SEEDS=20 JOBS=2 DEFECT=name
	@$(BIN)/python -m tests.simulation --seed $(or $(SEED),1) --steps $(or $(STEPS),500) \
		--seeds $(or $(SEEDS),20) $(if $(JOBS),--jobs $(JOBS)) $(if $(DEFECT),--defect $(DEFECT))

soak: install  ## Load on an own installation whose processes are killed: MINUTES=30 REDIS=yes
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),5) $(if $(REDIS),--redis)

defects: install  ## Which seed of the simulator finds each known defect that is put back
	@$(BIN)/python -m tests.simulation --defects --steps $(or $(STEPS),250) --seeds $(or $(SEEDS),30)

matrix: install  ## Every cell of the crash matrix and of the matrix of chain outcomes
	@CRASH_MATRIX=whole $(BIN)/python -m pytest -q -n $(TESTERS) tests/crash/test_matrix.py \
		tests/crash/test_outcomes.py; status=$$?; $(TESTDB) stop; exit $$status

fuzz: install  ## schemathesis over the whole API: SEED=1 EXAMPLES=130 ONLY=/orders
	@$(BIN)/python -m tests.fuzz --seed $(or $(SEED),1) --examples $(or $(EXAMPLES),130) \
		$(if $(ONLY),--only '$(ONLY)')

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock
	@echo "Preparing the environment (once, and again when requirements.lock changes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. Name one: make run PYTHON=python3.11"; exit 1; }
	@test -x $(UV) || ($(PYTHON) -m venv var/tools && var/tools/bin/python -m pip install --quiet "uv>=0.9")
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	@touch $@

lock:  ## Resolve pyproject.toml into requirements.lock (hashes, no addresses)
	@$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes \
		--no-header --no-annotate --python-version 3.11 --quiet -o requirements.lock

clean:  ## Remove the environment and caches; the data in var/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20
