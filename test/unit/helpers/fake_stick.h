/* A stick with models on the simulated firmware, and a session of uefi/files.c over it. */
#ifndef BOOTLLAMA_TEST_FAKE_STICK_H
#define BOOTLLAMA_TEST_FAKE_STICK_H

#include "fake_firmware.h"
#include "uefi/files.h"

/* Device paths: a USB port, a partition of a hard disk. */
#define USB(port) 1, 1, 6, 0, 0, 0x14, 3, 5, 6, 0, port, 0
#define PARTITION(number)                                                                                             \
    4, 1, 42, 0, number, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0, 0, 0, 1, 1
#define PATH_END 0x7F, 0xFF, 4, 0

enum { STICK_NODES = 9, STICK_SETTINGS = 19, STICK_MODEL = 3 * (1 << 20) + 777 /* bytes of files */ };

extern const struct fake_node stick[STICK_NODES];
extern const uint8_t partition_1[58]; /* the path of the first partition at port 1 */

struct session {
    struct fake_volume volume;
    struct files files;
    char error[sizeof((struct platform *)0)->error];
};

/* Starts from a stick, as handle 0; ends, and checks that everything was given back. */
void stick_begin(struct session *session);
void stick_end(struct session *session);

/* Reads all of a file in steps and compares. Returns the status of the first read that fails. */
int stick_read(struct session *session, const char *path, uint32_t step);

/* Checks the sizes of BOOTLLAM.CFG and of the first model, 0 where there is none. */
void stick_check(struct files *files, uint64_t settings, uint64_t model);

#endif
