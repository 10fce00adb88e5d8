# Everything a contributor runs. `make` alone lists the targets.
# Two Go modules live here: the root (gx and its plugins) and test/ (sandbox, end-to-end, benchmarks).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s
ARGS     ?=

# Static binaries; the version comes from VERSION, so Go need not ask git (which fails in an unpacked archive).
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"
# gms_pure_go: the sandbox's SQL engine with Go regular expressions in place of a C library.
TEST_TAGS := -tags gms_pure_go

.PHONY: help build gx gx-sandbox demo test lint generate generate-check unit clients test-mariadb debezium e2e sandbox kafka kafka-stop mariadb mariadb-stop bench-quick bench-move bench-standin bench-sql fuzz chaos-resume clean clean-all

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: gx gx-sandbox ## build bin/gx and bin/gx-sandbox

gx:
	$(GO_BUILD) -o bin/gx ./cmd/gx

gx-sandbox:
	cd test && $(GO_BUILD) $(TEST_TAGS) -o ../bin/gx-sandbox ./sandbox/cmd

demo: build ## three messages from Kafka to StarRocks, on this machine, nothing to install
	scripts/demo.sh

test: ## everything CI runs, with a summary (CI=1: the real Kafka, databases and Debezium are required)
	+@scripts/test.sh

lint: ## gofmt, go vet and staticcheck, both modules
	scripts/lint.sh

generate: ## write all generated files anew
	go generate ./...
	cd test && go generate $(TEST_TAGS) ./...

generate-check: ## fail when a generated file is not what its source says
	scripts/generate-check.sh

unit: ## unit tests of both modules, with the race detector
	scripts/unit.sh root
	scripts/unit.sh test

clients: ## the real StarRocks clients (mysql, PyMySQL, SQLAlchemy, curl, the Go driver) against the sandbox
	scripts/clients.sh

test-mariadb: build ## the reader of MySQL on a real MariaDB (GX_TEST_SHARD_CASES=N: that many random cases in place of 10000)
	scripts/mariadb.sh

debezium: build ## real Debezium on a real PostgreSQL and MariaDB, through gx, row by row (GX_TEST_CHANGES=N: in place of 50000 each)
	scripts/debezium.sh

e2e: build ## end-to-end tests on the embedded Kafka and, when Java and Maven are here, on a real one
	scripts/e2e.sh

sandbox: gx-sandbox ## run the sandbox until Ctrl-C (ARGS='--help' lists its flags)
	bin/gx-sandbox $(ARGS)

kafka: ## start a real Apache Kafka on 127.0.0.1:19092 (stop it with kafka-stop)
	scripts/kafka/start.sh .cache/kafka-by-hand 19092

kafka-stop: ## stop the Kafka that the target kafka started
	scripts/kafka/stop.sh .cache/kafka-by-hand

mariadb: ## start a real MariaDB on 127.0.0.1:13306, user root without a password (stop it with mariadb-stop)
	scripts/mariadb/start.sh .cache/mariadb-by-hand 13306

mariadb-stop: ## stop the MariaDB that the target mariadb started
	scripts/mariadb/stop.sh .cache/mariadb-by-hand

bench-quick: build ## gx beside sarama alone, about a minute, on a real Kafka (ARGS='--check' judges the result)
	scripts/bench-quick.sh $(ARGS)

bench-move: build ## move a million messages from a real Kafka and compare the tables with the topic
	scripts/bench-move.sh $(ARGS)

bench-standin: gx-sandbox ## speeds of the stand-in itself, about a minute (ARGS='--check' fails when a target is missed)
	scripts/bench-standin.sh $(ARGS)

bench-sql: build ## a table of a real MariaDB into the stand-in, beside the driver alone, about two minutes (ARGS='--check' judges the result)
	scripts/bench-sql.sh $(ARGS)

fuzz: ## run every fuzz target for FUZZTIME (30s)
	scripts/fuzz.sh $(FUZZTIME)

chaos-resume: build ## kill resumable jobs at random moments of 200 runs, and compare every row (about ten minutes)
	cd test && GX_TEST_BIN=$(CURDIR)/bin GX_CHAOS_RESUMES=$${GX_CHAOS_RESUMES:-200} go test $(TEST_TAGS) -count=1 -timeout 60m -run TestResumedJobsAreExact -v ./chaos

clean: kafka-stop mariadb-stop ## remove what was built and what tests left; downloads stay
	rm -rf bin .cache/kafka-by-hand .cache/mariadb-by-hand .cache/test-logs .cache/demo

clean-all: clean ## remove the downloads too
	rm -rf .cache
