/*
 * What record.asm computes, in C and on the same image, as story.c does it for sector.asm. Its arithmetic differs in
 * little: a row is divided by |x| at once, RoPE's angle is the position alone, exp is squared 28 times, products of
 * tokens are rounded to 16 bits, and the least one wins.
 *
 *   record RECORD.bin RECORD.map IMAGE            the text, as it comes to the screen
 *   record RECORD.bin RECORD.map IMAGE --tokens   its tokens, one a line, as GGUF numbers them
 *   record RECORD.bin RECORD.map IMAGE --state    what memory has after it: X, the cache
 *   record RECORD.bin RECORD.map IMAGE --logits   for each line of token ids on standard input the logits, as f32
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulation.h"
#include "tool.h"

enum { SQUARINGS = 28, SLOTS = 4, KEY = 0, TEXT = 64, LOGIT = 750, CHARACTER = 0x0E };

static struct constants { /* instructions of the sector, read as numbers */
    long double score, gate, project, unit;
} constant;

static struct sector_code code;
static const uint8_t *image;
static const int16_t *weights; /* in the order in which they are read */
static int zero_rows;          /* behind a layer's queries */

static int16_t x[DIM];                       /* the residual stream */
static int16_t vec[HIDDEN];                  /* [GROUPS][key, value, query, query'][HEAD], or units */
static cache_row cache[LAYERS][POSITIONS];   /* key, value */
static long double products[VOCABULARY + 1]; /* by numbers of tokens, which begin with 1 */

static long double dot_norm(const int16_t **w)
{
    const int16_t *row = x;
    const long double norm = sqrtl(dot(x, &row, DIM));
    return dot(x, w, DIM) / norm;
}

static void attention_input(const int16_t **w, int position)
{
    long double angle = 0;
    for (int row = 0; row < GROUPS * SLOTS * HEAD; row++) {
        if (row % (HEAD / 2) == 0) {
            angle = row / HEAD % SLOTS == 1 ? 0 : position; /* values are not turned */
        }
        const long double a = dot_norm(w), b = dot_norm(w);
        vec[row] = store(a * cosl(angle) + b * sinl(angle));
        angle /= 10;
    }
    *w += zero_rows * DIM;
}

static void project(const int16_t **w)
{
    for (int i = 0; i < DIM; i++) {
        x[i] = store(dot(vec, w, HIDDEN) * constant.project + x[i]);
    }
}

static void attention(const int16_t **w, cache_row *past, int position)
{
    attention_input(w, position);
    for (int group = 0; group < GROUPS; group++) {
        int16_t *slot = vec + group * SLOTS * HEAD;
        memcpy(past[position][group], slot, sizeof *past[position]);
        for (int16_t *query = slot + 2 * HEAD; query < slot + SLOTS * HEAD; query += HEAD) {
            attend(query, past, KEY, group, position, constant.score, SQUARINGS);
        }
    }
    project(w);
}

static void feed_forward(const int16_t **w)
{
    for (int i = 0; i < HIDDEN; i++) {
        const long double t = dot_norm(w) * constant.gate; /* -gate / 2^28 */
        const long double silu = t / (expo(t, SQUARINGS) + 1);
        vec[i] = store(silu * dot_norm(w) * constant.unit);
    }
    project(w);
}

static void forward(int token, int position)
{
    const int16_t *w = weights;
    memcpy(x, image + record_token_offset(&code, token), sizeof x);
    for (int layer = 0; layer < LAYERS; layer++) {
        attention(&w, cache[layer], position);
        feed_forward(&w);
    }
    for (int row = VOCABULARY; row > 0; row--) {
        products[row] = dot_norm(&w);
    }
}

static int least_product(void)
{
    int token = VOCABULARY;
    for (int row = VOCABULARY; row > 0; row--) {
        token = store(products[row]) < store(products[token]) ? row : token;
    }
    return token;
}

static void print_text(int token)
{
    const uint8_t *text = image + record_token_offset(&code, token) + sizeof x;
    for (int i = 0; i < TEXT; i++) {
        if (text[i * 2 + 1] == CHARACTER) {
            putchar(text[i * 2]);
        }
    }
}

static void print_token(int token)
{
    printf("%d\n", record_token(token));
}

static void print_nothing(int token)
{
    (void)token;
}

static void tell(void (*show)(int token))
{
    int token = RECORD_BOS;
    for (int position = 0; position < POSITIONS; position++) {
        show(token);
        forward(token, position);
        token = least_product();
    }
}

static void find_logits(int id, int position, float *logits)
{
    forward(record_token(id), position);
    for (int i = 0; i < VOCABULARY; i++) {
        logits[i] = (float)(-products[record_token(i)] / LOGIT);
    }
}

static void read_model(const char *path)
{
    zero_rows = 2 * ((int)sector_symbol(&code, "ROWS") - GROUPS * SLOTS * HEAD);
    const size_t layer = (size_t)(2 * GROUPS * SLOTS * HEAD + zero_rows + 4 * HIDDEN) * DIM;
    const size_t count = LAYERS * layer + VOCABULARY * DIM;
    image = read_image(path, record_image_bytes(&code, count));
    int16_t *all = allocate(count * sizeof *all);
    const size_t first = record_token_offset(&code, RECORD_BOS) + (DIM + TEXT) * sizeof *all;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + i, image + (i < RECORD_FIRST ? first + i * sizeof *all : record_offset(&code, i)), sizeof *all);
    }
    weights = all;
}

int main(int argc, char **argv)
{
    const char *mode = argc == 5 ? argv[4] : "";
    if (argc != 4 && argc != 5) {
        fputs("Usage: record RECORD.bin RECORD.map IMAGE [--tokens | --state | --logits]\n", stderr);
        return EXIT_USAGE;
    }
    sector_code_read(&code, argv[1], argv[2]);
    read_model(argv[3]);
    constant.score = sector_constant(&code, "score_scale");
    constant.gate = sector_constant(&code, "gate_scale");
    constant.project = sector_constant(&code, "project_scale");
    constant.unit = sector_constant(&code, "unit_scale");
    if (strcmp(mode, "--logits") == 0) {
        print_logits(find_logits);
        return EXIT_SUCCESS;
    }
    tell(strcmp(mode, "--tokens") == 0 ? print_token : strcmp(mode, "--state") == 0 ? print_nothing : print_text);
    if (strcmp(mode, "--state") == 0) {
        fwrite(x, sizeof x, 1, stdout);
        fwrite(cache, sizeof cache, 1, stdout);
    }
    return EXIT_SUCCESS;
}
