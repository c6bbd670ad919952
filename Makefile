# Everything that is done to this tree, by name. `make` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A target imports only what it depends on: the compiler says so, besides the tidy tests.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
FORMATTED := Package.swift $(wildcard Sources Tests Benchmarks docs)

.PHONY: help setup setup-test test lint format bench bench-record clean
.PHONY: embedding examples docs ci setup-crash crash-writer crash crash-ci simulate mutants fuzz fuzz-ci
.PHONY: footprint tls crash-delayed fuzz-control sanitize sweep doctor instructions interop setup-interop load

# Optimised and apart from what `make test` builds, so that neither rebuilds the other.
BENCH_BUILD := -c release --scratch-path .build/bench -Xcc -O3
MQBENCH = $$(swift build $(BENCH_BUILD) --show-bin-path)/mqbench
BENCH_STAMP := $(shell date -u +%Y%m%dT%H%M%SZ)

# What a result says about where it comes from.
define bench-origin
--commit "$$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)" \
	--toolchain "$$(swift --version 2>/dev/null | head -n 1)"
endef

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile \
		| awk -F '\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'

setup: ## install what the build needs, when it is missing
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh --test

# Those with servers come by themselves, one after the other: what they wait for in seconds takes minutes
# beside three hundred stores, and a process that is forked for a test would get their sockets too. They
# wait more than they compute, so that two halves go side by side; --ignore-lock, since SwiftPM would let
# the second wait, and neither builds.
BROKER_TESTS = ApusNameServerTests|ApusBrokerTests
PROTOCOL_TESTS = ApusRemotingTests|ApusClientTests|MqadminTests|MqloadTests
SERVER_TEST = swift test $(SWIFT_FLAGS) --skip-build --ignore-lock --no-parallel --filter
# TEST_BUILD: flags for the compiler, as in CI, which builds once and never again.
TEST_BUILD =

test: setup-test ## build and run all tests
	swift test $(SWIFT_FLAGS) $(TEST_BUILD) --skip '$(BROKER_TESTS)|$(PROTOCOL_TESTS)'
	scripts/together.sh "$(SERVER_TEST) '$(BROKER_TESTS)'" "$(SERVER_TEST) '$(PROTOCOL_TESTS)'"

# In a place of its own: with the trait everything above the protocol is another build. APUS_TLS leaves
# out what has nothing to do with connections.
tls: setup-test ## build with TLS, which takes minutes, and run its tests
	APUS_TLS=1 swift test --traits TLS --scratch-path .build/tls $(SWIFT_FLAGS) $(TEST_BUILD) \
		--no-parallel --filter 'ApusRemotingTests|ConfigurationTests|ToolTLSTests|\.TLS'

setup-crash:
	@scripts/setup.sh --crash

# What the crash runners start. Their own output is progress and SEED=…, to run the same again.
crash-writer: setup-crash
	swift build -c release --product crash-writer $(SWIFT_FLAGS)

CYCLES ?= 500
RECORD =
CRASH = PYTHONDONTWRITEBYTECODE=1 python3 Tests/Crash

crash: crash-writer ## crash real stores CYCLES times in each way (RECORD=FILE appends the figures)
	$(CRASH)/kill.py --cycles $(CYCLES) $(if $(RECORD),--record $(RECORD))
	$(CRASH)/shutdown.py --cycles $(CYCLES) $(if $(RECORD),--record $(RECORD))
	$(CRASH)/blocks.py --cycles $(CYCLES) $(if $(RECORD),--record $(RECORD))

crash-ci: crash-writer ## a minute of the same, and that planted defects are noticed
	$(CRASH)/kill.py --control
	$(CRASH)/kill.py --cycles 200
	$(CRASH)/shutdown.py --control
	$(CRASH)/shutdown.py --cycles 30
	$(CRASH)/blocks.py --control
	$(CRASH)/blocks.py --cycles 25

crash-delayed: ## kill -9 mqbroker CYCLES times while messages wait (CONTROL=1: spoil what it keeps)
	swift build -c release --product mqbroker $(SWIFT_FLAGS)
	$(CRASH)/delayed.py $$(swift build -c release --show-bin-path) $(if $(CONTROL),--control) \
		$(if $(filter-out file,$(origin CYCLES)),--cycles $(CYCLES)) $(if $(RECORD),--record $(RECORD))

SIMULATE_BUILD := -c release
SIMULATE = $$(swift build $(SIMULATE_BUILD) --show-bin-path)/simulate
SIMULATE_RECORD = $(if $(RECORD),--record $(RECORD) --commit \
	"$$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)")
STATES ?= 1000000
SEED ?= 1

simulate: setup ## crash a simulated disk STATES times from SEED on (RECORD=FILE appends the figures)
	swift build $(SIMULATE_BUILD) --product simulate
	$(SIMULATE) states --count $(STATES) --seed $(SEED) $(SIMULATE_RECORD)
	$(SIMULATE) faults $(SIMULATE_RECORD)
	$(SIMULATE) model $(SIMULATE_RECORD)
	$(SIMULATE) threads

mutants: setup ## plant each fault of the list in turn, and see that it is found
	Tests/SimulateTool/mutants.sh

# All targets at once, two side by side; TARGET=record lets one run alone.
SECONDS ?= 60
TARGET =

fuzz: setup ## let the fuzzer run SECONDS= a target (TARGET=NAME for one; RECORD=FILE appends figures)
	Tests/Fuzz/run.sh --seconds $(SECONDS) $(if $(RECORD),--record $(RECORD)) $(TARGET)

