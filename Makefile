# Two commands are all a newcomer needs: `make demo` and `make test`. Everything else builds on the same .venv.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .venv/bin/uv
RUN := .venv/bin
# Hundreds of processes start here: 0.6 s of CPU each with compiled modules, 1.4 s where a container forbids to keep them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test faults bench bench-store lint clean services

setup: .venv/.installed

# uv itself lives inside .venv, so that nothing but Python and make is needed.
.venv/.installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bellwether needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(UV) || { echo "== making .venv"; $(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "== installing the locked dependencies"
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --frozen --inexact --quiet --python .venv/bin/python
	@touch $@

demo: setup
	@$(RUN)/bellwether demo

lint: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

# Half of the time tests wait for processes: four at once keep two cores busy.
test: setup lint
	@tests/tools.sh
	$(RUN)/python -m pytest -q -n 4 --no-loadscope-reorder -m "not faults"

faults: setup
	$(RUN)/python -m pytest -q -m faults tests/faults

bench: setup
	$(RUN)/python -m tests.bench

bench-store: setup
	$(RUN)/python -m tests.bench.bench_store

clean:
	rm -rf .venv .bellwether .pytest_cache .mypy_cache .ruff_cache
