# Two commands: `make demo` and `make test`. Everything else is for those who work on Countersign.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 7070
DEMO   ?= demo
SECONDS ?= 60
PATHS  ?= domain policy
SAMPLE ?= 1
SEED   ?= 0
# Two a core, at most eight: half of a test's time is waiting for processes that it started.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -lt 4 ] && echo $$((n * 2)) || echo 8)
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

export PYTHONDONTWRITEBYTECODE :=  # else each of the hundred programs that the tests start would be compiled anew

.PHONY: demo test check check-all lint types contracts bench bench-policy fuzz mutants lock clean docs

demo: $(VENV)/run.stamp  ## The playground's page with the bot in it
	$(BIN)/countersign demo --port $(PORT) --dir $(DEMO)

test: $(VENV)/dev.stamp  ## Every test that this machine can run, in about three minutes
	$(BIN)/python -m pytest -m "not slow and not browser" -n $(WORKERS)

check: lint types contracts test  ## What must hold before a commit

check-all: lint types contracts $(VENV)/dev.stamp  ## What CI runs: everything above plus kill loops, browser and real servers
	$(MAKE) test
	$(BIN)/python -m pytest -m "slow or browser" --timeout 600

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

contracts: $(VENV)/dev.stamp
	$(BIN)/lint-imports

bench: $(VENV)/bench.stamp  ## Benchmarks, each beside its floor
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/dev.stamp  ## Policy files as nobody would write them, for SECONDS; failing ones are kept in fuzz-failures/
	$(BIN)/python -m tests.fuzz.policy_files --seconds $(SECONDS)

mutants: $(VENV)/dev.stamp  ## Small changes of PATHS that no test sees, one a line; the tree is not touched
	$(BIN)/python -m tests.mutation $(PATHS) --sample $(SAMPLE) --seed $(SEED)

bench-policy: $(VENV)/bench.stamp  ## Policy beside cedarpy and pycasbin
	$(BIN)/python -m benchmarks policy

docs: $(VENV)/dev.stamp  ## Regenerate the documents that follow from code
	$(BIN)/python -m tests.docs.lifecycle > docs/lifecycle.md

lock:  ## Renew the locked dependencies (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in -o requirements/run.lock $(UPGRADE)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra dev -c requirements/run.lock pyproject.toml requirements/build.in -o requirements/dev.lock $(UPGRADE)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra bench -c requirements/dev.lock pyproject.toml requirements/build.in -o requirements/bench.lock $(UPGRADE)

$(VENV)/run.stamp: requirements/run.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/run.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp
	$(PIP) --require-hashes -r requirements/dev.lock
	touch $@

$(VENV)/bench.stamp: requirements/bench.lock $(VENV)/dev.stamp
	$(PIP) --require-hashes -r requirements/bench.lock
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
