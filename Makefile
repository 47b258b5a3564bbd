# Everything runs from .venv, which `make setup` (a dependency of the rest) builds from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready
AWS := .venv-aws/.ready
# What asks Postgres: every statement is prepared (test_sql.py), each repository and page of the desk works on its tables,
# and a night is whole. What is above them asks nothing else, and is not for the oldest Postgres too.
OF_STUDIO := store analytics console memory search pipelines/test_night.py pipelines/test_night_of_cases.py \
  pipelines/test_article_states.py pipelines/test_windows.py test_*.py
# The files of tests that have a marker: to collect these alone takes a third of the time.
marked = $(shell grep -rlE --include='test_*.py' 'mark\.$(1)\b' overnight/tests contentstudio/tests)

.PHONY: help setup setup-aws demo test test-large test-contract test-e2e test-browser test-wordpress test-generators test-crash test-postgres15 test-pythons test-model test-fuzz test-mutants test-sweep test-aws lambda check gates bench docs screenshots format lock clean

help:  ## What can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(SETUP)  ## The environment in .venv, from the lock file

$(SETUP): requirements.lock overnight/pyproject.toml contentstudio/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e overnight -e contentstudio
	@touch $(SETUP)

demo: $(SETUP)  ## One night, end to end, on loopback: feeds in, published pages out
	@$(BIN)/contentstudio demo

test: $(SETUP)  ## Unit, database and gate tests, in under four minutes
	@$(BIN)/pytest -m "not large and not contract and not model" $(PYTEST)

test-large: $(SETUP)  ## Whole nights of the studio, and databases that start, are full, are away or of another version
	@$(BIN)/pytest -m large $(call marked,large)

test-contract: $(SETUP)  ## Every port against servers that speak its protocol; the console; the ledger and its model
	@$(BIN)/pytest -n 3 -m "contract or model" $(call marked,contract) overnight/tests/model

test-e2e: $(SETUP)  ## The demo, the examples and the commands, as a user runs them
	@$(BIN)/pytest overnight/tests/e2e contentstudio/tests/e2e

test-browser: $(SETUP)  ## The console from outside: a real Chromium (or OVERNIGHT_CHROMIUM), schemathesis
	@$(BIN)/pytest overnight/tests/browser contentstudio/tests/browser

test-wordpress: $(SETUP)  ## Publishing to a real WordPress, whatever breaks; its editor in Chromium (Debian; installs nothing)
	@$(BIN)/pytest contentstudio/tests/wordpress

test-generators: $(SETUP)  ## What Hugo, Jekyll and Astro make of what is published by Git; skips what is not there
	@$(BIN)/pytest -n 0 -rs contentstudio/tests/generators

test-crash: $(SETUP)  ## Processes that are killed, a sample of each kind; OVERNIGHT_SEED=… repeats one
	@$(BIN)/pytest overnight/tests/crash

test-postgres15: $(SETUP)  ## The database tests on the oldest supported Postgres (Debian's postgresql-15)
	@OVERNIGHT_TEST_POSTGRES=/usr/lib/postgresql/15/bin $(BIN)/pytest $(PYTEST) -m "db and not contract" \
	  overnight/tests/store/test_ledger.py overnight/tests/store/test_sql.py overnight/tests/engine/test_worker.py \
	  overnight/tests/engine/test_joins.py overnight/tests/engine/test_waits.py \
	  $(wildcard $(patsubst %,contentstudio/tests/%,$(OF_STUDIO)))

test-pythons: $(SETUP)  ## The tests of `make test` on Python 3.11 to 3.14, where they are here; PYTHONS="3.12 3.13" TESTS=…
	@PYTHONS="$(PYTHONS)" TESTS='$(TESTS)' $(BIN)/python overnight/tests/pythons.py

test-model: $(SETUP)  ## The protocol against its model, random orders; EXAMPLES=… more, SEED=… repeats one
	@OVERNIGHT_EXAMPLES=$(or $(EXAMPLES),1500) OVERNIGHT_SEED=$(SEED) $(BIN)/pytest -n 0 overnight/tests/model

