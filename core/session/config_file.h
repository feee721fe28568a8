/*
 * The text of BOOTLLAM.CFG: lines of `key = value`, blank lines, and comments that begin with '#' or ';'.
 *
 * Any editor of any system may have written it: UTF-8 or UTF-16 of either byte order, each with or without a byte-order
 * mark; lines end in CRLF, LF or CR; DOS's end-of-file character (1Ah) and zeros at the end are ignored. If a key
 * occurs twice, the last line counts. A wrong line is reported with its number and what is allowed; the other lines
 * still count.
 */
#ifndef BOOTLLAMA_CONFIG_FILE_H
#define BOOTLLAMA_CONFIG_FILE_H

#include "session/config.h"

enum { CONFIG_FILE_MAX = 65536 }; /* bytes */

/*
 * Reads n bytes of text into *config. Passes one message for each wrong line ("line 3: ...") to report(context,
 * message), at most ten, then one with the number of the others. Never fails.
 */
void config_file_parse(struct config *config, const char *text, size_t n,
                       void (*report)(void *context, const char *message), void *context);

#endif
