/*
 * Token ids of a chat's turns as core/ writes them, for test_chat.py:
 *   chat_ids MODEL.gguf TURN...
 * prints one line for each turn: the ids from the end of the answer before it to the beginning of its own, the answers
 * being empty; then a line with the stop text, or "no chat" if the template is of no known family.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "host_platform.h"
#include "infer/story.h"
#include "kernel/cpu.h"

/* Writes one turn and prints its ids. Returns -1 with *error filled on failure. */
static int write_turn(struct engine *engine, const char *text, struct error *error)
{
    const struct story turn = {
        .prompt = text,
        .prompt_bytes = strlen(text),
        .sampling = sampler_defaults(),
        .steps = 1,
        .go_on = true,
        .chat = &engine->chat,
    };
    const uint32_t before = engine->text_count;
    const struct story_result result = story_tell(engine, &turn, error);
    if (result.end == STORY_FAILED) {
        return -1;
    }
    const uint32_t end = result.tokens - result.generated;
    for (uint32_t i = before; i < end; i++) {
        printf("%d ", (int)engine->text[i]);
    }
    printf("\n");
    engine->text_count = end; /* no answer: the model does not chat, and may choose a token that ends one */
    return 0;
}

int main(int count, char **arguments)
{
    static struct engine engine;
    const struct load_progress quiet = {0};
    struct platform platform;
    struct cpu_features cpu;
    struct error error;
    host_platform(&platform);
    cpu_detect(&cpu);
    if (engine_open(&engine, &platform, arguments[1], kernel_best(&cpu), GGUF_CONTEXT_MAX, &quiet, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 2; i < count && engine.has_chat; i++) {
        if (write_turn(&engine, arguments[i], &error) != 0) {
            fprintf(stderr, "%s\n", error.text);
            return 1;
        }
    }
    printf("%s\n", engine.has_chat ? engine.chat.stop : "no chat");
    engine_close(&engine);
    return 0;
}
