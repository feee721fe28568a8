/* Writes the sample model and every hostile one into a folder, each without the zeros at its end: for fuzz_gguf. */
#include <stdio.h>
#include <stdlib.h>

#include "hostile_models.h"

static const struct change good[][SAMPLE_CHANGES] = {
    {{NO_CHANGE}},
    {{TENSOR_REMOVE, "output.weight"}},
    {{KEYS_REVERSED}},
    {{KEY_REMOVE, "tokenizer.ggml.token_type"}},
    {{KEY_TEXT, "tokenizer.chat_template", .text = "{{ '[INST] ' }}"}},
    {{TENSOR_TYPE, "blk.0.attn_q.weight", 2}, {TENSOR_TYPE, "blk.0.ffn_down.weight", 39}},
    {{TENSOR_TYPE, "blk.1.ffn_up.weight", 7}, {TENSOR_TYPE, "blk.0.attn_output.weight", 20}},
    {{TENSOR_RENAME, "output.weight", .text = "rope_freqs.weight"},
     {TENSOR_SHAPE, "rope_freqs.weight", 4, 1},
     {TENSOR_TYPE, "rope_freqs.weight", 0}},
    {{KEY_TEXT, "llama.rope.scaling.type", .text = "yarn"},
     {KEY_NUMBER, "llama.rope.scaling.factor", F32, 0x40800000},
     {KEY_NUMBER, "llama.rope.scaling.original_context_length", U32, 8}},
    {{KEY_NUMBER, "llama.block_count", U64, 2}, {KEY_TEXT, "llama.rope.scaling.type", .text = "none"}},
};

static void write_seed(const char *folder, const char *kind, size_t number, const struct change *changes)
{
    char path[4096];
    size_t size;
    uint8_t *bytes = sample_model(changes, &size);

    while (size > 0 && bytes[size - 1] == 0)
        size--;
    snprintf(path, sizeof path, "%s/%s-%03zu", folder, kind, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    free(bytes);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "make_corpus FOLDER\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        write_seed(arguments[1], "good", i, good[i]);
    for (size_t i = 0; i < hostile_model_count; i++)
        write_seed(arguments[1], "hostile", i, hostile_models[i].changes);
    return 0;
}
