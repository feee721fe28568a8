// The PC: v86 with SeaBIOS and a disk. This module knows v86 and no page.

const MIB = 1 << 20;
const MEMORY_MIB = 32; // besides the model
const LINE_END = /\r\n|\r|\n/g;

/** Memory for a PC that runs a model of so many bytes: as int8, quantized from four bits, it takes twice its file. */
function memory_for(bytes) {
    return (MEMORY_MIB + 16 * Math.ceil(bytes * 2.25 / (16 * MIB))) * MIB;
}

export class Machine {
    /** @param {Object<string, ArrayBuffer>} parts  bytes by name: libv86.mjs, v86.wasm, bios.bin, vgabios.bin
        @param {HTMLElement} screen  holds a div and a canvas
        @param {(byte: number) => void} on_serial */
    constructor(parts, screen, on_serial) {
        this.parts = parts;
        this.screen = screen;
        this.on_serial = on_serial;
        this.emulator = null;
    }

    /** Switches on. Ends what ran before.
        @param {import("./disk.mjs").Disk} disk */
    async start(disk) {
        await this.end();
        const library = URL.createObjectURL(new Blob([this.parts["libv86.mjs"]], { type: "text/javascript" }));
        const { V86 } = await import(library);
        URL.revokeObjectURL(library);
        const copy = part => ({ buffer: this.parts[part].slice(0) }); // the machine writes into what it gets
        this.emulator = new V86({
            wasm_fn: async imports =>
                (await WebAssembly.instantiate(this.parts["v86.wasm"], imports)).instance.exports,
            bios: copy("bios.bin"),
            vga_bios: copy("vgabios.bin"),
            hda: disk,
            memory_size: memory_for(Math.max(...disk.files.map(({ blob }) => blob.size))),
            vga_memory_size: 2 * MIB,
            screen_container: this.screen,
            disable_keyboard: true,
            disable_mouse: true,
            disable_speaker: true,
            fastboot: true,
            autostart: true,
        });
        this.emulator.add_listener("serial0-output-byte", this.on_serial);
        await new Promise(resolve => this.emulator.add_listener("emulator-ready", resolve));
    }

    /** Types on the serial port, where every character of UTF-8 can be typed. */
    type(text) {
        this.emulator?.serial_send_bytes(0, new TextEncoder().encode(text.replace(LINE_END, "\r")));
    }

    async pause(on) {
        await (on ? this.emulator?.stop() : this.emulator?.run());
    }

    async end() {
        const emulator = this.emulator;
        this.emulator = null;
        await emulator?.destroy();
    }
}
