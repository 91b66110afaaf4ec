# make demo    hear spoken words on an emulated Cortex-M4 (AUDIO=folder for your own recordings)
# make live    let it hear you, in the browser
# make test    everything that needs no hardware
# make web     the page with the firmware in WebAssembly: static files in build/web
# make help    the rest
#
# Needs git, make and Python 3.11 or newer; what else is missing is installed (Debian, as root or with sudo) or named.

SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.11 python3.12 python3.13,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BOARD ?= mps2_an386
AUDIO ?= host/demo/words
BUNDLE ?= training/zoo/matchbox
BUNDLES ?=
PYTEST_ARGS ?=
# As many processes as the machine has cores; tests that share a folder stay in one (tests/conftest.py).
PYTEST_WORKERS ?= auto
# The longest test takes two minutes on idle cores. One that hangs ends with the stacks of its threads; the others go on.
PYTEST_TIMEOUT_S ?= 900

LOGS := build/logs
QUIET := .ci/quiet.sh
# What .clang-format is for; .clang-format-ignore names what is generated in between.
CPP_SOURCES := find firmware/boards firmware/include firmware/src firmware/test tests "(" -name "*.cc" -o -name "*.h" ")"
QUICK_TESTS := $(addprefix tests/unit/,reference codegen firmware host data evaluate house)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install -c constraints.txt

