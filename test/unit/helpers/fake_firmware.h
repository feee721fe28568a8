/*
 * A simulated firmware that misbehaves on demand, as no emulated machine can: it lies, stops short, fails at a given
 * byte, reports nonsense. There is one; fake_reset resets it.
 */
#ifndef BOOTLLAMA_TEST_FAKE_FIRMWARE_H
#define BOOTLLAMA_TEST_FAKE_FIRMWARE_H

#include "uefi/clock.h"
#include "uefi/efi_headers.h"

#include <efi/efipciio.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_node {                /* a file, or a directory where size is < 0 */
    const char *directory, *name; /* directory "" is the root, "MODELS\\llama" a folder in a folder; names are UTF-8 */
    int64_t size;
    uint64_t attributes; /* besides EFI_FILE_DIRECTORY */
    bool foreign;        /* does not begin with "GGUF", unlike fake_content */
};

enum { FAKE_LASTING = 1000000, FAKE_HANDLES = 8 };

struct fake_volume {
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL system;
    const struct fake_node *nodes;
    size_t node_count;
    uint64_t bad_byte;  /* reads across it fail ... */
    int failures;       /* ... so many times */
    bool lies;          /* ... with EFI_SUCCESS and the bytes left as they were */
    bool caches_edges;  /* ... but the pages of 64 KiB that a request does not fill get bytes of something else then */
    uint32_t page_from; /* where such pages begin in a file */
    bool reads_nothing; /* every read gives 0 bytes */
    UINTN short_read;   /* reads give this much at most; 0 = all */
    bool info_fails;
    bool handle_dies;               /* a handle that failed fails ever after */
    bool is_dead;                   /* everything fails with EFI_DEVICE_ERROR */
    uint64_t slowness;              /* microseconds that a call takes which fails */
    int failed;                     /* calls that failed */
    bool *vanishes;                 /* becomes true at a failure: the handle's `pulled`; may be NULL */
    int open_handles, open_volumes; /* handles not closed; calls of OpenVolume */
    const void *read_to;            /* the last read of a file */
    UINTN largest_read;
};

struct fake_handle {
    struct fake_volume *volume;
    const void *device_path;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended;
    bool has_keys;  /* a key device, once it has been connected */
    bool tagged;    /* takes part in the console */
    bool pulled;    /* it no longer has a protocol, and must not be asked for one */
    bool missed;    /* the firmware sees it, or that it is dead, when a controller is started anew */
    bool unnoticed; /* shows its volume once it has been connected */
    bool on_bus;    /* before that it is not a disk, only a controller on the PCI bus ... */
    uint32_t class; /* ... of this class, subclass, interface and revision; 0 = its configuration cannot be read */
    EFI_PCI_IO_PROTOCOL pci;
};

struct fake_firmware {
    struct fake_handle handles[FAKE_HANDLES];
    size_t handle_count;
    size_t memory_limit;              /* bytes that one AllocatePages gives at most */
    int allocations;                  /* not given back */
    int controllers_stopped;          /* by DisconnectController */
    const EFI_MEMORY_DESCRIPTOR *map; /* NULL: GetMemoryMap fails */
    size_t map_count;
    bool key_waits;
    const void *variable; /* ConOut and ConIn */
    size_t variable_size;
};

extern struct fake_firmware fake;
extern EFI_BOOT_SERVICES fake_boot;
extern EFI_RUNTIME_SERVICES fake_runtime;
extern struct clock fake_clock; /* stands still */

/* No handles, 16 MiB of memory. */
void fake_reset(void);

/* Byte `at` of every file. */
uint8_t fake_content(uint64_t at);

/* A volume with these files, and its arrival as the next handle. */
struct fake_volume fake_volume_of(const struct fake_node *nodes, size_t count);
void fake_plug_in(struct fake_volume *volume);

#endif
