# Two commands do everything on a fresh machine with Python 3.11+ and make:
#   make run    sets up and starts gnomon at http://127.0.0.1:8080
#   make test   runs the whole test suite, offline once set up
.PHONY: run test check venv models bench clean help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export GNOMON_TEST_MODELS ?= $(CURDIR)/.cache/models

run: $(VENV)/run.stamp
	$(BIN)/gnomon serve --live

test: $(VENV)/test.stamp chromium models
	$(BIN)/ruff check src tests bench docs
	$(BIN)/ruff format --check src tests bench docs
	$(BIN)/mypy
	$(BIN)/pytest

check: $(VENV)/test.stamp
	$(BIN)/ruff format src tests bench docs
	$(BIN)/ruff check --fix src tests bench docs
	$(BIN)/mypy

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "gnomon needs Python 3.11 or newer; none was found on the PATH."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/run.stamp

# The page is tested in a real browser: Debian's, with a font that has Chinese.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || { \
		echo "installing Debian's chromium for the page's tests"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends \
			chromium fonts-noto-cjk >/dev/null; }

# The small models that the tests run, kept between runs; tests that need them say so if absent.
models: $(VENV)/test.stamp
	@$(BIN)/python -m gnomon.models.pull --dir $(GNOMON_TEST_MODELS) \
		smollm2-135m-instruct multilingual-e5-small-q4 \
		|| echo "models could not be fetched; the tests that run them will be skipped, saying so"

bench: $(VENV)/test.stamp
	for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache

help:
	@sed -n '1,3p' Makefile
