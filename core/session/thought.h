/* What a model thinks, from "<think>" to "</think>", in a dimmed colour in a stream of text. */
#ifndef BOOTLLAMA_THOUGHT_H
#define BOOTLLAMA_THOUGHT_H

#include "session/output.h"

struct thought {
    struct output *output;
    bool thinking;    /* the text is dimmed */
    uint32_t matched; /* bytes of the tag awaited, "<think>" or "</think>", held back */
};

/* Begins a text of output_text_begin. */
void thought_begin(struct thought *thought, struct output *output);

/* Passes n bytes of UTF-8 on, with colours: both tags are dimmed as well. The result does not depend on how the text is
   divided into calls. */
void thought_put(struct thought *thought, const char *utf8, size_t n);

/* Passes on what is held back and restores the normal colour. output_text_end follows. */
void thought_end(struct thought *thought);

/* Ends the text for a line of something else, and begins it again after that. */
void thought_pause(struct thought *thought);
void thought_resume(struct thought *thought);

#endif
