# image/: build/bootllama.img from boot sector, stage 2, EFI applications, models and two texts (README.md here).

# IMAGE_MIB=n: size of the image; the default is 64 MiB, or what the models need.
IMAGE_MIB ?=

IMAGE := $(BUILD)/bootllama.img

IMAGE_ARGUMENTS = --boot $(BUILD)/bios/boot.bin --stage2 $(BUILD)/bios/stage2.bin $(UEFI_APPLICATIONS:%=--efi %) \
    --config image/BOOTLLAM.CFG --readme image/README.TXT $(if $(IMAGE_MIB),--mib $(IMAGE_MIB)) \
    $(KEY_FILES:%=--key %) $(MODEL_FILES)

all: $(IMAGE)

$(IMAGE): image/make-image.sh image/BOOTLLAM.CFG image/README.TXT $(BUILD)/image/arguments \
    $(BUILD)/bios/boot.bin $(BUILD)/bios/stage2.bin $(UEFI_APPLICATIONS) $(KEY_FILES) $(MODEL_FILES)
	image/make-image.sh --out $@ $(IMAGE_ARGUMENTS)

# Changes only when the arguments do, so that another MODEL or IMAGE_MIB rebuilds the image.
$(BUILD)/image/arguments: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(IMAGE_ARGUMENTS) | cmp -s - $@ || printf '%s\n' $(IMAGE_ARGUMENTS) >$@
