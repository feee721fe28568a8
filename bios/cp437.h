/* Code page 437, the character set of a PC's text screen, and Unicode. */
#ifndef BOOTLLAMA_CP437_H
#define BOOTLLAMA_CP437_H

#include <stdint.h>

extern const uint16_t cp437_high[128]; /* the code points of bytes 80h to FFh */

/* The byte that shows a code point: for common typography the nearest glyph, '?' if there is none or for a control. */
uint8_t cp437_from_unicode(uint32_t code_point);

/* The code point of a byte typed on a keyboard; bytes below 80h stand for themselves. */
uint32_t cp437_to_unicode(uint8_t byte);

#endif
