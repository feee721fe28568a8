/*
 * The command line that a boot loader passes: settings as words `key=value` with blanks between them.
 *
 * Quotes are as Linux has them (lib/cmdline.c, next_arg): between two double quotes, blanks belong to the word; a pair
 * around the value or the whole word is left out: prompt="The dog" or "prompt=The dog". GRUB writes a backslash before
 * each quote and backslash of a word: one before ", ' and \ is left out.
 */
#ifndef BOOTLLAMA_COMMAND_LINE_H
#define BOOTLLAMA_COMMAND_LINE_H

#include "session/config.h"

/*
 * Reads the words of `line` into *config. Passes one message for each wrong value ("steps must be ...") to
 * report(context, message). Fills ignored[size] with the words that are no settings (ro, quiet), a blank before each,
 * as far as they fit. A word that is longer than any value is one of them; BOOT_IMAGE=FILE and initrd=FILE, which
 * loaders add, are passed over.
 */
void command_line_parse(struct config *config, const char *line, char *ignored, size_t size,
                        void (*report)(void *context, const char *message), void *context);

#endif
