#include "score.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "bootllama: %s: %s\n", path, what);
    return 1;
}

/* Runs one sequence; returns 0 or the exit status. */
static int score_sequence(struct engine *engine, FILE *tokens, uint32_t context, FILE *logits, const char *path)
{
    for (uint32_t position = 0; position < context; position++) {
        int32_t token;
        if (fread(&token, sizeof token, 1, tokens) != 1) {
            return complain(path, "the last sequence is not complete");
        }
        if (token < 0 || (uint32_t)token >= engine->gguf.vocabulary) {
            return complain(path, "holds a token id that the model does not have");
        }
        compute_begin(&engine->compute);
        const float *out = transformer_run(&engine->transformer, &token, 1, position, true);
        compute_end(&engine->compute);
        if (fwrite(out, sizeof *out, engine->gguf.vocabulary, logits) != engine->gguf.vocabulary) {
            return complain("logits", strerror(errno));
        }
    }
    return 0;
}

static int score_files(struct engine *engine, FILE *tokens, uint32_t context, FILE *logits, const char *path)
{
    int status = 0, next;
    while (status == 0 && (next = getc(tokens)) != EOF) {
        ungetc(next, tokens);
        status = score_sequence(engine, tokens, context, logits, path);
    }
    return status;
}

int score_run(struct engine *engine, const char *tokens_path, uint32_t context, const char *logits_path)
{
    if (context > engine->context) {
        return complain(tokens_path, "--context is longer than the model's");
    }
    FILE *tokens = fopen(tokens_path, "rb");
    if (tokens == NULL) {
        return complain(tokens_path, strerror(errno));
    }
    FILE *logits = fopen(logits_path, "wb");
    if (logits == NULL) {
        fclose(tokens);
        return complain(logits_path, strerror(errno));
    }
    int status = score_files(engine, tokens, context, logits, tokens_path);
    fclose(tokens);
    if (fclose(logits) != 0 && status == 0) {
        status = complain(logits_path, strerror(errno));
    }
    if (status != 0) {
        remove(logits_path); /* a partial file would look complete */
    }
    return status;
}