test-fuzz: $(SETUP)  ## Each parser with 10,000 generated inputs; EXAMPLES=… more, SEED=… repeats a run
	@seed=$(or $(SEED),$$(date +%s)); echo "SEED=$$seed"; OVERNIGHT_EXAMPLES=$(EXAMPLES) $(BIN)/pytest \
	  --hypothesis-profile fuzz --hypothesis-seed $$seed --timeout 0 overnight/tests/fuzz contentstudio/tests/fuzz

test-mutants: $(SETUP)  ## The protocol broken in each place: does a test fail? NAME=… some of them (15 minutes)
	@$(BIN)/python overnight/tests/model/mutants.py

test-sweep: $(SETUP)  ## Death at every statement of a run's life (about ten minutes)
	@OVERNIGHT_SWEEP=all $(BIN)/pytest --timeout 0 overnight/tests/crash/test_sweep.py

test-aws: $(AWS)  ## On Lambda's own runtime client, SQS spoken by moto, a real Postgres; OVERNIGHT_SEED=… repeats a night
	@.venv-aws/bin/pytest --dist loadfile -rs deploy/aws/tests overnight/tests/on_lambda \
	  contentstudio/tests/on_lambda

setup-aws: $(AWS)  ## The environment in .venv-aws, from its own lock file

$(AWS): deploy/aws/tests/requirements.txt overnight/pyproject.toml contentstudio/pyproject.toml
	@echo "setting up .venv-aws (once; about a minute)"
	@$(PYTHON) -m venv .venv-aws
	@.venv-aws/bin/pip install -qq --disable-pip-version-check --require-hashes -r deploy/aws/tests/requirements.txt
	@.venv-aws/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e overnight -e contentstudio
	@touch $(AWS)

lambda: $(SETUP)  ## The zip for AWS, the same bytes each time; CONFIG=contentstudio.toml ARCH=arm64 LAMBDA_PYTHON=3.13
	@$(BIN)/python deploy/aws/package.py --config $(or $(CONFIG),contentstudio.toml) --arch $(or $(ARCH),x86_64) \
	  --python $(or $(LAMBDA_PYTHON),3.13)

check: $(SETUP)  ## Style, types, import contracts, the lock's hosts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples docs/generate.py
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python docs/generate.py --check
	@! grep -nE 'https?://|file:|--(extra-)?index-url|--find-links' requirements.lock deploy/aws/tests/requirements.txt

gates: $(SETUP)  ## What the gates catch of 600 articles, good and bad, by kind; writes it to docs/proof.md
	@$(BIN)/python contentstudio/tests/shared/gate_table.py $(GATES)

bench: $(SETUP)  ## The engine beside its peers, in under 20 minutes; QUICK=1 in under 3
	@$(BIN)/python bench/engine.py $(if $(QUICK),--quick) $(BENCH)

docs: $(SETUP)  ## The reference and the diagram in docs/, from the code
	@$(BIN)/python docs/generate.py

screenshots: $(SETUP)  ## The pictures in docs/images anew: of docs/sample/month.py and of a WordPress, in a real Chromium
	@rm -f docs/images/*.png
	@OVERNIGHT_SCREENSHOTS=docs/images $(BIN)/pytest -n 0 contentstudio/tests/browser/test_month.py \
	  contentstudio/tests/wordpress -k "looks or opens_valid_blocks"
	@for picture in docs/images/*.png; do \
	  grep -qF "images/$$(basename $$picture)" README.md */README.md docs/*.md || rm $$picture; done
	@for named in $$(grep -ohE "images/[a-z-]+\.png" README.md */README.md docs/*.md | sort -u); do \
	  test -f docs/$$named || { echo "no test makes docs/$$named"; exit 1; }; done

format: $(SETUP)  ## Let ruff mend the style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock:  ## Resolve requirements.in again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --default-index https://pypi.org/simple --no-emit-package overnight --no-emit-package contentstudio \
	  --no-header --upgrade requirements.in -o requirements.lock
	cd deploy/aws/tests && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --default-index https://pypi.org/simple --no-emit-package overnight \
	  --no-emit-package contentstudio --no-header -c ../../../requirements.lock requirements.in -o requirements.txt

clean:  ## Forget the environment and the demo's night
	rm -rf .venv .venv-aws .venv-pythons bench/.envs .overnight contentstudio-demo
