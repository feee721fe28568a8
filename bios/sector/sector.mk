# bios/sector/: Llama 2 in one boot sector. `make sector` writes images and counts bytes, `make run-sector` shows one.
#
#   build/bootllama-sector.img          for disks, and build/bootllama-sector-floppy.img for floppies of 1.44 MB
#   build/bios/sector/NAME.bin          sector.asm as it is (sector) and with FLOPPY (floppy), record.asm (record), each
#                                       with its symbols (.map) and its listing (.lst)
#   build/bios/sector/NAME-MODEL.img    the same with a model, default or stories260k, for the tests
#   build/host/sector-story, -record    story.c and record.c, which compute the same

SECTOR := $(BUILD)/bios/sector
SECTOR_BUILDS := sector floppy record
SECTOR_IMAGES := $(BUILD)/bootllama-sector.img $(BUILD)/bootllama-sector-floppy.img
SECTOR_PROGRAMS := $(patsubst %,$(BUILD)/host/%,gguf-to-sector gguf-to-record sector-story sector-record)

SECTOR_SOURCE_sector := sector
SECTOR_SOURCE_floppy := sector
SECTOR_SOURCE_record := record
SECTOR_DEFINE_floppy := -DFLOPPY

# $(call sector_code,BUILD)
define sector_code
$(SECTOR)/$(1).bin $(SECTOR)/$(1).map $(SECTOR)/$(1).lst &: bios/sector/$(SECTOR_SOURCE_$(1)).asm bios/sector/shape.def
	@mkdir -p $(SECTOR)
	nasm -Wall -Werror -f bin -Ibios/sector/ $(SECTOR_DEFINE_$(1)) -DMAP=$(SECTOR)/$(1).map -l $(SECTOR)/$(1).lst \
	    -o $(SECTOR)/$(1).bin $$<
endef

$(foreach build,$(SECTOR_BUILDS),$(eval $(call sector_code,$(build))))

# ---- Programs of the build machine ----

SECTOR_HOST_CFLAGS := -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) $(FLOAT_RULES) -I. -Icore -Imodel -Ibios/sector
sector_objects = $(patsubst %,$(SECTOR)/host/%.o,$(1) model/sector_code model/tool)

.PRECIOUS: $(SECTOR)/host/%.o
$(SECTOR)/host/%.o: %.c $(FLAG_FILES) bios/sector/sector.mk
	@mkdir -p $(@D)
	gcc $(SECTOR_HOST_CFLAGS) -c -o $@ $<

SECTOR_CONVERTER_OBJECTS := $(call sector_objects,model/sector_network model/sector_image)

$(BUILD)/host/gguf-to-%: $(SECTOR)/host/model/gguf-to-%.o $(SECTOR_CONVERTER_OBJECTS) $(call core_objects,host)
	@mkdir -p $(@D)
	gcc -o $@ $^ -lm

$(BUILD)/host/sector-%: $(SECTOR)/host/bios/sector/%.o $(call sector_objects,bios/sector/emulation)
	@mkdir -p $(@D)
	gcc -o $@ $^ -lm

# ---- Images ----

# Bits behind the binary point of the residual stream and of feed-forward units: the largest of both must fit 16 bits.
SECTOR_GGUF_default := model/default.gguf
SECTOR_BITS_default := 7 8
SECTOR_GGUF_stories260k := $(MODELS)/stories260k-f32.gguf
SECTOR_BITS_stories260k := 11 11
SECTOR_MODELS := default $(if $(STORIES260K),stories260k)

SECTOR_CONVERTER_sector := $(BUILD)/host/gguf-to-sector
SECTOR_CONVERTER_floppy := $(BUILD)/host/gguf-to-sector
SECTOR_CONVERTER_record := $(BUILD)/host/gguf-to-record
FLOPPY_BYTES := 1474560

# $(call sector_image,BUILD,MODEL). A floppy's image is as long as a floppy, and so is a disk's, for simplicity; the
# record's is longer.
define sector_image
$(SECTOR)/$(1)-$(2).img: $(SECTOR)/$(1).bin $(SECTOR)/$(1).map $(SECTOR_GGUF_$(2)) $(SECTOR_CONVERTER_$(1))
	$(SECTOR_CONVERTER_$(1)) $(SECTOR)/$(1).bin $(SECTOR)/$(1).map $(SECTOR_GGUF_$(2)) $$@ $(SECTOR_BITS_$(2))
	truncate -s '>$(FLOPPY_BYTES)' $$@
endef

$(foreach build,$(SECTOR_BUILDS),$(foreach model,$(SECTOR_MODELS),$(eval $(call sector_image,$(build),$(model)))))

SECTOR_TESTED := $(SECTOR_PROGRAMS) $(foreach build,$(SECTOR_BUILDS),$(SECTOR_MODELS:%=$(SECTOR)/$(build)-%.img))

$(BUILD)/bootllama-sector.img: $(SECTOR)/sector-$(lastword $(SECTOR_MODELS)).img
	cp $< $@

$(BUILD)/bootllama-sector-floppy.img: $(SECTOR)/floppy-$(lastword $(SECTOR_MODELS)).img
	cp $< $@

# ---- Verbs ----

.PHONY: sector run-sector
SECTOR_RECORD := $(SECTOR)/record-$(lastword $(SECTOR_MODELS)).img
sector: $(SECTOR_IMAGES) $(SECTOR_RECORD) ## Llama 2 in one boot sector: its images, and what its bytes do
	@bios/sector/count.py $(SECTOR)/sector.lst $(SECTOR)/record.lst

run-sector: $(BUILD)/bootllama-sector.img ## boot it in QEMU, in the terminal (GUI=1: a window)
	@qemu-system-x86_64 -accel tcg -display $(if $(filter 1,$(GUI)),gtk,curses) -drive file=$<,format=raw,snapshot=on

all: $(SECTOR_IMAGES) $(SECTOR_TESTED)
