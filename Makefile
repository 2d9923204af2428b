# Every target first makes the environment in .venv, where it is missing or its requirements changed.

# The first of these that is 3.11, 3.12 or 3.13.
PYTHON = python3.11 python3.12 python3.13 python3
# DVC asks for the user's name, and ends where the system knows none, as in a container that runs under any number.
ifeq ($(LOGNAME),)
export LOGNAME := $(lastword $(shell id -un 2>/dev/null || echo user))
endif
export PATH := $(CURDIR)/.venv/bin:$(PATH)
.PHONY: help repro check-results real-corpora serve test lint corpus

# The pipeline on the corpora of params.yaml, then whether its results are the committed ones
repro: .venv/installed
	python -m benchmarks.check_params
	dvc repro
	python -m benchmarks.check_results

# Whether the results here are the committed ones
check-results: .venv/installed
	python -m benchmarks.check_results

# A page and an HTTP service for the trained model
serve: .venv/installed
	ser serve

# A corpus that may be fetched freely (fetching/sources.yaml): make corpus NAME=emodb ACCEPT=yes [FROM=https://mirror/...]
corpus: .venv/installed
	python -m fetching.corpus $(NAME) $(if $(ACCEPT),--accept-licence) $(if $(FROM),--address $(FROM))

# The whole pipeline on each real corpus that is there (benchmarks/real_corpora.yaml), and docs/real_corpora.md
real-corpora: .venv/installed
	python -m benchmarks.real_corpora

# All tests
test: .venv/installed
	pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# Style and form of the code
lint: .venv/installed
	ruff check . && ruff format --check .

# These targets
help:
	@awk '/^# /{words=substr($$0, 3)} /^[a-z-]+:/{if (words) printf "make %-14s %s\n", substr($$1, 1, length($$1) - 1), words; words=""}' Makefile

.venv/installed: requirements.txt requirements-serve.txt requirements-cluster.txt requirements-robustness.txt requirements-fusion.txt requirements-dev.txt constraints.txt pyproject.toml
	@for python in $(PYTHON); do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then exec $$python -m venv .venv; fi; \
	done; \
	echo "make: expected Python 3.11 to 3.13, found none as $(PYTHON); install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1
	.venv/bin/python -m pip install --requirement requirements-dev.txt --editable .
	touch $@
