.PHONY: help setup test lint format bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the build needs
	@scripts/setup.sh

test: setup ## run the tests
	swift test

lint: ## check the formatting
	swift format lint --strict --recursive Package.swift Sources Tests

format: ## format the sources in place
	swift format format --in-place --recursive Package.swift Sources Tests

clean: ## remove what was built
	rm -rf .build
