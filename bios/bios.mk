# build/bios/boot.bin (sector 0 of a disk), boot_floppy.bin (of a floppy), boot_cd.bin (the boot image of a CD) and
# stage2.bin, which all three start; stage2.elf is the same with symbols.
#
# layout.h is the one list of addresses: NASM gets it as layout.inc, the linker through the C preprocessor.

BIOS_CC := gcc
# Arguments in registers (-mregparm) make the code 1.5 % smaller; start.asm, thunk.asm, vectors.asm and
# processors_entry.asm rely on it.
BIOS_TARGET := $(X87_FLAGS) -fno-pic -fno-asynchronous-unwind-tables -mpreferred-stack-boundary=2 -mregparm=3 \
    -malign-data=abi
# A function that is called once takes less room beside its caller than within it, by 1 %. What is moved out of a loop
# or up to where paths part, is moved out of registers for it.
BIOS_SMALL := -Oz -fno-inline-functions-called-once -fno-tree-loop-im -fno-code-hoisting -fno-tree-dominator-opts \
    -fno-jump-tables
BIOS_SOURCES := $(wildcard bios/*.c) $(filter-out bios/boot%.asm bios/linux%.asm,$(wildcard bios/*.asm))
BIOS_OBJECTS := $(BIOS_SOURCES:%=$(BUILD)/%.o) $(patsubst pc/%,$(BUILD)/bios/pc/%.o,$(wildcard pc/*.c))

# These make no difference to the kernels' speed, but one of 6 % to their size.
$(BUILD)/bios/core/kernel/%.o: VECTOR_FLAGS += -fno-align-jumps -fno-align-loops
$(BUILD)/bios/core/kernel/scalar.o: VECTOR_FLAGS += -fno-tree-pre -fno-thread-jumps
$(BUILD)/bios/core/kernel/x86_avx%.o: VECTOR_FLAGS += -fno-tree-dominator-opts
$(BUILD)/bios/core/kernel/x86_%.o: VECTOR_FLAGS += $(VECTOR_FLAGS_32)

$(eval $(call core_variant,bios,$(BIOS_CC),$(BIOS_TARGET),$(BIOS_SMALL)))

BIOS_COMPILE = $(BIOS_CC) $(CORE_CFLAGS) $(BIOS_SMALL) $(BIOS_TARGET) -Ibios -c

$(BUILD)/bios/%.c.o: bios/%.c $(FLAG_FILES)
	@mkdir -p $(@D)
	$(BIOS_COMPILE) -o $@ $<

$(BUILD)/bios/pc/%.c.o: pc/%.c $(FLAG_FILES)
	@mkdir -p $(@D)
	$(BIOS_COMPILE) -o $@ $<

$(BUILD)/bios/%.asm.o: bios/%.asm bios/bios.mk bios/modes.inc $(BUILD)/bios/layout.inc
	nasm -Wall -Werror -f elf32 -g -F dwarf -Ibios/ -I$(BUILD)/bios/ -o $@ $<

$(BUILD)/bios/layout.inc: bios/layout.h
	@mkdir -p $(@D)
	sed -nE 's,^#define ([A-Z0-9_]+) ([0-9][0-9A-Fx]*).*,%define \1 \2,p' $< > $@

$(BUILD)/bios/stage2.ld: bios/stage2.ld bios/layout.h
	@mkdir -p $(@D)
	$(BIOS_CC) -E -P -x c -Ibios -o $@ $<

# No library: a symbol that neither core/ nor bios/ defines does not link.
$(BUILD)/bios/stage2.elf: $(BUILD)/bios/stage2.ld $(BIOS_OBJECTS) $(call core_objects,bios)
	ld -m elf_i386 -nostdlib --gc-sections --build-id=none -z noexecstack --no-warn-rwx-segments --fatal-warnings \
	    -T $< -Map $(@:.elf=.map) -o $@ $(filter %.o,$^)

# Whole sectors.
$(BUILD)/bios/stage2.bin: $(BUILD)/bios/stage2.elf
	objcopy -O binary -j .text -j .rodata -j .data $< $@
	truncate -s %512 $@

# The boot sector knows the size of stage 2 and, by its checksums, this very stage 2: sum = sum * 31 + next 32-bit word.
BIOS_SUM = od -An -v -tu4 -w4 | awk '{ s = (s * 31 + $$1) % 4294967296 } END { printf "%.0f", s }'

# NASM for a flat binary that knows stage 2.
BIOS_NASM = nasm -Wall -Werror -f bin -Ibios/ -I$(BUILD)/bios/ \
    -DSTAGE2_SECTORS=$$(($$(stat -c %s $(BUILD)/bios/stage2.bin) / 512)) \
    -DSTAGE2_SUM=$$({ $(BIOS_SUM); } < $(BUILD)/bios/stage2.bin)

BIOS_BOOT_SECTORS := $(patsubst %,$(BUILD)/bios/%.bin,boot boot_floppy boot_cd boot_4k)

$(BIOS_BOOT_SECTORS): $(BUILD)/bios/%.bin: bios/%.asm bios/boot.inc $(BUILD)/bios/layout.inc $(BUILD)/bios/stage2.bin
	$(BIOS_NASM) -DLOADER_SUM=$$(head -c 512 $(BUILD)/bios/stage2.bin | $(BIOS_SUM)) -o $@ $<

# The same as a Linux kernel would come: for boot loaders, network boot and `qemu -kernel`.
KERNEL := $(BUILD)/bootllama.krn

$(BUILD)/bios/linux_setup.bin: bios/linux_setup.asm bios/modes.inc $(BUILD)/bios/boot.bin
	$(BIOS_NASM) -DSTART_GIVEN=0x$$(nm $(BUILD)/bios/stage2.elf | sed -n 's/ . start_given$$//p') \
	    -DVERSION="'$(VERSION)'" -o $@ $<

$(KERNEL): bios/linux.asm $(BUILD)/bios/linux_setup.bin
	$(BIOS_NASM) -o $@ $<

all: $(BIOS_BOOT_SECTORS) $(BUILD)/bios/stage2.bin $(KERNEL)

# What unit tests run on the build machine beside the FAT driver: parts that are neither processor nor ports. They join
# the library that test/test.mk links every unit test with.
BIOS_TESTED := bios/disk.c bios/initrd.c bios/memory_map.c bios/cp437.c bios/rtc.c

$(BUILD)/test/unit64/tested.a: $(BIOS_TESTED:%.c=$(BUILD)/test/unit64/%.o)
$(BUILD)/test/unit32/tested.a: $(BIOS_TESTED:%.c=$(BUILD)/test/unit32/%.o)
