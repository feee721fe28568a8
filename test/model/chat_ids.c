/*
 * Token ids of a chat's turns as core/ writes them, for test_chats.py:
 *   chat_ids MODEL.gguf < CONVERSATIONS
 * A conversation is fields that each end with a NUL: a chat template ("" = that of the file), a system message ("" =
 * none), the number of turns, the turns. A line for each turn says its ids, from the end of the answer before it to the
 * beginning of its own, the answers being empty; or "no chat" where the template is of no known family.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host_platform.h"
#include "infer/story.h"
#include "kernel/cpu.h"

enum { FIELD_MAX = 1 << 17 };

static struct engine engine;
static struct error error;

/* Reads a field. Returns its bytes, or -1 at the end of the input. */
static int read_field(char field[FIELD_MAX])
{
    int n = 0, c;
    while ((c = getchar()) > 0 && n < FIELD_MAX - 1) {
        field[n++] = (char)c;
    }
    field[n] = 0;
    return c == EOF ? -1 : n;
}

/* Writes one turn and prints its ids. Returns -1 with the error filled on failure. */
static int write_turn(const struct chat *chat, const char *text, int n)
{
    const struct story turn = {
        .prompt = text,
        .prompt_bytes = (size_t)n,
        .sampling = sampler_defaults(),
        .steps = 1,
        .go_on = true,
        .chat = chat,
    };
    const uint32_t before = engine.text_count;
    const struct story_result result = story_tell(&engine, &turn, &error);
    if (result.end == STORY_FAILED) {
        return -1;
    }
    const uint32_t end = result.tokens - result.generated;
    for (uint32_t i = before; i < end; i++) {
        printf("%d ", (int)engine.text[i]);
    }
    printf("\n");
    engine_rewind(&engine, end); /* no answer: the model does not chat, and may choose a token that ends one */
    return 0;
}

/* Writes the next conversation of the input. Returns 0, 1 at the end of the input, -1 with the error filled. */
static int write_conversation(void)
{
    static char field[FIELD_MAX];
    struct chat chat;
    int n = read_field(field);
    if (n < 0) {
        return 1;
    }
    bool known = engine.has_chat;
    chat = engine.chat;
    if (n > 0) {
        known = chat_from_template(&chat, field, (size_t)n);
    }
    if (read_field(field) > 0 && known) {
        chat_set_system(&chat, field);
    }
    engine_rewind(&engine, 0);
    read_field(field);
    for (int turns = atoi(field); turns > 0; turns--) {
        n = read_field(field);
        if (!known) {
            printf("no chat\n");
        } else if (write_turn(&chat, field, n) != 0) {
            return -1;
        }
    }
    return 0;
}

int main(int count, char **arguments)
{
    const struct load_progress quiet = {0};
    struct platform platform;
    struct cpu_features cpu;
    host_platform(&platform);
    cpu_detect(&cpu);
    if (count != 2 ||
        engine_open(&engine, &platform, arguments[1], kernel_best(&cpu), GGUF_CONTEXT_MAX, &quiet, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int status;
    do {
        status = write_conversation();
    } while (status == 0);
    if (status < 0) {
        fprintf(stderr, "%s\n", error.text);
    }
    engine_close(&engine);
    return status < 0;
}
