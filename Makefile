# Two commands matter: `make run` and `make test`. Both bring what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := var/tools/bin/uv

.PHONY: run demo test lint format bench install lock clean

run: install  ## Start everything, play the freelance use case, leave the server up
	@$(BIN)/python manage.py up

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock
	@echo "Preparing the environment (once, and again when requirements.lock changes)"
	@test -x $(UV) || ($(PYTHON) -m venv var/tools && var/tools/bin/python -m pip install --quiet "uv>=0.9")
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@touch $@

lock:  ## Resolve pyproject.toml into requirements.lock (hashes, no addresses)
	@$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes \
		--no-header --no-annotate --python-version 3.11 --quiet -o requirements.lock
