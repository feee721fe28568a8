// Boots an image in v86 and prints its screen whenever that has changed, as a line of JSON, until it is ended:
// v86.mjs BIOS VGABIOS IMAGE fda|hda, or BIOS VGABIOS KERNEL bzimage INITRD WORDS for a Linux kernel. NODE_MODULES
// names the folder that has v86, MEMORY_MIB a size of memory.
import { readFileSync } from "node:fs";

const [, , bios, vgaBios, image, drive, initrd, words] = process.argv;
const { V86 } = await import(`${process.env.NODE_MODULES}/v86/build/libv86.mjs`);

function read(path) {
    const bytes = readFileSync(path);
    return { buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) };
}

const emulator = new V86({
    wasm_path: `${process.env.NODE_MODULES}/v86/build/v86.wasm`,
    memory_size: (process.env.MEMORY_MIB ?? (initrd ? 128 : 8)) << 20, // v86 puts an initrd at 64 MiB
    vga_memory_size: 2 << 20,
    bios: read(bios),
    vga_bios: read(vgaBios),
    [drive]: read(image),
    ...(initrd && { initrd: read(initrd), cmdline: words }),
    boot_order: drive === "fda" ? 0x321 : 0x312,
    disable_speaker: true,
    log_level: 0,
    autostart: true,
});

let shown = "";
setInterval(() => {
    const screen = JSON.stringify(emulator.screen_adapter.get_text_screen());
    if (screen !== shown) {
        console.log(shown = screen);
    }
}, 500);
