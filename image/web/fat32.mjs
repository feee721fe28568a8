// Adds files to \MODELS of the disk that make-image.sh lays out without models: an MBR, one FAT32 partition whose
// clusters after the last file are free. Source of the format: Microsoft's FAT specification 1.03. Offsets of an MBR's
// entry, the BPB, FSInfo and a directory's slot are written as numbers, as it lists them.

const SECTOR = 512;
const SLOT = 32;
const FOLDER = "MODELS     "; // as a short name
const LONG_NAME_UNITS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]; // where a slot has its UTF-16 units
const NAME_UNITS_MAX = 255;
const FILES_MAX = 9; // short names have one digit
const END_OF_CHAIN = 0x0FFFFFFF;
const DATE = 1 << 5 | 1; // 1980-01-01
const ATTRIBUTE = { long_name: 0x0F, archive: 0x20 };

const units_of = name => Array.from(name.slice(0, NAME_UNITS_MAX).split(""), unit => unit.charCodeAt(0));
const pieces_of = units => Math.ceil(units.length / LONG_NAME_UNITS.length);
const ascii = text => Uint8Array.from(text, character => character.charCodeAt(0));

export class Fat32 {
    /** @param {Uint8Array} start  of the disk, up to the end of its last file; changed by add()
        The rest of the disk is zeros. */
    constructor(start) {
        this.view = new DataView(start.buffer, start.byteOffset, start.byteLength);
        const lba = this.view.getUint32(446 + 8, true), bpb = lba * SECTOR;
        /** Bytes of the whole disk: up to the end of its partition. */
        this.disk_bytes = (lba + this.view.getUint32(446 + 12, true)) * SECTOR;
        this.cluster_bytes = this.view.getUint8(bpb + 13) * SECTOR;
        this.fat = bpb + this.view.getUint16(bpb + 14, true) * SECTOR;
        this.fats = this.view.getUint8(bpb + 16);
        this.fat_bytes = this.view.getUint32(bpb + 36, true) * SECTOR;
        this.data = this.fat + this.fats * this.fat_bytes;
        const volume_end = bpb + this.view.getUint32(bpb + 32, true) * SECTOR;
        this.clusters_end = 2 + Math.floor((volume_end - this.data) / this.cluster_bytes);
        this.fs_info = bpb + this.view.getUint16(bpb + 48, true) * SECTOR;
        this.free = this.first_free();
        this.folder = this.find_folder(this.view.getUint32(bpb + 44, true));
        this.files = 0;
        this.slot = this.first_slot();
    }

    /** The cluster after the last one in use. */
    first_free() {
        let free = this.clusters_end;
        while (free > 2 && this.view.getUint32(this.fat + 4 * (free - 1), true) === 0) {
            free--;
        }
        return free;
    }

    /** Where a cluster is on the disk, in bytes. */
    address(cluster) {
        return this.data + (cluster - 2) * this.cluster_bytes;
    }

    /** Where the slots of \MODELS begin: in one cluster, which is enough for those of some models. */
    find_folder(root) {
        for (let at = this.address(root); this.view.getUint8(at) !== 0; at += SLOT) {
            if (ascii(FOLDER).every((byte, i) => this.view.getUint8(at + i) === byte)) {
                return this.address(this.view.getUint16(at + 20, true) << 16 | this.view.getUint16(at + 26, true));
            }
        }
        throw new Error("the disk has no folder MODELS");
    }

    /** Where the first free slot of \MODELS is. */
    first_slot() {
        let at = this.folder;
        while (this.view.getUint8(at) !== 0) {
            at += SLOT;
        }
        return at;
    }

    /** Why a file of this name and so many bytes cannot be added, or null. */
    refusal(name, bytes) {
        if (this.free + Math.ceil(bytes / this.cluster_bytes) > this.clusters_end) {
            return "the disk has no room for it";
        }
        const slots = pieces_of(units_of(name)) + 1, end_of_folder = 1;
        const is_full = this.slot + (slots + end_of_folder) * SLOT > this.folder + this.cluster_bytes;
        return is_full || this.files === FILES_MAX ? "the folder MODELS is full" : null;
    }

    /** Adds a file of so many bytes (not 0), in one piece. Returns where its first byte is on the disk. */
    add(name, bytes) {
        const refusal = this.refusal(name, bytes);
        if (refusal !== null) {
            throw new Error(refusal);
        }
        const first = this.free, count = Math.ceil(bytes / this.cluster_bytes);
        const address = this.address(first);
        this.add_slots(name, first, bytes);
        for (let cluster = first; cluster < first + count; cluster++) {
            this.set_fat(cluster, cluster + 1 < first + count ? cluster + 1 : END_OF_CHAIN);
        }
        this.free += count;
        this.view.setUint32(this.fs_info + 488, this.clusters_end - this.free, true);
        this.view.setUint32(this.fs_info + 492, this.free, true);
        return address;
    }

    set_fat(cluster, value) {
        for (let number = 0; number < this.fats; number++) {
            this.view.setUint32(this.fat + number * this.fat_bytes + 4 * cluster, value, true);
        }
    }

    /** The slots of the long name, its last piece first, and that of the short one. */
    add_slots(name, cluster, bytes) {
        const units = units_of(name), pieces = pieces_of(units);
        const short_name = ascii(`MODEL~${++this.files} GGU`.padEnd(11));
        let at = this.slot;
        for (let piece = pieces; piece > 0; piece--, at += SLOT) {
            this.set_long_name(at, piece, pieces, units, short_name);
        }
        short_name.forEach((byte, i) => this.view.setUint8(at + i, byte));
        this.view.setUint8(at + 11, ATTRIBUTE.archive);
        for (const date of [16, 18, 24]) { // of creation, last access, last change
            this.view.setUint16(at + date, DATE, true);
        }
        this.view.setUint16(at + 20, cluster >>> 16, true);
        this.view.setUint16(at + 26, cluster & 0xFFFF, true);
        this.view.setUint32(at + 28, bytes, true);
        this.slot = at + SLOT;
    }

    /** One slot of a long name: a NUL ends it, FFFFh fills the rest. */
    set_long_name(at, piece, pieces, units, short_name) {
        this.view.setUint8(at, piece === pieces ? piece | 0x40 : piece);
        this.view.setUint8(at + 11, ATTRIBUTE.long_name);
        this.view.setUint8(at + 13, short_name.reduce((sum, byte) => ((sum >> 1 | sum << 7) + byte) & 0xFF, 0));
        LONG_NAME_UNITS.forEach((place, i) => {
            const number = (piece - 1) * LONG_NAME_UNITS.length + i;
            const unit = number < units.length ? units[number] : number === units.length ? 0 : 0xFFFF;
            this.view.setUint16(at + place, unit, true);
        });
    }
}
