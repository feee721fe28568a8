/*
 * What sector.asm computes, in C and on the same image: the same fixed-point numbers, the same order of operations.
 * long double is the FPU's format, so every token is the machine's. README.md here reads the two side by side.
 *
 *   story SECTOR.bin SECTOR.map IMAGE            the first story, as it comes to the screen
 *   story SECTOR.bin SECTOR.map IMAGE TICKS ...  and those after it: one for each key, with the BIOS's clock then
 *   story SECTOR.bin SECTOR.map IMAGE --tokens   its tokens, one a line, as GGUF numbers them
 *   story SECTOR.bin SECTOR.map IMAGE --state    what memory has after it: X, the cache
 *   story SECTOR.bin SECTOR.map IMAGE --logits   for each line of token ids on standard input the logits, as f32
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulation.h"
#include "tool.h"

enum { SLOTS = 4, TOKEN_BYTES = 256, SQUARINGS = 18, KEY = 1, MULTIPLIER = -127, NOISE_SCALE = 32 };

static struct constants { /* instructions of the sector, read as numbers */
    long double score, gate, project, unit;
} constant;

static const int16_t *weights; /* behind the sector: 5 layers, the output matrix */
static const uint8_t *tokens;  /* [VOCABULARY][TOKEN_BYTES]: int16[DIM], text */

static int16_t x[DIM];                     /* the residual stream */
static int16_t vec[HIDDEN];                /* [GROUPS][value, key, query, query'][HEAD], or units */
static cache_row cache[LAYERS][POSITIONS]; /* the last layer first: value, key */
static long double norm;                   /* |x| */
static uint32_t seed;                      /* of the random numbers */

static void find_norm(void)
{
    const int16_t *row = x;
    norm = sqrtl(dot(x, &row, DIM));
}

/* Values, keys and queries; RoPE turns each pair of a key or query by position * 10^-i, a constant added. */
static void attention_input(const int16_t **w, int layer, int position)
{
    int16_t *out = vec;
    for (int slot = 0; slot < GROUPS * SLOTS; slot++) {
        long double angle = slot % SLOTS == 0 ? 0 : position + 256 * (LAYERS - layer);
        for (int i = 0; i < HEAD; i += 2) {
            const long double x0 = dot(x, w, DIM), x1 = dot(x, w, DIM);
            *out++ = store((x0 * cosl(angle) - x1 * sinl(angle)) / norm);
            *out++ = store((x1 * cosl(angle) + x0 * sinl(angle)) / norm);
            angle /= 10;
        }
    }
}

static void project(const int16_t **w)
{
    for (int i = 0; i < DIM; i++) {
        x[i] = store(dot(vec, w, HIDDEN) * constant.project + x[i]);
    }
    find_norm();
}

static void attention(const int16_t **w, int layer, int position)
{
    cache_row *past = cache[LAYERS - 1 - layer];
    attention_input(w, layer, position);
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
        const long double t = dot(x, w, DIM) / norm * constant.gate; /* -gate / 2^18 */
        const long double silu = t / (expo(t, SQUARINGS) + 1);
        vec[i] = store(dot(x, w, DIM) * silu / norm * constant.unit);
    }
    project(w);
}

/* Fills products [VOCABULARY], the logits times a common factor, by the sector's own numbers of tokens. */
static void forward(int token, int position, long double *products)
{
    const int16_t *w = weights;
    memcpy(x, tokens + token * TOKEN_BYTES, sizeof x);
    find_norm();
    for (int layer = 0; layer < LAYERS; layer++) {
        attention(&w, layer, position);
        feed_forward(&w);
    }
    for (int row = VOCABULARY - 1; row >= 0; row--) {
        products[row] = dot(x, &w, DIM);
    }
}

/*
 * Draws a token: the largest sum of logit and random number, which goes over 4 of a logit. The first story's seed stays
 * as it is, so that the same number is added to all of them.
 */
static int draw(const long double *products)
{
    int best = -1;
    long double largest = 0;
    for (int token = VOCABULARY - 1; token >= 0; token--) {
        seed *= (uint32_t)MULTIPLIER;
        const long double sum = products[token] / norm * NOISE_SCALE + (int16_t)(seed >> 16);
        if (sum > largest) {
            largest = sum;
            best = token;
        }
    }
    return best;
}

static void print_text(int token)
{
    const uint8_t *text = tokens + token * TOKEN_BYTES + DIM * sizeof *x;
    do {
        putchar(*text >> 1);
    } while (*text++ & 1);
}

/* Tells the story from BOS to BOS or to the end of the cache; `show` gets each token as it comes. */
static void tell(void (*show)(int token))
{
    static long double products[VOCABULARY];
    int token = 0;
    for (int position = 0; position < POSITIONS; position++) {
        show(token);
        forward(token, position, products);
        token = draw(products);
        if (token <= 0) {
            break;
        }
    }
}

static void print_token(int token)
{
    printf("%d\n", sector_token(token));
}

static void print_nothing(int token)
{
    (void)token;
}

static void find_logits(int id, int position, float *logits)
{
    static long double products[VOCABULARY];
    forward(sector_token(id), position, products);
    for (int i = 0; i < VOCABULARY; i++) {
        logits[i] = (float)(products[sector_token(i)] / norm / 4096 * 8);
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc == 5 ? argv[4] : "";
    if (argc < 4) {
        fputs("Usage: story SECTOR.bin SECTOR.map IMAGE [--tokens | --state | --logits | TICKS ...]\n", stderr);
        return EXIT_USAGE;
    }
    struct sector_code code;
    sector_code_read(&code, argv[1], argv[2]);
    const uint8_t *image = read_image(argv[3], sector_image_bytes(&code));
    weights = (const int16_t *)(const void *)(image + SECTOR_BYTES);
    tokens = image + sector_file_offset(&code, sector_symbol(&code, "TOKENS"));
    constant.score = sector_constant(&code, "score_scale");
    constant.gate = sector_constant(&code, "gate_scale");
    constant.project = sector_constant(&code, "project_scale");
    constant.unit = sector_constant(&code, "unit_scale");
    memcpy(&seed, code.bytes + sector_symbol(&code, "seed") - sector_symbol(&code, "start"), sizeof seed);
    if (strcmp(mode, "--logits") == 0) {
        print_logits(find_logits);
    } else {
        tell(strcmp(mode, "--tokens") == 0 ? print_token : strcmp(mode, "--state") == 0 ? print_nothing : print_text);
    }
    for (int i = 4; i < argc && argv[i][0] != '-'; i++) { /* the low half of the seed is the clock's */
        seed = (seed & 0xFFFF0000) | (strtoul(argv[i], NULL, 0) & 0xFFFF);
        tell(print_text);
    }
    if (strcmp(mode, "--state") == 0) {
        fwrite(x, sizeof x, 1, stdout);
        fwrite(cache, sizeof cache, 1, stdout);
    }
    return EXIT_SUCCESS;
}
