# bios/sector/: Llama 2 in one boot sector. `make sector` writes the image and counts bytes, `make run-sector` shows it.
#
# Two builds of sector.asm: sector.bin, which people boot, and record.bin (RECORD defined), the fewest bytes.

SECTOR := $(BUILD)/bios/sector
SECTOR_IMAGE := $(BUILD)/bootllama-sector.img
GGUF_TO_SECTOR := $(BUILD)/host/gguf-to-sector
SECTOR_OBJECTS := $(patsubst %,$(BUILD)/host/model/%.o,gguf-to-sector network sector_code tool)

$(SECTOR)/sector.bin: SECTOR_DEFINE :=
$(SECTOR)/record.bin: SECTOR_DEFINE := -DRECORD

$(SECTOR)/%.bin $(SECTOR)/%.map $(SECTOR)/%.lst &: bios/sector/sector.asm
	@mkdir -p $(@D)
	nasm -Wall -Werror -f bin $(SECTOR_DEFINE) -DMAP=$(SECTOR)/$*.map -l $(SECTOR)/$*.lst -o $(SECTOR)/$*.bin $<

$(BUILD)/host/model/gguf-to-sector.o $(BUILD)/host/model/network.o $(BUILD)/host/model/sector_code.o: \
$(BUILD)/host/model/%.o: model/%.c
	@mkdir -p $(@D)
	gcc $(MODEL_CFLAGS) -c -o $@ $<

$(GGUF_TO_SECTOR): $(SECTOR_OBJECTS)
	gcc -o $@ $^ -lm
