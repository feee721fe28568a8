/*
 * The format of a conversation for a model: the text around what the user says. A chat template in a model file is a
 * Jinja program; it is not run but recognised by its marks, as in llama.cpp (src/llama-chat.cpp). The texts are those
 * that the families' own templates produce. Control tokens written in these texts (<s>, </s>, <|im_end|>) become
 * tokens.
 */
#ifndef BOOTLLAMA_CHAT_H
#define BOOTLLAMA_CHAT_H

#include <stdbool.h>
#include <stddef.h>

enum { /* bytes, NUL included but for the last */
    CHAT_TEXT_MAX = 256,
    CHAT_STOP_MAX = 64,
    CHAT_OPENING_MAX = 1024,
    CHAT_TEMPLATE_MAX = 65536,
};

struct chat {
    char opening[CHAT_OPENING_MAX]; /* before all turns: the template's default system message */
    char prefix[CHAT_TEXT_MAX];     /* before the user's text */
    char suffix[CHAT_TEXT_MAX];     /* after it, before the answer */
    char stop[CHAT_STOP_MAX];       /* ends an answer, as the end-of-sequence token does; "" = only that token */
    char end[CHAT_STOP_MAX];        /* between an answer and the next prefix; "" = the end-of-sequence token */
    bool strip;                     /* white space around the user's text is removed */
};

/* Recognises a template by its first n bytes and fills *chat. Returns false if its family is unknown. */
bool chat_from_template(struct chat *chat, const char *jinja, size_t n);

/* Fills *chat from texts of the configuration, escapes resolved, each below its size in struct chat. */
void chat_from_texts(struct chat *chat, const char *prefix, const char *suffix, const char *stop);

/* Resolves \n, \t, \s (a space) and \\ of text[0..n) into out with a NUL. Returns false, with *out undefined, on any
   other escape and if it does not fit `size` bytes. */
bool chat_unescape(char *out, size_t size, const char *text, size_t n);

#endif
