/*
 * Where a kernel puts the weights of a tile.
 *
 * tile KERNEL [BYTES]     row and column of the weight in each byte of the tile, of the first BYTES (64)
 *
 * A weight is found by changing it: the byte of the tile that then changes is its place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "model/tool.h"

enum { TILE_MAX = 4096, BYTES = 64, ROW_OF_TEXT = 16 };

static const struct kernel *find(const char *name)
{
    struct cpu_features cpu;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (strcmp(kernel_at(i)->name, name) == 0 && kernel_usable(kernel_at(i), &cpu)) {
            return kernel_at(i);
        }
    }
    die("%s is no kernel that this processor runs", name);
}

/* place[byte] = row * Q8_GROUP + column of the weight there, -1 where none is. */
static void find_places(const struct kernel *kernel, int32_t place[TILE_MAX])
{
    static _Alignas(KERNEL_ALIGNMENT) uint8_t before[TILE_MAX], after[TILE_MAX];
    struct q8_0_block block[Q8_GROUP] = {0};
    memset(place, -1, TILE_MAX * sizeof *place);
    kernel->tile_pack(before, block, 1);
    for (uint32_t i = 0; i < Q8_GROUP * Q8_GROUP; i++) {
        block[i / Q8_GROUP].q[i % Q8_GROUP] = 1;
        kernel->tile_pack(after, block, 1);
        block[i / Q8_GROUP].q[i % Q8_GROUP] = 0;
        for (uint32_t byte = 0; byte < kernel->tile_bytes; byte++) {
            place[byte] = before[byte] != after[byte] ? (int32_t)i : place[byte];
        }
    }
}

int main(int argc, char **argv)
{
    static int32_t place[TILE_MAX];
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: tile KERNEL [BYTES]\n");
        return EXIT_USAGE;
    }
    const struct kernel *kernel = find(argv[1]);
    const uint32_t wanted = argc == 3 ? (uint32_t)atoi(argv[2]) : BYTES;
    find_places(kernel, place);
    printf("%s: %u bytes; row.column of the weight in each byte\n", kernel->name, kernel->tile_bytes);
    for (uint32_t byte = 0; byte < wanted && byte < kernel->tile_bytes; byte++) {
        printf(byte % ROW_OF_TEXT == 0 ? "%4u: " : "", byte);
        printf(place[byte] < 0 ? "  -  " : "%2d.%-2d", place[byte] / Q8_GROUP, place[byte] % Q8_GROUP);
        putchar(byte % ROW_OF_TEXT == ROW_OF_TEXT - 1 ? '\n' : ' ');
    }
    return 0;
}
