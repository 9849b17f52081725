# The two commands are `make demo` and `make test`; the rest is for those who change the code.

VENV := .venv
BIN := $(VENV)/bin
# Whom `make bench` measures beside us; nobody else needs them.
PEERS := .venv-bench
# How many processes share the tests, each with a broker of its own: mostly they wait.
JOBS ?= 3
# The tests start hundreds of processes: each would compile the package again.
unexport PYTHONDONTWRITEBYTECODE
# The first Python that is new enough; say PYTHON=... for another one.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: demo test check format bench chaos drill evals dashboards manifests lock clean

demo: $(VENV)/installed
	@$(BIN)/streamagents demo

test: $(VENV)/installed
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# ARGS="--only noop slow", "--long", "--chart FILE.png", "--json" ...
bench: $(VENV)/installed $(PEERS)/installed
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

# A quarter of an hour a round. ARGS="--rounds 20", "--seed 7", "--cluster", "--short" ...
chaos: $(VENV)/installed
	@$(BIN)/python -m pytest -m long tests/chaos # first: can it fail at all?
	@PYTHONPATH=tests $(BIN)/python -m chaos --tally .streamagents/chaos-tally.jsonl $(ARGS)

# An agent breaks under load, and its events are brought home by the command line. ARGS="--short"
drill: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m drill $(ARGS)

# The starter agents over labelled cases: the rules, recorded answers, and with a key a real model,
# which costs. ARGS="--agent lead", "--provider rules", "--wrong", "--json"
evals: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m evals $(ARGS)

# Topics and alerts of k8s/overlays/production; APP=crm for an application of yours.
manifests: $(VENV)/installed
	@$(BIN)/python k8s/generate.py $(if $(APP),--app $(APP))

# Grafana's JSON, from monitoring/dashboards.
dashboards: $(VENV)/installed
	@PYTHONPATH=monitoring $(BIN)/python -m dashboards

# Hashes of everything, build requirements too, and no host: any index that has the files will do.
# The image's has what a worker needs and no more, in the same versions.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra devkit --extra postgres --extra redis --extra sqs --group dev --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--group peers --output-file requirements-bench.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--extra postgres --extra redis --extra sqs --group build --constraints requirements.lock \
		--output-file requirements-image.lock pyproject.toml

clean:
	rm -rf $(VENV) $(PEERS)

$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "streamagents needs Python 3.11 or newer: install one, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Installing into $(VENV), once ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Git and ruff pass it by: its own .gitignore says so.
$(PEERS)/installed: requirements-bench.lock
	@echo "Installing the benchmark's peers into $(PEERS), once ..."
	@$(PYTHON) -m venv --clear $(PEERS)
	@echo '*' > $(PEERS)/.gitignore
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@
