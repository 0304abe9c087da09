# make build   bin/holdfast, a static binary
# make demo    a backup and a restore to a moment, with a throw-away PostgreSQL
# make test    everything: install what the tests need, lint, test, fuzz for a moment
# make soak    random histories of a cluster, for ten minutes unless SOAKFLAGS says otherwise
# make bench   speed and memory beside the newest peer
# make clean   remove what was built
#
# As root, `demo` and `test` install missing Debian packages first; nobody is asked for a password.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK_VERSION := v0.8.2
STATICCHECK := build/tools/staticcheck-$(STATICCHECK_VERSION)
FUZZTIME ?= 3s
TESTFLAGS ?=
SOAKFLAGS ?= -soak=10m
BENCHFLAGS ?=

.PHONY: build demo test needs lint unit fuzz soak bench clean

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X holdfast/internal/command.build=$(VERSION)' -o bin/holdfast ./cmd/holdfast

demo:
	@e2e/tools/install-postgres any >/dev/null
	@$(MAKE) --no-print-directory build
	@bin/holdfast demo

test: needs build lint unit fuzz

needs:
	@e2e/tools/install-needs

lint: $(STATICCHECK)
	@out=$$(gofmt -l cmd internal e2e); [[ -z $$out ]] || { echo "gofmt -w $$out"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	@for f in .ci/run e2e/tools/*; do bash -n "$$f"; done

$(STATICCHECK):
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv $(@D)/staticcheck $@

unit:
	go test -race -shuffle=on -timeout 30m $(TESTFLAGS) ./...

fuzz:
	@e2e/tools/fuzz $(FUZZTIME)

soak: needs
	go test -v -timeout 0 -run '^TestHistory$$/^soak' ./e2e $(SOAKFLAGS)

bench: build
	@e2e/tools/install-needs
	@go run ./e2e/bench -holdfast bin/holdfast $(BENCHFLAGS)

clean:
	rm -rf bin build