# What cannot work is refused before anything is made: PATH and venv stumble over a colon, pip's starting scripts over
# quotes, backslashes and backticks, SCons over a dollar sign, PlatformIO over names that are not UTF-8, and make itself over
# spaces (in VENV; elsewhere they are fine).
BAD_SIGNS := \ : $$ " `
BAD_IN_VENV := $(BAD_SIGNS) % ' & ; ( ) < > | * ?
ifneq ($(strip $(foreach sign,$(BAD_SIGNS),$(findstring $(sign),$(CURDIR)))),)
$(error error: the kit's folder must hold none of $(BAD_SIGNS) in its name. Received: $(CURDIR). Rename or move it)
endif
NOT_UTF8 := $(shell pwd | LC_ALL=C grep -q '[^ -~]' && [ -n "$(PYTHON)" ] && \
	! "$(PYTHON)" -c 'import os; os.fsencode(os.getcwd()).decode()' 2>/dev/null && echo yes)
ifneq ($(NOT_UTF8),)
$(error error: the kit's folder must have a name in UTF-8. Received: $(CURDIR). Rename or move it)
endif
ifneq ($(words $(VENV)) $(strip $(foreach sign,$(BAD_IN_VENV),$(findstring $(sign),$(value VENV)))),1 )
$(error error: VENV must be a folder without spaces and special signs. Received: $(value VENV))
endif

export PATH := $(abspath $(VENV)/bin):$(PATH)
# Recipes read these from the environment, so that no shell reads anything into a folder's name.
export PYTHON BOARD AUDIO BUNDLE BUNDLES
export PLATFORMIO_CORE_DIR ?= $(CURDIR)/.pio-core
export PLATFORMIO_SETTING_ENABLE_TELEMETRY ?= no

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo live test quick-test measure figures lint lint-python lint-types lint-cpp lint-cpp-format lint-spelling lint-generated lint-figures format \
	firmware generate sources venv venv-demo demo-words web clean distclean system-demo system-test system-web

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: firmware ## build the firmware, start an emulated board, stream spoken words to it (AUDIO=folder, BOARD=name)
	@$(VENV)/bin/kws-host check --emulate "$$BOARD" --bundle "$$BUNDLE" "$$AUDIO"

live: firmware ## a page in the browser: an emulated board hears this machine's microphone (BOARD=name)
	@$(VENV)/bin/kws-host live --emulate "$$BOARD"

test: system-test venv sources ## everything that needs no hardware (PYTEST_ARGS="-k words" to choose)
	@$(VENV)/bin/pytest -n $(PYTEST_WORKERS) --maxprocesses 8 --max-worker-restart 2 --dist loadscope \
		--no-loadscope-reorder --timeout $(PYTEST_TIMEOUT_S) --timeout-method signal $(PYTEST_ARGS)

quick-test: venv ## at every save, under two minutes: unit tests that need neither TensorFlow nor a compiler
	@$(VENV)/bin/pytest -m "not slow" $(QUICK_TESTS) $(PYTEST_ARGS)

measure: system-test venv sources ## measure every emulated board (instructions, flash, RAM, stack), analyse the images, renew the pages
	@$(VENV)/bin/python -m kws_firmware.measure --write
	@$(VENV)/bin/python -m kws_firmware.analyse --write
	@$(VENV)/bin/python -m tests.tools.figures

figures: venv ## renew the figures in the pages from the committed records
	@$(VENV)/bin/python -m tests.tools.figures

lint: lint-python lint-types lint-cpp lint-spelling lint-generated lint-figures ## every check that runs nothing: style, types, spelling, freshness

lint-python: venv
	@$(QUIET) "Python: ruff's rules" $(LOGS)/lint-ruff.log $(VENV)/bin/ruff check --output-format concise .
	@$(QUIET) "Python: formatting" $(LOGS)/lint-ruff-format.log $(VENV)/bin/ruff format --check .

lint-types: venv
	@$(QUIET) "Python: types" $(LOGS)/lint-mypy.log $(VENV)/bin/mypy

lint-cpp: system-test lint-cpp-format sources
	@$(QUIET) "C++: clang-tidy" $(LOGS)/lint-clang-tidy.log $(VENV)/bin/python .ci/tidy.py
	@$(QUIET) "C++: cppcheck" $(LOGS)/lint-cppcheck.log .ci/cppcheck.sh

lint-cpp-format: venv
	@$(QUIET) "C++: formatting" $(LOGS)/lint-clang-format.log $(CPP_SOURCES) -exec $(VENV)/bin/clang-format --dry-run -Werror {} +

lint-spelling: venv
	@$(QUIET) "Spelling" $(LOGS)/lint-codespell.log $(VENV)/bin/codespell . .ci

lint-generated: venv-demo sources
	@$(QUIET) "Generated code is of this bundle" $(LOGS)/lint-generated.log \
		$(VENV)/bin/kws-codegen generate "$$BUNDLE" --out firmware/generated --check
	@$(QUIET) "Protocol's sources and pages are of its table" $(LOGS)/lint-protocol.log $(VENV)/bin/python -m kws_codegen.protocol --check
	@$(QUIET) "Third-party sources are the pinned ones" $(LOGS)/lint-sources.log \
		$(VENV)/bin/python -m kws_firmware.fetch_sources --check

lint-figures: venv
	@$(QUIET) "Pages state what was measured" $(LOGS)/lint-figures.log $(VENV)/bin/python -m tests.tools.figures --check

format: venv ## format Python and C++, sort imports
	@$(VENV)/bin/ruff check --quiet --select I --fix .
	@$(VENV)/bin/ruff format .
	@$(CPP_SOURCES) -exec $(VENV)/bin/clang-format -i {} +

firmware: system-demo venv-demo sources ## build the firmware of one board (BOARD=name)
	@$(QUIET) "Building the firmware for $$BOARD" "$(LOGS)/firmware-$$BOARD.log" $(VENV)/bin/pio run -e "$$BOARD"

web: system-web venv-demo sources ## the page with the firmware in WebAssembly, in build/web (BUNDLES="folders" for your own models)
	@$(VENV)/bin/python -m kws_firmware.web --out build/web $$BUNDLES

generate: venv-demo ## C++ of the released model into firmware/generated
	@$(VENV)/bin/kws-codegen generate "$$BUNDLE" --out firmware/generated

sources: $(VENV)/.demo ## third-party firmware sources, pinned and hash-checked
	@$(VENV)/bin/python -m kws_firmware.fetch_sources

venv: $(VENV)/.dev ## Python environment with everything, TensorFlow included

venv-demo: $(VENV)/.demo ## Python environment of the demo: host tools and code generator

demo-words: $(VENV)/.demo ## synthesise the demo's words again (needs espeak-ng and flite)
	@.ci/system_packages.sh voices
	@$(VENV)/bin/python -m kws_host.demo_words

clean: ## remove what was built
	rm -rf build .pio

distclean: clean ## also the Python environment and the third-party sources
	rm -rf .pio-core firmware/third_party
	rm -rf $(VENV)

# Each stamp says that the environment agrees with the two files that define it.

$(VENV)/.pip:
	@test -n "$$PYTHON" || { echo "error: no Python 3.11 or newer on PATH. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@.ci/system_packages.sh venv
	@$(QUIET) "Making a Python environment in $(VENV)" $(LOGS)/venv.log "$$PYTHON" -m venv $(VENV)
	@$(QUIET) "Installing the Python build tools" $(LOGS)/pip-setuptools.log $(PIP) setuptools
	@touch $@

$(VENV)/.demo: $(VENV)/.pip pyproject.toml constraints.txt
	@$(QUIET) "Installing the Python packages for the demo" $(LOGS)/pip-demo.log \
		$(PIP) --no-build-isolation -e ".[host,codegen]"
	@touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml constraints.txt
	@$(QUIET) "Installing all Python packages (TensorFlow: 600 MB)" $(LOGS)/pip-dev.log \
		$(PIP) --no-build-isolation -e ".[training,host,codegen,dev]"
	@$(QUIET) "Installing more voices" $(LOGS)/pip-voices.log $(PIP) "kws-kit[voices]"
	@touch $(VENV)/.demo $@

system-demo:
	@.ci/system_packages.sh demo

system-test:
	@.ci/system_packages.sh test

system-web:
	@.ci/system_packages.sh web
