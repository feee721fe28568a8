#include "emulation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

int16_t store(long double value)
{
    const long double rounded = rintl(value);
    return rounded >= -32768 && rounded <= 32767 ? (int16_t)rounded : INT16_MIN;
}

int64_t dot(const int16_t *vector, const int16_t **matrix, int n)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++) {
        sum += vector[i] * *(*matrix)++;
    }
    return sum;
}

long double expo(long double t, int squarings)
{
    t += 1;
    for (int i = 0; i < squarings; i++) {
        t *= t;
    }
    return t;
}

void attend(int16_t query[HEAD], const cache_row *past, int key, int group, int position, long double scale,
            int squarings)
{
    static double e[POSITIONS];
    long double sum = 0;
    for (int t = position; t >= 0; t--) {
        const int16_t *row = past[t][group][key];
        const long double value = expo(dot(query, &row, HEAD) * scale, squarings);
        e[t] = (double)value;
        sum += value;
    }
    for (int i = 0; i < HEAD; i++) {
        long double mix = 0;
        for (int t = position; t >= 0; t--) {
            mix += past[t][group][1 - key][i] * (long double)e[t];
        }
        query[i] = store(mix / sum);
    }
}

const uint8_t *read_image(const char *path, size_t size)
{
    uint8_t *image = allocate(size);
    FILE *file = fopen(path, "rb");
    if (!file || fread(image, 1, size, file) != size) {
        die("%s: %s", path, file ? "is shorter than what the sector reads" : strerror(errno));
    }
    fclose(file);
    return image;
}

void print_logits(void (*forward)(int id, int position, float *logits))
{
    static char line[1 << 16];
    static float logits[VOCABULARY];
    while (fgets(line, sizeof line, stdin)) {
        char *next = line;
        for (int position = 0; position < POSITIONS; position++) {
            char *end;
            const long id = strtol(next, &end, 10);
            if (end == next) {
                break;
            }
            next = end;
            forward((int)id % VOCABULARY, position, logits);
            fwrite(logits, sizeof *logits, VOCABULARY, stdout);
        }
    }
}
