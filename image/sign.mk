# image/: Secure Boot. The owner's keys and the signatures of the UEFI applications (docs/secure-boot.md).
#
# KEYS=folder: where `make secure-keys` puts keys; once it has, every image carries what firmware enrols them from.
# KEY=file CERT=file: what `make sign` signs with; by default the DB key of that folder.

KEYS ?= keys
KEY ?= $(wildcard $(KEYS)/DB.key)
CERT ?= $(wildcard $(KEYS)/DB.crt)

KEY_FILES := $(sort $(wildcard $(KEYS)/enrol/*))
KEY_FILES += $(if $(KEY_FILES),image/ENROL.TXT)

.PHONY: secure-keys sign
secure-keys: ## make keys for Secure Boot in KEYS=keys, and put what firmware enrols onto the image
	@image/secure-keys.sh $(KEYS)
	@$(MAKE) --no-print-directory $(IMAGE)

sign: $(UEFI_APPLICATIONS) ## sign the EFI applications and put them onto the image: make sign KEY= CERT=
	@image/sign.sh "$(KEY)" "$(CERT)" $^
	@$(MAKE) --no-print-directory $(IMAGE)
