# bootllama: every target of the project. `make help` lists them.
#
# Each folder's own .mk file builds it; this file only combines them. All output goes to build/.
# `make help` lists a target if its rule reads "target: prerequisites ## what it does".

MAKEFLAGS += --no-builtin-rules -j$(shell nproc)
.DELETE_ON_ERROR:
.PRECIOUS: %.o
SHELL := /bin/bash

BUILD := build
VERSION := 0.1.0

.PHONY: all clean help
all: ## everything: host program, both boot paths, models, image

include setup.mk
include core/core.mk
include host/host.mk
include model/model.mk
include bios/bios.mk
include bios/sector/sector.mk
include uefi/uefi.mk
include image/sign.mk
include image/image.mk
include image/run.mk
include image/web/web.mk
include image/dist.mk
include docs/docs.mk
include test/test.mk

# Changes only when the version does: what names it is compiled anew (`make dist VERSION=`).
.PHONY: FORCE
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(VERSION)' | cmp -s - $@ || printf '%s\n' '$(VERSION)' >$@

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@sed -nE 's/^([a-z][a-z0-9-]*):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r verb text; do \
	    printf '  %-12s %s\n' "$$verb" "$$text"; done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
