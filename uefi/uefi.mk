# build/uefi/BOOTX64.EFI, the UEFI application; bootllama.so is the same with symbols.
#
# A shared ELF object linked by uefi.ld -> objcopy makes it a PE file -> pe_seal.py sets what objcopy cannot and checks
# the result. Any rule of README.md ("The PE file") that does not hold fails the build.

UEFI_CC := gcc
UEFI_SMALL := -Os
UEFI_TARGET := -m64 -march=x86-64 -fpic -fvisibility=hidden -mno-red-zone
UEFI_SOURCES := $(wildcard uefi/*.c)
UEFI_OBJECTS := $(UEFI_SOURCES:%.c=$(BUILD)/%.o) $(patsubst pc/%.c,$(BUILD)/uefi/pc/%.o,$(wildcard pc/*.c))
UEFI_IMAGE_MAX := 262144

# Code around firmware calls stays out of vector registers: they may be off when it starts, and firmware need not
# preserve them. run.c saves those that firmware wants back.
UEFI_CODE_FLAGS := -mgeneral-regs-only
$(BUILD)/uefi/run.o: UEFI_CODE_FLAGS :=
$(BUILD)/uefi/core/kernel/cpu.o: KERNEL_FLAGS_kernel/cpu := $(UEFI_SMALL) -mgeneral-regs-only
$(BUILD)/uefi/core/kernel/cpuid.o: KERNEL_FLAGS_kernel/cpuid := $(UEFI_SMALL) -mgeneral-regs-only

$(eval $(call core_variant,uefi,$(UEFI_CC),$(UEFI_TARGET),$(UEFI_SMALL)))

UEFI_COMPILE = $(UEFI_CC) $(CORE_CFLAGS) $(UEFI_SMALL) $(UEFI_TARGET) $(UEFI_CODE_FLAGS) -c

$(BUILD)/uefi/%.o: uefi/%.c
	@mkdir -p $(@D)
	$(UEFI_COMPILE) -o $@ $<

$(BUILD)/uefi/pc/%.o: pc/%.c
	@mkdir -p $(@D)
	$(UEFI_COMPILE) -o $@ $<

# Undefined symbols would become calls into nothing (-z defs), relocations of read-only sections would fault (-z text),
# packed relative relocations are not what gnu-efi's _relocate reads.
$(BUILD)/uefi/bootllama.so: $(UEFI_OBJECTS) $(call core_objects,uefi) uefi/uefi.ld
	ld -nostdlib -shared -Bsymbolic --gc-sections --hash-style=sysv --build-id=none -z defs -z text -z noexecstack \
	    -z nopack-relative-relocs -z norelro -T uefi/uefi.ld -Map $(@:.so=.map) -e uefi_entry -o $@ $(filter %.o,$^) \
	    -L/usr/lib -lgnuefi

$(BUILD)/uefi/bootllama.pe: $(BUILD)/uefi/bootllama.so
	objcopy --strip-all --output-target=pei-x86-64 --subsystem=10 --section-alignment=4096 --file-alignment=512 \
	    -j .text -j .rodata -j .rela -j .reloc -j .data -j .dynamic $< $@

$(BUILD)/uefi/BOOTX64.EFI: $(BUILD)/uefi/bootllama.pe uefi/pe_seal.py
	/usr/bin/python3 uefi/pe_seal.py --max-size $(UEFI_IMAGE_MAX) $< $@

all: $(BUILD)/uefi/BOOTX64.EFI

# What unit tests run on the build machine, with firmware made of tables (test/unit/helpers/fake_firmware.h): all but
# the parts that are processor or ports. They join the library that test/test.mk links every unit test with.
UEFI_TESTED := $(filter-out uefi/entry.c uefi/run.c uefi/uefi_platform.c,$(UEFI_SOURCES))

define uefi_test_variant
$(BUILD)/test/$(1)/uefi/%.o: uefi/%.c
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) $(3) -O1 -c -o $$@ $$<

$(BUILD)/test/$(1)/tested.a: $(UEFI_TESTED:%.c=$(BUILD)/test/$(1)/%.o)
endef
$(eval $(call uefi_test_variant,unit64,gcc,$$(SANITIZE)))
$(eval $(call uefi_test_variant,unit32,gcc,$$(UNIT32_FLAGS)))
$(eval $(call uefi_test_variant,fuzz,clang,$$(FUZZ_FLAGS)))
