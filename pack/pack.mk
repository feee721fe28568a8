# build/host/pack, the packer of both boot programs: what packs is what unpacks, but for the coder.

PACK := $(BUILD)/host/pack/pack
UNPACKER := unpack codec model x86 crc

$(BUILD)/host/pack/%.o: pack/%.c
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) -I. -Icore -c -o $@ $<

$(PACK): $(patsubst %,$(BUILD)/host/pack/%.o,packer/pack $(filter-out unpack,$(UNPACKER)))
	gcc -o $@ $^

# $(call pack_program,ELF): packs $<, with the size of the code from the ELF file that it was made of, as $@.
pack_program = $(PACK) $< $@ $$(objdump -h $(1) | awk '$$2 == ".text" { print "0x" $$3 }')
