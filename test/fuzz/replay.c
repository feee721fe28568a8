/* Runs a fuzz target on every file of the folders and files named, without libFuzzer: for 32-bit builds. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pc/x87.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned runs;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)ftell(file);
    uint8_t *data = malloc(size > 0 ? size : 1);
    rewind(file);
    if (fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last line before a crash names its cause */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    runs++;
}

static void run_folder(const char *path)
{
    DIR *folder = opendir(path);

    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[4096];
        struct stat status;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            run_file(name);
    }
    if (folder != NULL)
        closedir(folder);
}

int main(int count, char **arguments)
{
    x87_single_precision(); /* as boot code does for an x87 build */
    for (int i = 1; i < count; i++)
        run_folder(arguments[i]);
    fprintf(stderr, "Done %u runs\n", runs);
    return runs > 0 ? 0 : 1;
}
