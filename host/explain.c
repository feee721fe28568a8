#include "explain.h"

#include "text/decoder.h"
#include "trip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PIECE_MAX = DECODER_OUT_MAX + 4, MARGIN = 11 /* columns before a heat map */ };

/* A weight in ten steps: below 5 %, below 15 %, ..., 85 % and more. */
static const char SHADES[] = " .:-=+*#%@";

/* The text of one token, for the middle of a text. A token of control has none: its name. */
static void piece_text(const struct engine *engine, int32_t id, char text[PIECE_MAX])
{
    struct decoder decoder;
    decoder_begin(&decoder, false);
    size_t n = decoder_push(&decoder, &engine->tokenizer, id, text, DECODER_OUT_MAX);
    n += decoder_end(&decoder, text + n, DECODER_OUT_MAX - n);
    if (n == 0) {
        const uint32_t *start = engine->tokenizer.text_start + id;
        n = start[1] - start[0] < PIECE_MAX ? start[1] - start[0] : PIECE_MAX - 1;
        memcpy(text, engine->tokenizer.text + start[0], n);
    }
    text[n] = 0;
}

/* A piece in double quotes, with the escapes of JSON (RFC 8259), which a person can read, too. */
static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text != 0; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7F) {
            printf("\\u%04x", c);
        } else {
            printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
        }
    }
    putchar('"');
}

static void print_piece(const struct engine *engine, int32_t id)
{
    char text[PIECE_MAX];
    piece_text(engine, id, text);
    print_quoted(text);
}

/* ---- For people ---- */

static char shade(float weight)
{
    const int step = (int)(weight * 10 + 0.5f);
    return SHADES[step > 9 ? 9 : step];
}

static void print_layer(const struct trip *trip, uint32_t index)
{
    const struct trip_layer *layer = &trip->layer[index];
    printf("\nLayer %u: root mean square %.3f before attention, %.3f before feed-forward\n%*s", index,
           layer->rms_attention, layer->rms_feed_forward, MARGIN, "");
    for (uint32_t t = 0; t < trip->count; t++) {
        putchar((char)('0' + t % 10));
    }
    putchar('\n');
    for (uint32_t head = 0; head < trip->heads; head++) {
        printf("  head %-3u|", head);
        for (uint32_t t = 0; t < trip->count; t++) {
            putchar(shade(layer->weight[(size_t)head * trip->count + t]));
        }
        printf("|\n");
    }
}

static void print_text(const struct engine *engine, const struct trip *trip)
{
    printf("Tokens: position, id, text\n");
    for (uint32_t t = 0; t < trip->count; t++) {
        printf("%5u %7d  ", t, trip->token[t]);
        print_piece(engine, trip->token[t]);
        putchar('\n');
    }
    printf(
        "\nWhat the last token attends to: a row for each head, a column for each position, named by its last digit.\n"
        "The steps of \"%s\" are 10 %%; a blank is below 5 %%.\n",
        SHADES);
    for (uint32_t i = 0; i < trip->layers; i++) {
        print_layer(trip, i);
    }
    printf("\nOutput: root mean square %.3f. The next token at temperature 1: probability, logit, id, text\n",
           trip->rms_output);
    for (uint32_t i = 0; i < TRIP_LIKELIEST; i++) {
        const struct trip_token *token = &trip->likeliest[i];
        printf("%6.2f %% %8.3f %7d  ", 100 * token->probability, token->logit, token->id);
        print_piece(engine, token->id);
        putchar('\n');
    }
}

/* ---- For programs ---- */

/* Every float as JSON can hold it: the shortest that reads back as the same, and null for what is no number. */
static void print_float(float value)
{
    if (isfinite(value)) {
        printf("%.9g", value);
    } else {
        printf("null");
    }
}

static void print_row(const float *row, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        printf(i > 0 ? "," : "[");
        print_float(row[i]);
    }
    putchar(']');
}

/* "name": [rows][columns] */
static void print_matrix(const char *name, const float *matrix, uint32_t rows, uint32_t columns)
{
    printf(",\"%s\":[", name);
    for (uint32_t i = 0; i < rows; i++) {
        printf(i > 0 ? "," : "");
        print_row(matrix + (size_t)i * columns, columns);
    }
    putchar(']');
}

static void print_json_token(const struct engine *engine, int32_t id)
{
    printf("{\"id\":%d,\"text\":", id);
    print_piece(engine, id);
}

static void print_json(const struct engine *engine, const struct trip *trip)
{
    printf("{\"tokens\":[");
    for (uint32_t t = 0; t < trip->count; t++) {
        printf(t > 0 ? "," : "");
        print_json_token(engine, trip->token[t]);
        putchar('}');
    }
    printf("],\n\"layers\":[");
    for (uint32_t i = 0; i < trip->layers; i++) {
        const struct trip_layer *layer = &trip->layer[i];
        printf("%s{\"rms_attention\":", i > 0 ? ",\n" : "");
        print_float(layer->rms_attention);
        printf(",\"rms_feed_forward\":");
        print_float(layer->rms_feed_forward);
        print_matrix("q", layer->q, trip->heads, trip->head_size);
        print_matrix("score", layer->score, trip->heads, trip->count);
        print_matrix("weight", layer->weight, trip->heads, trip->count);
        putchar('}');
    }
    printf("],\n\"rms_output\":");
    print_float(trip->rms_output);
    printf(",\n\"likeliest\":[");
    for (uint32_t i = 0; i < TRIP_LIKELIEST; i++) {
        printf(i > 0 ? "," : "");
        print_json_token(engine, trip->likeliest[i].id);
        printf(",\"logit\":");
        print_float(trip->likeliest[i].logit);
        printf(",\"probability\":");
        print_float(trip->likeliest[i].probability);
        putchar('}');
    }
    printf("]}\n");
}

int explain_run(struct engine *engine, const char *text, bool json)
{
    struct trip trip;
    struct error error;
    if (trip_take(&trip, engine, text, strlen(text), &error) != 0) {
        fprintf(stderr, "bootllama: %s\n", error.text);
        return 1;
    }
    (json ? print_json : print_text)(engine, &trip);
    trip_free(&trip);
    return 0;
}
