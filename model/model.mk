# Model files: the converter from llama2.c's format, stories260K fetched and converted, and the list of models that an
# image carries.
#
#   MODEL_FILES     the files for \MODELS, under these names; the first one boots
#   MODEL=x.gguf    on the command line of make puts the user's file in first place
#   STORIES260K     nonempty if stories260K is available; MODEL_TEST_FILES are then its files that only tests read

LLAMA2C_TO_GGUF := $(BUILD)/host/llama2c-to-gguf
LLAMA2C_TO_GGUF_SOURCES := llama2c-to-gguf checkpoint vocabulary gguf_file tool
LLAMA2C_TO_GGUF_OBJECTS := $(LLAMA2C_TO_GGUF_SOURCES:%=$(BUILD)/host/model/%.o)

# -ffp-contract=off and related flags: the same weights from every compiler.
MODEL_CFLAGS := -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) $(FLOAT_RULES) -Icore

$(LLAMA2C_TO_GGUF_OBJECTS): $(BUILD)/host/model/%.o: model/%.c $(FLAG_FILES) model/model.mk
	@mkdir -p $(@D)
	gcc $(MODEL_CFLAGS) -c -o $@ $<

$(LLAMA2C_TO_GGUF): $(LLAMA2C_TO_GGUF_OBJECTS) $(call core_objects,host)
	gcc -o $@ $^ -lm

# ---- stories260K ----

MODEL_CACHE := $(BUILD)/cache/models
MODELS := $(BUILD)/models
STORIES260K_SOURCE := $(MODEL_CACHE)/stories260K.bin $(MODEL_CACHE)/tok512.bin

# The availability of stories260K decides what is built, so it is determined first: make remakes this included file, and
# starts over if the answer changed. fetch-model tries the network at most once an hour.
MODEL_FREE_GOALS := clean help setup fetch-model train
ifneq ($(filter-out $(MODEL_FREE_GOALS),$(or $(MAKECMDGOALS),all)),)
include $(MODEL_CACHE)/stories260K.mk
endif

$(MODEL_CACHE)/stories260K.mk: FORCE
	@mkdir -p $(@D)
	@answer=yes; model/fetch-model $(@D) || { code=$$?; answer=; ((code == 3)) || exit $$code; }; \
	line="STORIES260K := $$answer"; [[ -f $@ && $$(<$@) == "$$line" ]] || echo "$$line" >$@

.PHONY: FORCE fetch-model
fetch-model: ## download stories260K now, or take it from the folder BOOTLLAMA_MODELS
	@mkdir -p $(MODEL_CACHE)
	@model/fetch-model --now $(MODEL_CACHE)

# Reached only if one of its files is requested by name but unavailable: fetch-model says why.
$(STORIES260K_SOURCE):
	@model/fetch-model --now $(@D)

STORIES260K_FILE = $(LLAMA2C_TO_GGUF) $(STORIES260K_SOURCE) $@ --name stories260K --license MIT

$(MODELS)/STORIES260K.GGUF: $(LLAMA2C_TO_GGUF) $(STORIES260K_SOURCE)
	@mkdir -p $(@D)
	$(STORIES260K_FILE)

$(MODELS)/stories260k-f32.gguf: $(LLAMA2C_TO_GGUF) $(STORIES260K_SOURCE)
	@mkdir -p $(@D)
	$(STORIES260K_FILE) --f32

# ---- The project's own model ----

$(MODELS)/DEFAULT.GGUF: model/default.gguf
	@mkdir -p $(@D)
	cp $< $@

.PHONY: train
train: $(LLAMA2C_TO_GGUF) ## train a model like the default one from scratch (hours; model/train/README.md)
	model/train/train

# ---- The list ----

MODEL_FILES := $(if $(STORIES260K),$(MODELS)/STORIES260K.GGUF)
MODEL_FILES += $(if $(wildcard model/default.gguf),$(MODELS)/DEFAULT.GGUF)
MODEL_TEST_FILES := $(if $(STORIES260K),$(MODELS)/stories260k-f32.gguf)

# FAT ignores case: of two names that differ only in case, the user's file wins.
ifdef MODEL
ifeq ($(wildcard $(MODEL)),)
$(error MODEL=$(MODEL): no such file)
endif
upper = $(shell tr a-z A-Z <<<'$(notdir $(1))')
other = $(if $(filter-out $(call upper,$(MODEL)),$(call upper,$(1))),$(1))
MODEL_FILES := $(MODEL) $(foreach file,$(MODEL_FILES),$(call other,$(file)))
endif

ifeq ($(strip $(MODEL_FILES)),)
MODEL_FILES := no-model
.PHONY: no-model
no-model:
	@echo "There is no model: 'make fetch-model' downloads one, BOOTLLAMA_MODELS=FOLDER names a folder with \
	stories260K.bin and tok512.bin, MODEL=FILE.gguf takes a file of yours." >&2; exit 1
endif

all: $(LLAMA2C_TO_GGUF) $(MODEL_FILES) $(MODEL_TEST_FILES)
