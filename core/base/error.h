/* What went wrong, in one line for the user. */
#ifndef BOOTLLAMA_ERROR_H
#define BOOTLLAMA_ERROR_H

/* Names the file, the place and what to do. No newline at its end. */
struct error {
    char text[512]; /* enough for the longest path, a tensor name and what is wrong */
};

/* Fills *error with text as format() makes it. Returns -1, so that a caller can fail in one statement. */
int error_set(struct error *error, const char *pattern, ...) __attribute__((format(printf, 2, 3)));

#endif
