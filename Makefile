# What to do with this tree. Each target does its own set-up; see "make help".
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --dirty 2>/dev/null || echo 0.0.0-dev+$$(git rev-parse --short=12 HEAD 2>/dev/null))
LDFLAGS := -s -w -X main.version=$(VERSION)

# The linter is built from the version pinned in tools/go.mod; a new pin is a new file.
LINT_VERSION := $(shell sed -n 's|.*github.com/golangci/golangci-lint/v2 \(v[^ ]*\).*|\1|p' tools/go.mod)
GOLANGCI_LINT := $(CURDIR)/.cache/bin/golangci-lint-$(LINT_VERSION)

# How make run starts the server: SAMPLE=1 loads a small catalog, ARGS adds options.
ARGS ?=
FUZZTIME ?= 30s
# How many tables make bench grows a catalog to; 0 leaves that part out.
GROW ?= 100000
# How many tables it deletes and restores while others write; 0 leaves that part out.
TREES ?= 20000
# How many tables of 50 columns it searches and indexes anew; 0 leaves that part out.
SEARCH ?= 20000
# How many terms, rows and nodes of lineage its large calls are about; 0 leaves that part out.
LARGE ?= 10000

.PHONY: help run build test test-unit test-fuzz test-store test-search test-web test-acceptance test-signon lint shots bench clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: build ## build Catalpa and start it on http://localhost:8585 (SAMPLE=1 loads a sample catalog)
	exec bin/catalpa server $(if $(filter-out 0,$(SAMPLE)),--sample) $(ARGS)

build: ## build bin/catalpa, a static binary (UI=0 leaves the user interface out)
	@tools/setup.sh go
	@$(if $(filter 0,$(UI)),rm -rf web/dist/ui .cache/web.stamp,tools/web.sh)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/catalpa ./cmd/catalpa

test: build ## run everything: unit tests, PostgreSQL, OpenSearch, the real clients, sign-on in a browser
	@tools/setup.sh cgo
	@tools/test.sh

test-unit: ## run the unit tests under the race detector
	@tools/setup.sh go cgo
	@tools/test.sh unit

test-fuzz: ## look for inputs that break a fuzz target, each for FUZZTIME (30s)
	@tools/setup.sh go
	@FUZZTIME=$(FUZZTIME) tools/test.sh fuzz

test-store: ## run the tests of the store in PostgreSQL against a real server
	@tools/setup.sh go
	@tools/test.sh store

test-search: ## run the tests of the search engine OpenSearch against a real node
	@tools/setup.sh go
	@tools/test.sh search

test-web: ## run the tests of the user interface's parts
	@tools/setup.sh web
	@tools/test.sh web

test-acceptance: build ## run the real clients against bin/catalpa
	@tools/test.sh acceptance

test-signon: build ## sign people in to bin/catalpa in Chromium, at real identity providers
	@tools/test.sh signon

lint: $(GOLANGCI_LINT) ## check format, layout, import rules and the linters of .golangci.yml
	@GOLANGCI_LINT=$(GOLANGCI_LINT) tools/lint.sh

shots: build ## make the pictures of the documentation anew
	@tools/shots.sh

bench: build ## measure requests, rights, sign-on, and how a catalog grows (GROW tables), see docs/performance.md
	@tools/setup.sh go
	go run ./bench $(ARGS)
	go run ./bench -rights
	go run ./bench -signon
	$(if $(filter-out 0,$(GROW)),go run ./bench -grow $(GROW))
	$(if $(filter-out 0,$(TREES)),go run ./bench -trees $(TREES))
	$(if $(filter-out 0,$(SEARCH)),go run ./bench -search $(SEARCH))
	$(if $(filter-out 0,$(LARGE)),go run ./bench -large $(LARGE))

clean: ## remove what was built and cached here
	rm -rf bin .cache

$(GOLANGCI_LINT):
	@tools/setup.sh go
	@mkdir -p $(@D)
	cd tools && CGO_ENABLED=0 go build -trimpath -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
