// The hard disk of the PC, as v86 reads one: the start that make-web.py has packed, with models on it. A model stays in
// its Blob, of which only the pieces are read that the PC reads: a file of the visitor needs no memory here.
import { Fat32 } from "./fat32.mjs";

const READ_AHEAD_BYTES = 1 << 20;
const NOTHING = { at: 0, bytes: new Uint8Array(0) };

export class Disk {
    /** @param {ArrayBuffer} start  of the disk without models; copied
        @param {{name: string, blob: Blob}[]} models  the first one boots; any other without room is left out
        @param {(error: Error) => void} on_error  a model cannot be read any more; the PC waits for it in vain */
    constructor(start, models, on_error) {
        this.start = new Uint8Array(start.slice(0));
        this.on_error = on_error;
        const volume = new Fat32(this.start);
        this.files = [];
        for (const { name, blob } of models) {
            if (this.files.length === 0 || volume.refusal(name, blob.size) === null) {
                this.files.push({ name, blob, at: volume.add(name, blob.size), ahead: NOTHING });
            }
        }
        this.byteLength = volume.disk_bytes;
    }

    /** Reads a file from `from` on: up to `end`, and further. */
    async read_ahead(file, from, end) {
        try {
            const piece = file.blob.slice(from, Math.max(end, from + READ_AHEAD_BYTES));
            file.ahead = { at: from, bytes: new Uint8Array(await piece.arrayBuffer()) };
        } catch (error) {
            throw new Error(`${file.name} cannot be read any more: ${error.message}`, { cause: error });
        }
    }

    /** Fills `bytes` with the disk from `at` on. Returns null, or the promise of something that must be read first. */
    fill(bytes, at) {
        bytes.set(this.start.subarray(at, at + bytes.length));
        for (const file of this.files) {
            const from = Math.max(at - file.at, 0), end = Math.min(at + bytes.length - file.at, file.blob.size);
            const ahead = file.ahead;
            if (from < end && (from < ahead.at || end > ahead.at + ahead.bytes.length)) {
                return this.read_ahead(file, from, end);
            }
            if (from < end) {
                bytes.set(ahead.bytes.subarray(from - ahead.at, end - ahead.at), file.at + from - at);
            }
        }
        return null;
    }

    // ---- What v86 wants of a disk (SyncBuffer in its src/buffer.js) ----

    load() {
        this.onload({});
    }

    get(at, length, done) {
        const bytes = new Uint8Array(length);
        const again = () => {
            const missing = this.fill(bytes, at);
            if (missing === null) {
                done(bytes);
            } else {
                missing.then(again).catch(this.on_error);
            }
        };
        again();
    }

    /** v86 asks for sector 0, which get_from_cache then has: it takes the geometry from its partition table. */
    get_and_cache(at, length, done) {
        this.get(at, length, done);
    }

    get_from_cache(at, length) {
        return this.start.subarray(at, at + length);
    }

    /** bootllama writes nothing. */
    set() {
        this.on_error(new Error("the disk is write-protected"));
    }

    get_state() {
        return [];
    }

    set_state() {
    }
}
