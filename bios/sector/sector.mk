# bios/sector/: Llama 2 in one boot sector. `make sector` writes images and counts bytes, `make run-sector` shows one.
#
#   build/bootllama-sector.img          for disks, and build/bootllama-sector-floppy.img for floppies of 1.44 MB
#   build/bios/sector/NAME.bin          sector.asm as it is (sector), with FLOPPY (floppy) and with RECORD (record),
#                                       each with its symbols (.map) and its listing (.lst)
#   build/bios/sector/NAME-MODEL.img    the same with a model, default or stories260k, for the tests
#   build/host/sector-story             story.c, which computes the same

SECTOR := $(BUILD)/bios/sector
SECTOR_BUILDS := sector floppy record
SECTOR_IMAGES := $(BUILD)/bootllama-sector.img $(BUILD)/bootllama-sector-floppy.img
GGUF_TO_SECTOR := $(BUILD)/host/gguf-to-sector
SECTOR_STORY := $(BUILD)/host/sector-story

SECTOR_DEFINE_floppy := -DFLOPPY
SECTOR_DEFINE_record := -DRECORD

$(SECTOR)/%.bin $(SECTOR)/%.map $(SECTOR)/%.lst &: bios/sector/sector.asm
	@mkdir -p $(@D)
	nasm -Wall -Werror -f bin $(SECTOR_DEFINE_$*) -DMAP=$(SECTOR)/$*.map -l $(SECTOR)/$*.lst -o $(SECTOR)/$*.bin $<

# ---- Programs of the build machine ----

SECTOR_HOST_CFLAGS := -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) -ffp-contract=off -Imodel
SECTOR_CONVERTER_OBJECTS := $(patsubst %,$(SECTOR)/host/model/%.o,gguf-to-sector network sector_code tool)
SECTOR_STORY_OBJECTS := $(SECTOR)/host/bios/sector/story.o $(patsubst %,$(SECTOR)/host/model/%.o,sector_code tool)

$(SECTOR)/host/%.o: %.c
	@mkdir -p $(@D)
	gcc $(SECTOR_HOST_CFLAGS) -c -o $@ $<

$(GGUF_TO_SECTOR): $(SECTOR_CONVERTER_OBJECTS)
	@mkdir -p $(@D)
	gcc -o $@ $^ -lm

$(SECTOR_STORY): $(SECTOR_STORY_OBJECTS)
	@mkdir -p $(@D)
	gcc -o $@ $^ -lm

# ---- Images ----

# Bits behind the binary point of the residual stream and of feed-forward units: the largest of both must fit 16 bits.
SECTOR_GGUF_default := model/default.gguf
SECTOR_BITS_default := 7 8
SECTOR_GGUF_stories260k := $(MODELS)/stories260k-f32.gguf
SECTOR_BITS_stories260k := 11 11
SECTOR_MODELS := default $(if $(STORIES260K),stories260k)

FLOPPY_BYTES := 1474560

# $(call sector_image,BUILD,MODEL). A floppy's image is as long as a floppy, and so is a disk's, for simplicity.
define sector_image
$(SECTOR)/$(1)-$(2).img: $(SECTOR)/$(1).bin $(SECTOR)/$(1).map $(SECTOR_GGUF_$(2)) $(GGUF_TO_SECTOR)
	$(GGUF_TO_SECTOR) $(SECTOR)/$(1).bin $(SECTOR)/$(1).map $(SECTOR_GGUF_$(2)) $$@ $(SECTOR_BITS_$(2))
	truncate -s $(FLOPPY_BYTES) $$@
endef

$(foreach build,$(SECTOR_BUILDS),$(foreach model,$(SECTOR_MODELS),$(eval $(call sector_image,$(build),$(model)))))

SECTOR_TESTED := $(SECTOR_STORY) $(foreach build,$(SECTOR_BUILDS),$(SECTOR_MODELS:%=$(SECTOR)/$(build)-%.img))

$(BUILD)/bootllama-sector.img: $(SECTOR)/sector-$(lastword $(SECTOR_MODELS)).img
	cp $< $@

$(BUILD)/bootllama-sector-floppy.img: $(SECTOR)/floppy-$(lastword $(SECTOR_MODELS)).img
	cp $< $@

# ---- Verbs ----

.PHONY: sector run-sector
sector: $(SECTOR_IMAGES) $(SECTOR)/record.lst ## Llama 2 in one boot sector: its images, and what its bytes do
	@bios/sector/count.py $(SECTOR)/sector.lst $(SECTOR)/record.lst

run-sector: $(BUILD)/bootllama-sector.img ## boot it in QEMU, in the terminal (GUI=1: a window)
	@qemu-system-x86_64 -accel tcg -display $(if $(filter 1,$(GUI)),gtk,curses) -drive file=$<,format=raw,snapshot=on

all: $(SECTOR_IMAGES) $(SECTOR_TESTED)
