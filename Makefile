# Each target is one line or one script; the scripts are in packaging/.
.DEFAULT_GOAL := help
.PHONY: help setup run test soak lint bench package package-test lock clean

# The first need nothing but processors, so each gets its share; the others have a screen, sound and media to themselves.
QUICK := tests/unit tests/contract
# Arguments may pick out tests of one of the two runs only; pytest calls a run without any a failure (5).
NONE_IS_FINE = $(if $(strip $(PYTEST_ARGS)),|| [ $$? -eq 5 ])
REAL := tests/window tests/room tests/whole

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

setup: ## install everything that the other targets need
	@packaging/setup.sh

run: setup ## open the kiosk with its own persona; ARGS="..." goes to it
	@packaging/run.sh $(ARGS)

test: lint ## every test; PYTEST_ARGS="..." goes to pytest
	.venv/bin/python -m pytest -n logical $(QUICK) $(PYTEST_ARGS) $(NONE_IS_FINE)
	.venv/bin/python -m pytest $(REAL) $(PYTEST_ARGS) $(NONE_IS_FINE)

soak: setup ## does it hold out: visits come and go, slopes of memory, threads, handles and lips; HOURS=8, ARGS="..." goes to it
	.venv/bin/python -m tests.benchmarks.soak --hours $(or $(HOURS),1) $(ARGS)

lint: setup ## format, style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: setup ## the kiosk beside a browser, measured; ARGS="..." goes to it
	@packaging/setup/bench.sh
	.venv/bin/python -m tests.benchmarks.side_by_side $(ARGS)

package: setup ## .build/dist/kiosk and the .deb made from it
	@packaging/package.sh

package-test: package ## the built program's self-test, from the folder and from the .deb
	.venv/bin/python packaging/check_package.py

lock: ## resolve the dependencies anew; ARGS=--upgrade for newer versions
	@packaging/lock.sh $(ARGS)

clean: ## remove what was built, fetched and cached here
	rm -rf .venv .build .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find kiosk tests packaging -name __pycache__ -prune -exec rm -rf {} +
