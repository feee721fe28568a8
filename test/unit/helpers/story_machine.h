/* A machine in memory with a small model of random weights, for tests of core/infer/story.c. */
#ifndef BOOTLLAMA_TEST_STORY_MACHINE_H
#define BOOTLLAMA_TEST_STORY_MACHINE_H

#include "base/error.h"
#include "infer/story.h"
#include "memory_platform.h"
#include "session/typeahead.h"

enum { MACHINE_CONTEXT = 120, MACHINE_OUT_MAX = 4096 };

/* The model's tokens: sample_pieces of sample_model.h. */
enum { UNK = 0, BOS = 1, EOS = 2, SPACE = 3, A = 4, B = 5, AB = 6, SPACE_A = 7, C = 11 };

struct machine {
    struct memory_platform memory; /* first: platform.state points here */
    char out[MACHINE_OUT_MAX];     /* what was put, with NUL */
    size_t length;
    uint32_t polls, clock_reads;                /* keys asked for, clock asked for */
    uint64_t now_ns, latest_poll, longest_wait; /* the latter two in microseconds */
    uint64_t work, token_work;                  /* products of a tile and a vector: computed, and that a token takes */
    uint64_t once_work;                         /* those of a token that a prompt takes for its last token alone */
    uint32_t us_a_token, percent_slower;        /* that its products take, and from one token to the next */
    const int *typed;                           /* keys, ended by 0, that come from the poll `typed_at` on */
    uint32_t typed_at;
    int32_t exclusive;
    struct engine engine;
    struct typeahead typeahead;
    struct error error;
    bool ends_by_itself; /* the model opened next: else it never draws the unknown token, BOS or EOS */
};

extern struct machine machine;

/* Opens the model with a chat template (NULL = none) for the fastest kernel. Its last norm is 1 for sound numbers. The
   clock goes on while matrices are multiplied, and only then. */
void machine_open(const char *chat_template, float last_norm);
void machine_close(void);

/* A greedy story of at most so many tokens. */
struct story machine_story(const char *prompt, uint32_t steps);

/* Tells it, with the counts and the text put of this story alone. */
struct story_result machine_tell(const struct story *story);

/* A prompt whose story goes on for 60 tokens at least. */
const char *machine_long_prompt(void);

#endif
