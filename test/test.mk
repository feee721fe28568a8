# test/: unit tests and fuzz targets, and the run over all suites (README.md here).
#
#   build/test/unit64, unit32   every test/unit/*/test_*.c with core/ and bios/fat*.c under ASan and UBSan; unit32 is
#                               code for a 486 with x87, and without the cmocka library, which has no 32-bit package
#   build/test/fuzz             every test/fuzz/fuzz_*.c with libFuzzer
#   build/test/replay32         the same targets as 32-bit code that only replays a corpus

TEST := $(BUILD)/test
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

UNIT_TESTS := $(patsubst test/unit/%.c,%,$(wildcard test/unit/*/test_*.c))
UNIT_HELPERS := $(wildcard test/unit/helpers/*.c)
FUZZ_TARGETS := $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/fuzz_*.c))
TESTED_SOURCES := $(filter-out core/base/memory.c,$(CORE_SOURCES)) $(wildcard bios/fat*.c) \
    $(filter-out pc/int64.c,$(wildcard pc/*.c)) $(UNIT_HELPERS) \
    $(filter-out test/any_cpu/host_cpu.c,$(wildcard test/any_cpu/*.c))

# Tables of cases name only the fields that matter.
TEST_CFLAGS := -std=gnu11 -g -MMD -MP $(WARNINGS) -Wno-missing-field-initializers -I. -Icore -Ibios \
    -Itest -Itest/unit/helpers -DBOOTLLAMA_VERSION='"$(VERSION)"'

TEST_FLAG_FILES := $(FLAG_FILES) test/test.mk

# $(call test_variant,NAME,COMPILER,FLAGS): core/, bios/fat*.c and the helpers as one library, and objects of tests.
# core/base/memory.c is left out, so that the sanitizers see every copy; test_memory.c has its own of it. So is
# pc/int64.c, which the sanitizers' own start would run in 32 bits, too early for them; only unit64 has it.
define test_variant
$(call core_variant,test/$(1),$(2),$(3) -O1)

$(TEST)/$(1)/bios/%.o: bios/%.c $(TEST_FLAG_FILES)
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) -Ibios $(3) -O1 -c -o $$@ $$<

$(TEST)/$(1)/pc/%.o: pc/%.c $(TEST_FLAG_FILES)
	@mkdir -p $$(@D)
	$(2) $(CORE_CFLAGS) $(3) -O1 -c -o $$@ $$<

$(TEST)/$(1)/test/unit/session/test_console.o $(TEST)/$(1)/test/unit/session/test_console_commands.o: $(BUILD)/version

$(TEST)/$(1)/test/%.o: test/%.c $(TEST_FLAG_FILES)
	@mkdir -p $$(@D)
	$(2) $(TEST_CFLAGS) $(3) -c -o $$@ $$<

$(TEST)/$(1)/tested.a: $(TESTED_SOURCES:%.c=$(TEST)/$(1)/%.o)
	@rm -f $$@
	ar rcs $$@ $$^
endef

UNIT32_FLAGS := $(X87_FLAGS) $(SANITIZE) -Itest/unit/helpers/without_cmocka
# gnu-efi takes offsets from a null pointer, which two checks of Clang mind; ASan sees what they are for.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=null,object-size -fno-sanitize-recover=all

$(eval $(call test_variant,unit64,gcc,$(SANITIZE)))
$(TEST)/unit64/tested.a: $(TEST)/unit64/pc/int64.o
$(eval $(call test_variant,unit32,gcc,$(UNIT32_FLAGS)))
$(eval $(call test_variant,fuzz,clang,$(FUZZ_FLAGS)))

$(UNIT_TESTS:%=$(TEST)/unit64/%): $(TEST)/unit64/%: $(TEST)/unit64/test/unit/%.o $(TEST)/unit64/tested.a
	@mkdir -p $(@D)
	gcc $(SANITIZE) -o $@ $^ -lcmocka -lm

$(UNIT_TESTS:%=$(TEST)/unit32/%): $(TEST)/unit32/%: $(TEST)/unit32/test/unit/%.o $(TEST)/unit32/tested.a
	@mkdir -p $(@D)
	gcc -m32 -no-pie $(SANITIZE) -o $@ $^ -lm

$(TEST)/fuzz/fuzz_%: $(TEST)/fuzz/test/fuzz/fuzz_%.o $(TEST)/fuzz/tested.a
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ -lcmocka

$(TEST)/replay32/fuzz_%: $(TEST)/unit32/test/fuzz/fuzz_%.o $(TEST)/unit32/test/fuzz/replay.o $(TEST)/unit32/tested.a
	@mkdir -p $(@D)
	gcc -m32 -no-pie $(SANITIZE) -o $@ $^ -lm

$(TEST)/make_corpus: $(TEST)/unit64/test/fuzz/make_corpus.o $(TEST)/unit64/tested.a
	gcc $(SANITIZE) -o $@ $^

$(TEST)/corpus/gguf: $(TEST)/make_corpus
	@rm -rf $@ && mkdir -p $@
	$< $@

TEST_CORPORA := $(TEST)/corpus/gguf
TEST_PROGRAMS := $(UNIT_TESTS:%=$(TEST)/unit64/%) $(UNIT_TESTS:%=$(TEST)/unit32/%) \
    $(TEST_CORPORA) $(FUZZ_TARGETS:%=$(TEST)/fuzz/%) $(FUZZ_TARGETS:%=$(TEST)/replay32/%)

# What Python's tests run: the host program as 32-bit code, to compare bits with, and the ones below.
PYTHON_TEST_PROGRAMS := $(BUILD)/host32-x87/bootllama $(BUILD)/host32-sse2/bootllama

# The objects of a host program again, on the processor that a test requests: build/test/NAME-any-cpu/bootllama.
define any_cpu_program
$(TEST)/$(1)-any-cpu/%.o: test/any_cpu/%.c $(TEST_FLAG_FILES)
	@mkdir -p $$(@D)
	gcc $(TEST_CFLAGS) $(2) -O1 -c -o $$@ $$<

$(TEST)/$(1)-any-cpu/bootllama: $(TEST)/$(1)-any-cpu/host_cpu.o $(TEST)/$(1)-any-cpu/emulate_vnni.o \
    $(call host_objects,$(1))
	gcc $(2) -Wl,--wrap=cpu_detect -o $$@ $$^ -lm

PYTHON_TEST_PROGRAMS += $(TEST)/$(1)-any-cpu/bootllama
endef

$(eval $(call any_cpu_program,host,-m64))
$(eval $(call any_cpu_program,host32-x87,-m32 -no-pie))
$(eval $(call any_cpu_program,host32-sse2,-m32 -no-pie))

# A program of ring 0 for QEMU's -kernel: the BIOS build's objects, linked above 1 MiB.
$(TEST)/refused_instructions.o: test/boot/refused_instructions.c $(TEST_FLAG_FILES)
	@mkdir -p $(@D)
	$(BIOS_COMPILE) -o $@ $<

$(TEST)/refused_instructions: $(TEST)/refused_instructions.o $(BUILD)/bios/pc/control_registers.c.o \
    $(BUILD)/bios/core/base/memory.o $(BUILD)/bios/core/kernel/cpuid.o
	ld -m elf_i386 -nostdlib --gc-sections --build-id=none -z noexecstack -Ttext=0x100000 -e start -o $@ $^

PYTHON_TEST_PROGRAMS += $(TEST)/refused_instructions

# Programs for x86-64 UEFI firmware, with gnu-efi's own entry code: build/test/efi/NAME.efi of test/boot/efi/NAME.c.
$(TEST)/efi/%.o: test/boot/efi/%.c $(TEST_FLAG_FILES)
	@mkdir -p $(@D)
	$(UEFI_CC) $(CORE_CFLAGS) -Os $(UEFI64_TARGET) -c -o $@ $<

$(TEST)/efi/%.efi: $(TEST)/efi/%.o
	ld -m elf_x86_64 -nostdlib -shared -Bsymbolic -z noexecstack -z nopack-relative-relocs \
	    -T /usr/lib/elf_x86_64_efi.lds -o $(@:.efi=.so) /usr/lib/crt0-efi-x86_64.o $< -L/usr/lib -lgnuefi
	objcopy --target=efi-app-x86_64 -j .text -j .sdata -j .data -j .rodata -j .dynamic -j .rel -j .rela -j .reloc \
	    $(@:.efi=.so) $@

PYTHON_TEST_PROGRAMS += $(patsubst test/boot/efi/%.c,$(TEST)/efi/%.efi,$(wildcard test/boot/efi/*.c))

PYTHON_TEST_PROGRAMS += $(BOOK_PROGRAMS)

# Objects on the way to a program stay.
.SECONDARY: $(UNIT_TESTS:%=$(TEST)/unit64/test/unit/%.o) $(UNIT_TESTS:%=$(TEST)/unit32/test/unit/%.o) \
    $(FUZZ_TARGETS:%=$(TEST)/fuzz/test/fuzz/%.o) $(FUZZ_TARGETS:%=$(TEST)/unit32/test/fuzz/%.o)

# ONLY="word ..." runs the suites whose name contains one of the words. test-models: the tests that use a model.
.PHONY: test test-models fuzz
test: all $(TEST_PROGRAMS) $(PYTHON_TEST_PROGRAMS) ## run all tests (ONLY=word: some)
	@BUILD=$(BUILD) test/run $(ONLY)

test-models: all $(PYTHON_TEST_PROGRAMS) ## run the tests that use a model
	@BUILD=$(BUILD) test/run boot/ host/ machines/ model/

# ONLY="value ..." runs the machines that have all of the values. RESUME=1: only those that have not passed before.
.PHONY: test-machines
test-machines: all ## boot hundreds of different machines (ONLY=value: some)
	@BUILD=$(BUILD) RESUME=$(RESUME) test/machines/run $(ONLY)

# FUZZ_TIME: seconds for each target; new inputs are kept in build/test/found.
FUZZ_TIME ?= 600
fuzz: $(FUZZ_TARGETS:%=$(TEST)/fuzz/%) $(TEST_CORPORA) ## fuzz every target for FUZZ_TIME seconds each
	@BUILD=$(BUILD) test/run --fuzz $(FUZZ_TIME) $(ONLY)
