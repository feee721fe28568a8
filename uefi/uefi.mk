# build/uefi/BOOTX64.EFI and build/uefi32/BOOTIA32.EFI: the UEFI application for x86-64 and for IA-32, from the same
# sources. bootllama.so beside each is the same with symbols.
#
# A shared ELF object linked by uefi.ld -> objcopy makes it a PE file -> pe_seal.py sets what objcopy cannot and checks
# the result. Any rule of README.md ("The PE file") that does not hold fails the build.

UEFI_CC := gcc
UEFI_SMALL := -Oz
UEFI_SOURCES := $(wildcard uefi/*.c)
UEFI_IMAGE_MAX := 262144
UEFI_APPLICATIONS := $(BUILD)/uefi/BOOTX64.EFI $(BUILD)/uefi32/BOOTIA32.EFI

UEFI_PIC := -fpic -fvisibility=hidden
UEFI64_TARGET := -m64 -march=x86-64 -mno-red-zone $(UEFI_PIC)

# IA-32: floats stay out of x87, also as a function's result, because firmware may leave x87 in any state; 64-bit
# members of structures are aligned as firmware aligns them.
UEFI32_TARGET := -m32 -march=pentium4 -mtune=generic -mfpmath=sse -mno-80387 -mno-fp-ret-in-387 -malign-double \
    $(UEFI_PIC)
$(BUILD)/uefi32/core/kernel/x86_%.o: VECTOR_FLAGS += $(VECTOR_FLAGS_32)

# Code around firmware calls stays out of vector registers: they may be off when it starts, and firmware need not
# preserve them. run.c saves those that firmware wants back.
UEFI_CODE_FLAGS := -mgeneral-regs-only
UEFI_COMPILE = $(UEFI_CC) $(CORE_CFLAGS) $(UEFI_SMALL) $(UEFI_TARGET) $(UEFI_CODE_FLAGS) -c

# What the application of a variant is linked from.
uefi_objects = $(UEFI_SOURCES:uefi/%.c=$(BUILD)/$(1)/%.o) $(patsubst pc/%.c,$(BUILD)/$(1)/pc/%.o,$(wildcard pc/*.c)) \
    $(call core_objects,$(1))

# $(call uefi_application,VARIANT,NAME,TARGET,EMULATION,FORMAT,LIBRARIES) makes the rules for build/VARIANT/NAME:
# TARGET for the compiler, EMULATION for ld, FORMAT for objcopy, LIBRARIES the folder of libgnuefi.a.
#
# Undefined symbols would become calls into nothing (-z defs), relocations of read-only sections would fault (-z text),
# packed relative relocations are not what gnu-efi's _relocate reads.
define uefi_application
$(call core_variant,$(1),$(UEFI_CC),$(3),$(UEFI_SMALL))

$(BUILD)/$(1)/%.o: UEFI_TARGET := $(3)
$(BUILD)/$(1)/run.o: UEFI_CODE_FLAGS :=
$(BUILD)/$(1)/entry.o: $(BUILD)/version
$(BUILD)/$(1)/core/kernel/cpu.o: KERNEL_FLAGS_kernel/cpu := $(UEFI_SMALL) $(UEFI_CODE_FLAGS)
$(BUILD)/$(1)/core/kernel/cpuid.o: KERNEL_FLAGS_kernel/cpuid := $(UEFI_SMALL) $(UEFI_CODE_FLAGS)

$(BUILD)/$(1)/%.o: uefi/%.c $(FLAG_FILES)
	@mkdir -p $$(@D)
	$$(UEFI_COMPILE) -o $$@ $$<

$(BUILD)/$(1)/pc/%.o: pc/%.c $(FLAG_FILES)
	@mkdir -p $$(@D)
	$$(UEFI_COMPILE) -o $$@ $$<

$(BUILD)/$(1)/bootllama.so: $(call uefi_objects,$(1)) uefi/uefi.ld
	ld -m $(4) -nostdlib -shared -Bsymbolic --gc-sections --hash-style=sysv --build-id=none -z defs -z text \
	    -z noexecstack -z nopack-relative-relocs -z norelro -T uefi/uefi.ld -Map $$(@:.so=.map) -e uefi_entry -o $$@ \
	    $$(filter %.o,$$^) -L$(6) -lgnuefi

$(BUILD)/$(1)/bootllama.pe: $(BUILD)/$(1)/bootllama.so
	objcopy --strip-all --output-target=$(5) --subsystem=10 --section-alignment=4096 --file-alignment=512 \
	    -j .text -j .rodata -j .dynrel -j .reloc -j .sbat -j .data -j .dynamic $$< $$@

$(BUILD)/$(1)/$(2): $(BUILD)/$(1)/bootllama.pe uefi/pe_seal.py
	/usr/bin/python3 uefi/pe_seal.py --max-size $(UEFI_IMAGE_MAX) $$< $$@
endef

$(eval $(call uefi_application,uefi,BOOTX64.EFI,$(UEFI64_TARGET),elf_x86_64,pei-x86-64,/usr/lib))
$(eval $(call uefi_application,uefi32,BOOTIA32.EFI,$(UEFI32_TARGET),elf_i386,pei-i386,/usr/lib32))

all: $(UEFI_APPLICATIONS)

# What unit tests run on the build machine, with firmware made of tables (test/unit/helpers/fake_firmware.h): all but
# the parts that are processor or ports. They join the library that test/test.mk links every unit test with.
UEFI_TESTED := $(filter-out uefi/entry.c uefi/run.c uefi/uefi_platform.c,$(UEFI_SOURCES))

define uefi_test_variant
$(BUILD)/test/$(1)/uefi/%.o: uefi/%.c $(FLAG_FILES) test/test.mk
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) $(3) -O1 -c -o $$@ $$<

$(BUILD)/test/$(1)/tested.a: $(UEFI_TESTED:%.c=$(BUILD)/test/$(1)/%.o)
endef
$(eval $(call uefi_test_variant,unit64,gcc,$$(SANITIZE)))
$(eval $(call uefi_test_variant,unit32,gcc,$$(UNIT32_FLAGS)))
$(eval $(call uefi_test_variant,fuzz,clang,$$(FUZZ_FLAGS)))
