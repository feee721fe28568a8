# The set-up comes before everything else: targets that need more than a compiler install missing tools, once. SETUP=0
# leaves the machine unchanged. A plain `make` installs nothing; it only names missing tools.

SETUP ?= 1

.PHONY: setup
setup: ## install the tools of every target (Debian packages)
	@./setup.sh build run sign dist web test debug

setup_goals := $(or $(MAKECMDGOALS),all)
setup_groups := $(strip \
    $(if $(filter run% sector usb bench sign secure-keys dist web,$(setup_goals)),build) \
    $(if $(filter run%,$(setup_goals)),run) \
    $(if $(filter sign secure-keys,$(setup_goals)),sign) \
    $(if $(filter dist,$(setup_goals)),dist) \
    $(if $(filter web,$(setup_goals)),web) \
    $(if $(filter test test-% fuzz screenshots book,$(setup_goals)),build run sign dist web test debug) \
    $(if $(filter debug-%,$(setup_goals)),build run debug))

# Neither in a sub-make nor in a dry run.
setup_off := $(strip $(filter 0,$(SETUP)) $(filter-out 0,$(MAKELEVEL)) \
    $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS)))))

ifeq ($(setup_off),)
ifneq ($(setup_groups),)
ifneq ($(shell GUI=$(GUI) ./setup.sh $(setup_groups) >&2 || echo failed),)
$(error the tools named above are needed)
endif
else ifneq ($(filter all size,$(setup_goals)),)
ifneq ($(shell ./setup.sh --check build >&2 || echo failed),)
$(error the tools named above are needed: `make setup` installs them)
endif
endif
endif
