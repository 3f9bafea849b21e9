# `make run` shows the product, `make test` proves it; the rest are parts of these two.
#
#   make run   [PORT=8642] [IMAGE=reference] [REGION=cn-hangzhou] [ONCE=1]
#   make test  [STAGES="lint unit"]

PORT ?= 8642
STAGES ?= install lint unit e2e
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The faster inflater is in C and needs cmake (docs/decisions/0010-inflate.md).
FEATURES := $(if $(shell command -v cmake),--features zlib-ng)

# Handed on through the environment: a reference may hold characters that a shell would read.
$(foreach name,PORT IMAGE REGION,$(if $($(name)),$(eval export $(name))))

.DEFAULT_GOAL := help
.PHONY: help run test build lint check bench clean

help: ## List the targets
	@sed -n 's/^\([a-z][a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: build ## Build, then analyse a real image of this machine and serve the answer
	"$(TARGET)/release/tallyman" demo --data target/demo --listen "127.0.0.1:$$PORT" \
	    $(if $(IMAGE),--image "$$IMAGE") $(if $(REGION),--region "$$REGION") \
	    $(if $(filter-out 0 no false,$(ONCE)),--once)

test: ## Install what the tests need, then run all of them
	@scripts/test.sh $(STAGES)

build: ## Build the program
	cargo build --release --locked -p tallyman $(FEATURES)

lint: ## Formatting, clippy, tidy, spelling, shell scripts
	@scripts/test.sh lint

check: ## What to run before every commit: lint and the unit tests
	@scripts/test.sh lint unit

bench: build ## Time and memory of a first and of a second run
	@scripts/bench.sh "$(TARGET)/release/tallyman"

clean: ## Remove everything that was built, installed or served
	rm -rf target "$(TARGET)"
