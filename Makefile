# Two verbs matter: `make demo` and `make test`. Each sets up all that it needs.
BIN := .venv/bin
PYTHON ?= python3
PHOTOS ?=
VIEWER_SOURCES := $(shell find viewer -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print)
SANDBOX_SOURCES := $(shell find bot/sandbox/page -path '*/node_modules' -prune -o -type f -print)
UPLOAD_SOURCES := $(shell find bot/web/upload/page -path '*/node_modules' -prune -o -type f -print)

# Packages are installed uncompiled (scripts/venv.sh), so the first import has to keep what it compiles, also where the
# environment forbids that, as container images do: the bot then starts in a third of the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test lint format types machine emulator bench bench-gpu clean

help:
	@echo "make demo [PHOTOS=~/my-photos]   the whole product on this machine, in the browser"
	@echo "make test                        lint, types and every test"
	@echo "make setup | lint | bench | bench-gpu | clean"

setup: .venv/.ready .venv/.warm viewer/dist/index.html bot/sandbox/static/index.html bot/web/upload/static/index.html

.venv/bin/python:
	PYTHON=$(PYTHON) scripts/venv.sh empty

.venv/.ready: pyproject.toml constraints.txt scripts/venv.sh | .venv/bin/python
	PYTHON=$(PYTHON) scripts/venv.sh

# Compile the CPU's kernels now, so that nobody's first job waits for it.
.venv/.warm: .venv/.ready $(wildcard gpu/parcel/*.py gpu/rendering/*.py gpu/training/ssim.py)
	$(BIN)/python -m gpu.warm
	@touch $@

# Pages are built while Python's packages are installed: of .venv they need at most what brings Node.
viewer/dist/index.html: scripts/frontend.sh scripts/node.sh $(VIEWER_SOURCES) | .venv/bin/python
	scripts/frontend.sh viewer
	@touch $@

bot/sandbox/static/index.html: scripts/frontend.sh scripts/node.sh $(SANDBOX_SOURCES) | .venv/bin/python
	scripts/frontend.sh bot/sandbox/page
	@touch $@

bot/web/upload/static/index.html: scripts/frontend.sh scripts/node.sh $(UPLOAD_SOURCES) | .venv/bin/python
	scripts/frontend.sh bot/web/upload/page
	@touch $@

demo: setup
	$(BIN)/splatbot demo $(if $(PHOTOS),--photos "$(PHOTOS)")

lint: format types

format: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready
	$(BIN)/mypy

machine: | .venv/bin/python
	scripts/browser.sh
	scripts/cloud-init.sh
	scripts/triton.sh

emulator: | .venv/bin/python
	scripts/emulator.sh

# What comes before the tests, two at a time: each keeps one core busy at most, or waits.
test:
	$(MAKE) -j2 setup lint machine emulator
	$(BIN)/pytest -m 'not alone' -n 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest -m alone

bench: setup
	$(BIN)/python -m bench

bench-gpu: setup
	$(BIN)/python -m bench train

clean:
	rm -rf .venv viewer/node_modules viewer/dist bot/sandbox/page/node_modules bot/sandbox/static
	rm -rf bot/web/upload/page/node_modules bot/web/upload/static tests/emulator/node_modules .node .triton