# From one seed: what CI says of a change does not hang on chance. `make fuzz` goes elsewhere each time.
FILE_DECODERS = record properties batch queue index checkpoint configuration

fuzz-ci: setup ## a minute of fuzzing for each decoder of files, less for the others, two at a time
	SEED=1 SWIFT_DETERMINISTIC_HASHING=1 Tests/Fuzz/run.sh --seconds 60 --others 10 --jobs 2 \
		$(FILE_DECODERS)

fuzz-control: setup ## planted faults, each of which the fuzzer must find
	Tests/Fuzz/run.sh --controls

sanitize: setup ## run the tests under ThreadSanitizer and AddressSanitizer
	Tests/Sanitize/run.sh

instructions: ## count those of an append and a read, at most 5 % more than recorded (RECORD=1 records)
	@scripts/setup.sh --count
	swift build -c release --product mqbench
	Tests/Instructions/count.py $$(swift build -c release --show-bin-path)/mqbench \
		$(if $(RECORD),--record)

# The client is fetched once, into a Python environment of its own.
INTEROP = .build/interop
ONLY =
# For how many seconds the NameServer is gone.
OUTAGE =

setup-interop:
	@scripts/setup.sh --interop

$(INTEROP)/fetched: | setup-interop
	python3 -m venv --clear $(INTEROP)
	$(INTEROP)/bin/pip install --quiet rocketmq==0.4.4
	touch $@

interop: setup-interop $(INTEROP)/fetched ## the C++ client with our servers, and with the Swift client (ONLY=NAME)
	swift build -c release --product mqnamesrv
	swift build -c release --product mqbroker
	swift build -c release --product interop-peer
	PYTHONDONTWRITEBYTECODE=1 $(INTEROP)/bin/python Tests/Interop/cpp_client.py \
		$$(swift build -c release --show-bin-path) $(if $(ONLY),--only $(ONLY)) \
		$(if $(OUTAGE),--outage $(OUTAGE))

# A package outside of this one, as a user's would be: what is public must be enough for it. It runs
# twice on one directory, since a store goes on where it was.
embedding: setup ## build and run the package in docs/embedding, as a user would
	swift build --package-path docs/embedding
	place=$$(mktemp -d); \
	for _ in 1 2; do docs/embedding/.build/debug/orders "$$place/store" || exit; done; rm -r "$$place"

# The client as a user has it, against servers in processes of their own.
examples: setup ## run the programs in docs/Examples with broker and NameServer (ONLY=NAME for one)
	swift build -c release --product mqnamesrv
	swift build -c release --product mqbroker
	swift build --package-path docs/Examples
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Examples/examples.py \
		$$(swift build -c release --show-bin-path) docs/Examples/.build/debug \
		$(if $(ONLY),--only $(ONLY))

# From the modules of that package: a build for the tests is made with flags of its own in CI.
docs: setup ## make the client's documentation, its tutorial with it, into .build/docs
	swift build --package-path docs/Examples
	scripts/docs.sh docs/Examples .build/docs

ci: ## everything that is checked on a change (.ci/run)
	@.ci/run

lint: ## check the layout of the Swift source; changes nothing
	swift format lint --strict --parallel --recursive $(FORMATTED)

format: ## lay the Swift source out
	swift format --in-place --parallel --recursive $(FORMATTED)

bench: setup ## measure; results and plots go to bench-results/local
	swift build $(BENCH_BUILD) --product mqbench
	$(MQBENCH) suite --record bench-results/local/$(BENCH_STAMP).ndjson \
		--plots bench-results/local $(bench-origin)

bench-record: setup ## measure, and append to the committed results
	swift build $(BENCH_BUILD) --product mqbench
	$(MQBENCH) suite --record bench-results/suite.ndjson --plots bench-results $(bench-origin)

sweep: setup ## try flush settings and compression on this machine (bench-results/local)
	swift build $(BENCH_BUILD) --product mqbench
	$(MQBENCH) sweep flush --record bench-results/local/sweep-$(BENCH_STAMP).ndjson \
		--plots bench-results/local $(bench-origin)
	$(MQBENCH) sweep compression --record bench-results/local/sweep-$(BENCH_STAMP).ndjson \
		--plots bench-results/local $(bench-origin)

LOAD ?= produce

load: setup ## put load on a broker over the wire (LOAD='consume --pull 32'; LOAD=--help for more)
	swift build -c release --product mqload
	$$(swift build -c release --show-bin-path)/mqload $(LOAD)

STARTS ?= 10

footprint: setup ## how soon mqbroker is ready, and its memory while idle (RECORD=FILE appends figures)
	swift build -c release --product mqbroker
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Footprint/footprint.py \
		$$(swift build -c release --show-bin-path) --starts $(STARTS) \
		$(if $(RECORD),--record $(RECORD) --commit "$$(git describe --always --dirty --abbrev=12)")

FLUSH ?= sync
DIRECTORY ?= .build/mqbench

doctor: setup ## say what an acknowledgement means here (FLUSH=async, DIRECTORY=where the store is)
	swift build $(BENCH_BUILD) --product mqbench
	$(MQBENCH) doctor --flush $(FLUSH) --directory $(DIRECTORY)

clean: ## remove what was built
	rm -rf .build docs/embedding/.build docs/Examples/.build
