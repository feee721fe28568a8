/*
 * The format of a conversation for a model: the text around what the user says. A chat template in a model file is a
 * Jinja program; it is not run but recognised by its marks, as in llama.cpp (src/llama-chat.cpp), and written as
 * llama_chat_apply_template writes it. Control tokens written in these texts (<s>, </s>, <|im_end|>) become tokens.
 */
#ifndef BOOTLLAMA_CHAT_H
#define BOOTLLAMA_CHAT_H

#include <stdbool.h>
#include <stddef.h>

enum { /* bytes, NUL included but for the last */
    CHAT_TEXT_MAX = 256,
    CHAT_STOP_MAX = 64,
    CHAT_SYSTEM_MAX = 1024, /* a system message */
    CHAT_OPENING_MAX = CHAT_SYSTEM_MAX + 128,
    CHAT_TEMPLATE_MAX = 65536,
};

struct chat {
    char opening[CHAT_OPENING_MAX]; /* before all turns: the system message, the template's default or the user's own */
    bool inside;                    /* it stands after the first turn's prefix instead */
    char prefix[CHAT_TEXT_MAX];     /* before the user's text */
    char suffix[CHAT_TEXT_MAX];     /* after it, before the answer */
    char stop[CHAT_STOP_MAX];       /* ends an answer, as the end-of-generation tokens do; "" = only those */
    char end[CHAT_STOP_MAX];        /* between an answer and the next prefix */
    bool close;                     /* an end-of-sequence token stands there, before `end` */
    bool strip;                     /* white space around the user's text is removed, and around a system message */
    bool drop_thinking;             /* from an answer goes all up to its last "</think>" once the next turn begins, */
    bool drop_newlines;             /* and the new lines after it */
    /* Around a system message that replaces the template's, in static memory: before all, before it, after it. */
    const char *begin, *before, *after;
};

/* Recognises a template by its first n bytes, its marks or llama.cpp's name of a family, and fills *chat. Returns false
   if its family is unknown. */
bool chat_from_template(struct chat *chat, const char *jinja, size_t n);

/* Fills *chat from texts of the configuration, escapes resolved, each below its size in struct chat. Without a stop
   text an end-of-sequence token ends an answer. */
void chat_from_texts(struct chat *chat, const char *prefix, const char *suffix, const char *stop);

/* Makes `system`, below CHAT_SYSTEM_MAX bytes, the system message of the conversation. */
void chat_set_system(struct chat *chat, const char *system);

/* Removes white space at both ends of *text, of *n bytes. */
void chat_trim(const char **text, size_t *n);

/* Resolves \n, \t, \s (a space) and \\ of text[0..n) into out with a NUL. Returns false, with *out undefined, on any
   other escape and if it does not fit `size` bytes. */
bool chat_unescape(char *out, size_t size, const char *text, size_t n);

#endif
