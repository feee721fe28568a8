/*
 * The text of BOOTLLAM.CFG: lines of `key = value`, blank ones, and comments, which begin with '#' or ';'.
 *
 * It may come from any editor of any system: UTF-8 with or without byte-order mark, UTF-16 of either byte order, with
 * or without one; lines end with CRLF, LF or CR; DOS's end-of-file character (1Ah) and zeros at its end are left out.
 * Where a key occurs twice, the last line counts. A wrong line is reported with its number and what is allowed; the
 * other lines still count.
 */
#ifndef BOOTLLAMA_CONFIG_FILE_H
#define BOOTLLAMA_CONFIG_FILE_H

#include "session/config.h"

enum { CONFIG_FILE_MAX = 65536 }; /* bytes */

/*
 * Reads n bytes of text into *config. Each wrong line is given to report(context, message) as one message ("line 3:
 * ..."), at most ten of them and then one that says how many more. Never fails.
 */
void config_file_parse(struct config *config, const char *text, size_t n,
                       void (*report)(void *context, const char *message), void *context);

#endif
