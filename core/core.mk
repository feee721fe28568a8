# core/ is compiled once for each machine it runs on. $(call core_variant,NAME,COMPILER,FLAGS,SMALL) makes the rules for
# build/NAME/core/*.o, with the flags SMALL for files without KERNEL_FLAGS; $(call core_objects,NAME) names those
# objects.

CORE_ROOMS := base gguf text kernel infer session
CORE_SOURCES := $(wildcard $(CORE_ROOMS:%=core/%/*.c)) core/text/unicode_table.c

# core/text/unicode_table.c is generated from the Unicode Character Database.
UNICODE_DATABASE := /usr/share/unicode
UNICODE_TABLE := $(BUILD)/unicode_table.c
$(UNICODE_TABLE): core/text/unicode_table.py $(UNICODE_DATABASE)/UnicodeData.txt $(UNICODE_DATABASE)/PropList.txt
	@mkdir -p $(@D)
	/usr/bin/python3 $< $(UNICODE_DATABASE) > $@

# The files that hold compilers' flags: what is compiled depends on them.
KERNEL_LIST := core/kernel/kernels.def
FLAG_FILES := core/core.mk host/host.mk bios/bios.mk uefi/uefi.mk $(KERNEL_LIST)

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wpointer-arith -Werror

# One text everywhere (core/kernel/README.md): no contraction into FMA, no excess precision on x87.
FLOAT_RULES := -ffp-contract=off -fno-fast-math -fno-math-errno -fno-trapping-math

CORE_CFLAGS := -std=gnu11 -ffreestanding -fno-common -fno-strict-aliasing -fno-stack-protector \
    -ffunction-sections -fdata-sections -g -MMD -MP -DBOOTLLAMA_VERSION='"$(VERSION)"' $(WARNINGS) \
    $(FLOAT_RULES) -I. -Icore

KERNEL_FLAGS_infer/sampler := -O2 -ftree-vectorize

# Above -Os GCC makes one vector of the lanes, whose products take five times as long.
KERNEL_FLAGS_gguf/checksum := -Os

# The flags of kernels, from kernels.def.
kernel_flags = $(shell sed -nE 's/^KERNEL\(\w+, $(1), .*, (.*)\)$$/\1/p' $(KERNEL_LIST))
KERNEL_FILES := $(shell sed -nE 's/^KERNEL\(\w+, (\w+),.*\)$$/\1/p' $(KERNEL_LIST))
$(foreach file,$(KERNEL_FILES), \
    $(eval KERNEL_FLAGS_kernel/$(file) := $(call kernel_flags,$(file)) $(if $(filter x86_%,$(file)),-mfpmath=sse)))

# Without these GCC moves a loop's sums from register to register: stories260K takes 2 (AVX2) to 12 % (AVX-512) longer.
$(foreach file,$(filter x86_avx%,$(KERNEL_FILES)), \
    $(eval GCC_FLAGS_kernel/$(file) := -fno-tree-ch -fno-tree-pre -fno-tree-coalesce-vars))

core_objects = $(patsubst core/%.c,$(BUILD)/$(1)/core/%.o,$(CORE_SOURCES))

define core_variant
$(BUILD)/$(1)/core/%.o: core/%.c $(FLAG_FILES)
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) -O2 $(3) $$(or $$(KERNEL_FLAGS_$$*),$(4)) $(if $(filter clang,$(2)),,$$(GCC_FLAGS_$$*)) \
	    $$(VECTOR_FLAGS) -c -o $$@ $$<

$(BUILD)/$(1)/core/session/banner.o: $(BUILD)/version

$(BUILD)/$(1)/core/text/unicode_table.o: $(UNICODE_TABLE) $(FLAG_FILES)
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) -O2 $(3) -c -o $$@ $$<
endef

# With eight registers, vector code is faster (SSE2 by a third, AVX2 and AVX-512 by a twentieth) if GCC does not copy
# loop heads: for programs of 32-bit code. Sums without registers may share their memory. Copies of functions for
# constant arguments take 5 % more room for nothing.
VECTOR_FLAGS_32 := -fno-tree-ch -fno-ipa-cp-clone -ftree-coalesce-vars

# x87 arithmetic in single precision: see FLOAT_RULES. The program that runs such code sets 24-bit precision control
# first (pc/x87.h).
X87_FLAGS := -m32 -fno-pie -march=i486 -mno-sse -mfpmath=387 -fexcess-precision=fast
