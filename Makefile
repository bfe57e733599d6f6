# Two commands do everything on a fresh machine with Python 3.11+ and make:
#   make run    sets up and starts gnomon at http://127.0.0.1:8080
#   make test   runs the whole test suite, offline once set up
.PHONY: run test ready lint check chromium espeak models clients docs bench bench-truth clean help

VENV := .venv
BIN := $(VENV)/bin
# The whole set-up, the build's own tools included, takes the versions of constraints.txt.
# Newer pips read the second name for builds, older ones the first.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_NO_INPUT=1 \
	$(BIN)/python -m pip --disable-pip-version-check install --quiet
# The first Python on the PATH that is new enough: python3 itself may be older than python3.12.
FIND_PYTHON = for p in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v "$$p" >/dev/null 2>&1 \
	&& "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$p" && break; done
export GNOMON_TEST_MODELS ?= $(CURDIR)/.cache/models

run: $(VENV)/run.stamp
	@exec $(BIN)/gnomon serve --live

# What the tests need is downloaded, installed and checked side by side: most of it waits for a
# network or keeps one core busy.
test:
	@$(MAKE) --no-print-directory -j4 ready
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder || { \
		echo "== once more, alone: what failed beside the others. If it passes now, it depends on the" \
			"machine's load or on another test: that is a defect to be mended, and is printed above." \
		&& $(BIN)/pytest --last-failed --last-failed-no-failures none --maxfail 3; }

ready: $(VENV)/compiled.stamp lint chromium espeak models clients

lint: $(VENV)/test.stamp
	$(BIN)/ruff check src tests bench docs
	$(BIN)/ruff format --check src tests bench docs
	$(BIN)/mypy

check: $(VENV)/test.stamp
	$(BIN)/ruff format src tests bench docs
	$(BIN)/ruff check --fix src tests bench docs
	$(BIN)/mypy

# Made in one step: a half-made one (no python3-venv, an interruption) would look finished.
$(BIN)/python:
	@found=$$($(FIND_PYTHON)); \
	test -n "$$found" || { echo "gnomon needs Python 3.11 or newer, and none is on the PATH;" \
		"install one, or name it: make PYTHON=/path/to/python3"; exit 1; }; \
	echo "setting up in $(VENV) with $$found (a few minutes the first time)"; \
	rm -rf $(VENV); \
	"$$found" -m venv $(VENV) >$(VENV).log 2>&1 && $(BIN)/python -m pip --version >>$(VENV).log 2>&1 \
		|| { cat $(VENV).log; rm -rf $(VENV) $(VENV).log; \
		echo "Python's venv does not work here; on Debian and Ubuntu: apt-get install python3-venv"; \
		exit 1; }; \
	rm -f $(VENV).log

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) --editable . || { echo "The set-up failed, as said above. It needs a network once, for Python packages;" \
		"then run the same command again: it goes on where it was."; exit 1; }
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) --no-compile --editable '.[test,lab]' || { echo "The set-up failed, as said above. It needs a network once, for Python packages;" \
		"then run the same command again: it goes on where it was."; exit 1; }
	@touch $(VENV)/run.stamp $@

# What pip would do at the end, on one core and before anything else may begin.
$(VENV)/compiled.stamp: $(VENV)/test.stamp
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

# The page is tested in a real browser: Debian's, with a font that has Chinese.
chromium:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name >/dev/null 2>&1 && exit 0; done; \
	echo "installing Debian's chromium for the page's tests"; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 \
	&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends chromium fonts-noto-cjk >/dev/null \
	|| { echo "Chromium is not here and cannot be installed without root and apt-get; as root:" \
		"apt-get install chromium fonts-noto-cjk. Then run make test again."; exit 1; }

# The voice that is always there, for the tests of speech: Debian's. After the browser, since apt
# does one thing at a time.
espeak: | chromium
	@command -v espeak-ng >/dev/null 2>&1 || { echo "installing Debian's espeak-ng for the tests of voices"; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 \
	&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends espeak-ng >/dev/null; } \
	|| echo "espeak-ng is not here; the tests of its voice are skipped, saying so"

# The small models that the tests run, kept between runs; tests that need them say so if absent.
models: $(VENV)/test.stamp
	@$(BIN)/python -m gnomon.models.pull --dir "$(GNOMON_TEST_MODELS)" \
		smollm2-135m-instruct multilingual-e5-small-q4 all-minilm-l6-v2 whisper-base-int8 >/dev/null \
		|| echo "models could not be fetched; the tests that run them are skipped, saying so"

# Clients of other people that tests/test_clients.py runs, in environments of their own: some need
# older packages than gnomon does.
CLIENTS := .cache/clients
clients: $(CLIENTS)/python.stamp $(CLIENTS)/node.stamp

$(CLIENTS)/python.stamp: tests/clients/requirements.txt | $(BIN)/python
	@echo "setting up the clients that the tests run"; mkdir -p $(CLIENTS); rm -rf $(CLIENTS)/python
	@$(BIN)/python -m venv $(CLIENTS)/python && $(CLIENTS)/python/bin/python -m pip \
		--disable-pip-version-check install --quiet -r tests/clients/requirements.txt
	@touch $@

$(CLIENTS)/node.stamp: tests/clients/package.json tests/clients/package-lock.json
	@mkdir -p $(CLIENTS)/node && cp $^ $(CLIENTS)/node/
	@if command -v npm >/dev/null 2>&1; then \
		cd $(CLIENTS)/node && npm ci --no-audit --no-fund --loglevel=error && touch ../node.stamp; \
	else echo "npm is not here: the tests of clients for JavaScript are skipped, saying so"; fi

# docs/cli.md from the command line's own help; a test compares the two.
docs: $(VENV)/run.stamp
	$(BIN)/python docs/cli_help.py

bench: $(VENV)/test.stamp
	for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# How right the truth engine is: docs/truth.md, docs/truth.json and the curves. It goes on where it
# was interrupted, and skips, saying so, where the development data is absent.
bench-truth: $(VENV)/test.stamp
	$(BIN)/python -m bench.truth --docs docs

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

help:
	@sed -n '1,3p' Makefile
