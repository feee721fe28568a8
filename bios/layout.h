/*
 * The memory layout of the BIOS path: the one list of addresses for NASM, C and the linker script.
 * bios.mk turns each `#define NAME VALUE` into NASM's %define, so a value is a plain number. README.md has the map.
 */
#ifndef BOOTLLAMA_LAYOUT_H
#define BOOTLLAMA_LAYOUT_H

/* Low memory, from the bottom up. Everything ends below 512 KiB, far from any EBDA. */
#define BOOT_VARIABLES 0x0600   /* the boot sector's few bytes */
#define LINUX_BOOT 0x0620       /* struct linux_boot (linux_boot.h), if a loader of Linux kernels has started us */
#define COMMAND_LINE_BYTES 2048 /* of the command line in it, its NUL included */
#define TRAMPOLINE 0x1000       /* where other processors start: a far jump on a page that a message can name */
#define FLOPPY_TABLE 0x1010     /* the loader's copy of the BIOS's parameters of floppy drives */
#define REAL_STACK_TOP 0x7C00   /* stack of the boot sector and of every BIOS call, down to 0x1100 */
#define BOOT_ADDRESS 0x7C00     /* sector 0, where the BIOS puts it */
#define BOOT_TRACK 0x7C18       /* in it, of its BPB: sectors a track and heads, 16 bits each */
#define BOOT_FAIL 0x7C5A        /* for the loader: jump here with AL = the error letter */
#define BOOT_SUM 0x7C5C         /* call here: the checksum of CX sectors at segment BP in EBX */
#define BOOT_STAGE2_LBA 0x7C5F  /* 24 bits: the LBA of stage 2, counted from that of the boot sector; then: */
#define BOOT_BLOCK 0x7C62       /* 8 bits: the drive's own sectors have 512 bytes << this: 0, or 2 on a CD */
#define STAGE2_ADDRESS 0x8000   /* stage 2 where the loader puts it and where it runs; 16-bit code first, then bss */
#define LOADER_SECTORS 64       /* 32 KiB: the most that it reads in one call, which every BIOS can */
#define STAGE2_LIMIT 0x44000    /* the end of its bss at most: 48 KiB for the bss of the largest stage 2; then: */
#define WINDOW_ADDRESS 0x50000  /* models are read to here; core/ uses the room in front; on a 64 KiB line */
#define WINDOW_SECTORS 127      /* the most that a BIOS reads in one call */
#define BOUNCE_ADDRESS 0x60000  /* all other transfers; on such a line, which none may cross */
#define BOUNCE_SECTORS 120      /* 60 KiB: whole pages and blocks of CDs */
#define STACK_BOTTOM 0x6F000    /* stack of the C code: 68 KiB */
#define STACK_TOP 0x80000
#define LOW_MEMORY_KIB 512 /* what INT 12h must report at least */

/* In bootllama.krn, which loaders of Linux kernels start. */
#define LINUX_SETUP_FLAT 0x7E58 /* entry of linux_setup.asm at BOOT_ADDRESS, in protected mode with flat segments */
#define LINUX_ADDRESS 0x100000  /* where linux.asm is loaded to, with stage 2 behind it */
#define LINUX_HEAD_BYTES 1536   /* before stage 2 */

/* Above 1 MiB. */
#define PROCESSOR_STACK 0x4000 /* bytes of stack for each processor but the first */

/* The disk, in sectors of 512 bytes. */
#define STAGE2_LBA 1
#define STAGE2_SECTORS_MAX 384 /* 192 KiB, up to 38000h in memory; the gap before the partition has 2047 sectors */

/* Segment selectors of the GDT in start.asm. */
#define SELECTOR_CODE32 0x08
#define SELECTOR_DATA32 0x10
#define SELECTOR_CODE16 0x18
#define SELECTOR_DATA16 0x20

#endif
