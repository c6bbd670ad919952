# Everything that is done to this tree, by name. `make` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A target imports only what it depends on: the compiler says so, besides the tidy tests.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
FORMATTED := Package.swift $(wildcard Sources Tests Benchmarks docs)

.PHONY: help setup setup-test test lint format clean
.PHONY: embedding ci

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile \
		| awk -F '\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: ## install what the build needs, when it is missing
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh --test

test: setup-test ## build and run all tests
	swift test $(SWIFT_FLAGS)

embedding: setup ## build and run the package in docs/embedding, as a user would
	swift run --package-path docs/embedding orders "$$(mktemp -d)/store"

ci: ## everything that is checked on a change (.ci/run)
	@.ci/run

lint: ## check the layout of the Swift source; changes nothing
	swift format lint --strict --parallel --recursive $(FORMATTED)

format: ## lay the Swift source out
	swift format --in-place --parallel --recursive $(FORMATTED)

clean: ## remove what was built
	rm -rf .build docs/embedding/.build
