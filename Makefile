# Two commands are all a newcomer needs: `make demo` and `make test`; while working, `make check` is the quick one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STAMP := $(VENV)/.ready-for-tests
ARGS ?=

.PHONY: demo check test bench lint types layers unit translations lock clean setup browser javascript openedx

setup: $(STAMP)

$(READY): requirements-build.txt requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-build.txt -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(STAMP): $(READY) requirements-test.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-test.txt
	touch $@

demo: $(READY)
	$(BIN)/jejak demo $(ARGS)

test: $(STAMP) browser javascript openedx lint types layers unit

# What needs no browser, no other process and no patience: for every change, before it is committed.
ALONE := not browser and not server and not fault
PARALLEL := -n 2 --dist worksteal
check: $(STAMP) lint types layers
	$(BIN)/python -m pytest $(PARALLEL) -m "$(ALONE) and not slow" --hypothesis-profile=quick $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

# What needs nothing but itself runs on two cores; what measures or kills whole servers has the machine to itself.
unit: $(STAMP)
ifeq ($(ARGS),)
	@failed=0; \
	$(BIN)/python -m pytest $(PARALLEL) -m "$(ALONE)" || failed=1; \
	$(BIN)/python -m pytest -m "not ($(ALONE))" || failed=1; \
	exit $$failed
else
	$(BIN)/python -m pytest $(ARGS)
endif

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

# Reads the messages of code and templates anew, keeps what is translated, and compiles it.
CATALOGUES := lti_tool/translations
translations: $(STAMP)
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping=$(CATALOGUES)/babel.cfg --keywords=lazy_gettext --add-location=file \
	  --sort-by-file --width=100 --project=Jejak --version=pages --output-file=build/messages.pot lti_tool
	$(BIN)/pybabel --quiet update --input-file=build/messages.pot --output-dir=$(CATALOGUES) --locale=id --width=100 \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel --quiet compile --directory=$(CATALOGUES) --statistics

# The journeys need a browser; on a bare Debian machine, as root, it is installed.
browser:
	@command -v chromium >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	  else echo "chromium is needed for the browser journeys; install it and run make test again" >&2; exit 1; fi; }

# Two JavaScript clients (TinCanJS, @xapi/xapi) run against the record store, unchanged, pinned by the lock file.
javascript: tests/clients/js/node_modules/.package-lock.json

tests/clients/js/node_modules/.package-lock.json: tests/clients/js/package-lock.json
	@command -v npm >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm; \
	  else echo "Node.js and npm are needed for the JavaScript client tests; install them and run make test again" >&2; exit 1; fi; }
	cd tests/clients/js && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	touch $@

# Open edX's platform code, an independent LTI platform for tests, lives in a virtual environment of its own:
# its many pins and its licence (AGPL) stay apart from ours.
OPENEDX := var/openedx
openedx: $(OPENEDX)/.ready

$(OPENEDX)/.ready: tests/openedx/requirements.txt
	$(PYTHON) -m venv $(OPENEDX)
	$(OPENEDX)/bin/python -m pip install --quiet --require-hashes -r $<
	touch $@

lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 requirements-build.in -o requirements-build.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 --extra test pyproject.toml -o requirements-test.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 tests/openedx/requirements.in -o tests/openedx/requirements.txt

clean:
	rm -rf $(VENV) var build dist *.egg-info
