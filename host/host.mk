# The host build of core/: a program in its own right, the bench and the test bench. build/host is what users run;
# host32-x87 and host32-sse2 are the same program as 32-bit code, to compare their bits with.

HOST_SOURCES := $(wildcard host/*.c)
HOST_CFLAGS := -std=gnu11 -O2 -g -MMD -MP -D_FILE_OFFSET_BITS=64 $(WARNINGS) -I. -Icore

$(eval $(call core_variant,host,gcc,-m64))
$(eval $(call core_variant,host32-x87,gcc,$(X87_FLAGS)))
$(eval $(call core_variant,host32-sse2,gcc,-m32 -fno-pie -march=pentium4 -msse2 -mfpmath=sse))

# $(call host_objects,VARIANT): what the program is linked from.
host_objects = $(HOST_SOURCES:host/%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/pc/terminal_keys.o $(call core_objects,$(1))

# $(call host_program,VARIANT,FLAGS)
define host_program
$(BUILD)/$(1)/pc/%.o: pc/%.c $(FLAG_FILES)
	@mkdir -p $$(@D)
	gcc $(CORE_CFLAGS) $(2) -O2 -c -o $$@ $$<

$(BUILD)/$(1)/%.o: host/%.c $(FLAG_FILES)
	@mkdir -p $$(@D)
	gcc $(HOST_CFLAGS) $(2) -c -o $$@ $$<

$(BUILD)/$(1)/bootllama: $(call host_objects,$(1))
	gcc $(2) -o $$@ $$^ -lm
endef

$(eval $(call host_program,host,-m64))
$(eval $(call host_program,host32-x87,-m32 -no-pie))
$(eval $(call host_program,host32-sse2,-m32 -no-pie))

all: $(BUILD)/host/bootllama
