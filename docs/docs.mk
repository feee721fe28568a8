# The book's own programs, build/docs/NAME of docs/programs/NAME.c, and its numbers and figures (docs/book.py).

BOOK_PROGRAMS := $(patsubst docs/programs/%.c,$(BUILD)/docs/%,$(wildcard docs/programs/*.c))
BOOK_OBJECTS := $(BUILD)/host/model/checkpoint.o $(BUILD)/host/model/tool.o $(call core_objects,host)

$(BUILD)/docs/%.o: docs/programs/%.c $(FLAG_FILES) model/model.mk
	@mkdir -p $(@D)
	gcc $(MODEL_CFLAGS) -I. -c -o $@ $<

$(BOOK_PROGRAMS): %: %.o $(BOOK_OBJECTS)
	gcc -o $@ $^ -lm

.PHONY: book
book: all $(BOOK_PROGRAMS) $(BUILD)/host32-x87/bootllama ## write the book's numbers and figures anew (docs/book)
	@BUILD=$(BUILD) docs/book.py --renew
