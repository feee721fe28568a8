# image/: from boot sectors, stage 2, EFI applications, models and texts (README.md here):
#
#   build/bootllama.img          for sticks and disks
#   build/bootllama-floppy.img   for floppies
#   build/bootllama.iso          for CDs; a disk image, too
#   build/bootllama-4k.img       for disks with sectors of 4,096 bytes, UEFI alone

# IMAGE_MIB=n: size of the image; the default is 64 MiB, or what the models need.
IMAGE_MIB ?=
# FLOPPY_KIB=720, 1200 or 2880: for other floppies than those of 1.44 MB.
FLOPPY_KIB ?= 1440

IMAGE := $(BUILD)/bootllama.img
FLOPPY := $(BUILD)/bootllama-floppy.img
CD := $(BUILD)/bootllama.iso
IMAGE_4K := $(BUILD)/bootllama-4k.img

IMAGE_INPUTS = --stage2 $(BUILD)/bios/stage2.bin $(UEFI_APPLICATIONS:%=--efi %) \
    --config image/BOOTLLAM.CFG --readme image/README.TXT $(if $(IMAGE_MIB),--mib $(IMAGE_MIB)) \
    $(KEY_FILES:%=--key %) $(MODEL_FILES)

IMAGE_ARGUMENTS = --boot $(BUILD)/bios/boot.bin $(IMAGE_INPUTS)

IMAGE_4K_ARGUMENTS = --sector 4096 --boot $(BUILD)/bios/boot_4k.bin $(IMAGE_INPUTS)

FLOPPY_ARGUMENTS = --boot $(BUILD)/bios/boot_floppy.bin --stage2 $(BUILD)/bios/stage2.bin \
    --config image/BOOTLLAM.CFG --readme image/FLOPPY.TXT --kib $(FLOPPY_KIB) $(MODEL_FILES)

CD_ARGUMENTS = --cd $(BUILD)/bios/boot_cd.bin $(IMAGE_ARGUMENTS)

.PHONY: floppy iso image-4k
floppy: $(FLOPPY) ## build/bootllama-floppy.img, for a floppy of 1.44 MB
iso: $(CD) ## build/bootllama.iso, for CDs, DVDs and sticks
image-4k: $(IMAGE_4K) ## build/bootllama-4k.img, for disks with sectors of 4,096 bytes, UEFI alone
all: $(IMAGE) $(FLOPPY) $(CD) $(IMAGE_4K)

$(IMAGE) $(CD) $(IMAGE_4K): image/make-image.sh image/common.sh image/cd.sh image/BOOTLLAM.CFG image/README.TXT \
    $(BUILD)/bios/boot.bin $(BUILD)/bios/stage2.bin $(UEFI_APPLICATIONS) $(KEY_FILES) $(MODEL_FILES)

$(IMAGE): $(BUILD)/image/arguments
	image/make-image.sh --out $@ $(IMAGE_ARGUMENTS)

$(CD): $(BUILD)/image/cd-arguments $(BUILD)/bios/boot_cd.bin image/cd_extents.py
	image/make-image.sh --out $@ $(CD_ARGUMENTS)

$(IMAGE_4K): $(BUILD)/image/4k-arguments $(BUILD)/bios/boot_4k.bin
	image/make-image.sh --out $@ $(IMAGE_4K_ARGUMENTS)

$(FLOPPY): image/make-floppy.sh image/common.sh image/BOOTLLAM.CFG image/FLOPPY.TXT $(BUILD)/image/floppy-arguments \
    $(BUILD)/bios/boot_floppy.bin $(BUILD)/bios/stage2.bin $(MODEL_FILES)
	image/make-floppy.sh --out $@ $(FLOPPY_ARGUMENTS)

# Change only when the arguments do, so that another MODEL or size rebuilds an image.
$(BUILD)/image/arguments: IMAGE_FILE_ARGUMENTS = $(IMAGE_ARGUMENTS)
$(BUILD)/image/floppy-arguments: IMAGE_FILE_ARGUMENTS = $(FLOPPY_ARGUMENTS)
$(BUILD)/image/cd-arguments: IMAGE_FILE_ARGUMENTS = $(CD_ARGUMENTS)
$(BUILD)/image/4k-arguments: IMAGE_FILE_ARGUMENTS = $(IMAGE_4K_ARGUMENTS)
$(BUILD)/image/arguments $(BUILD)/image/floppy-arguments $(BUILD)/image/cd-arguments $(BUILD)/image/4k-arguments: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(IMAGE_FILE_ARGUMENTS) | cmp -s - $@ || printf '%s\n' $(IMAGE_FILE_ARGUMENTS) >$@
