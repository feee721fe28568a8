/* The keyboard through INT 16h, which is also how a BIOS serves USB keyboards. */
#ifndef BOOTLLAMA_KEYBOARD_H
#define BOOTLLAMA_KEYBOARD_H

/* Finds out whether the BIOS has the calls for the enhanced keyboard. */
void keyboard_init(void);

/*
 * The next key typed, or KEY_NONE (core/platform.h). Asks the BIOS at most once in 10 ms, and only with each timer tick
 * (55 ms) while the processor is busy, so that polling costs nothing. Works, and finds no key, without a keyboard.
 */
int keyboard_get_key(void);

/* Computing goes on: the next poll is one of a busy program. */
void keyboard_busy(void);

/* An interrupt came: the next poll asks the BIOS at once. */
void keyboard_expect(void);

#endif
