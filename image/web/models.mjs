// The models that the PC can have on its disk: those of the page, and what the visitor brings.

const MAGIC = "GGUF"; // the first bytes of the file
const BYTES_MAX = 256e6;
const NAME_MAX = 80;
// What a name on a FAT volume cannot have, and a dot in front, which hides a file.
const FORBIDDEN = /[\x00-\x1f"*/:<>?\\|]|^\./g;
const EXTENSION = /\.gguf$/i;

/** "313 kB", "104 MB". */
export function size_text(bytes) {
    return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A file of the visitor as a model. Throws an error that says what to do where it cannot be one.
    @param {File} file
    @returns {Promise<{name: string, blob: Blob}>} */
export async function model_of(file) {
    let magic;
    try {
        magic = await file.slice(0, MAGIC.length).text();
    } catch {
        throw new Error(`${file.name} cannot be read. Drop a file, not a folder.`);
    }
    if (magic !== MAGIC) {
        throw new Error(`${file.name} is not a GGUF file. Drop a model of the Llama family in GGUF format.`);
    }
    if (file.size > BYTES_MAX) {
        throw new Error(`${file.name} has ${size_text(file.size)}. This page takes models of up to `
            + `${size_text(BYTES_MAX)}; a real PC takes larger ones.`);
    }
    const characters = [...file.name.replace(EXTENSION, "").replace(FORBIDDEN, "_")];
    const stem = characters.slice(0, NAME_MAX).join("") || "model";
    return { name: `${stem}.gguf`, blob: file };
}

/** The models of a disk that boots number `first`: it, then the others but those of its name.
    @param {{name: string, blob: Blob}[]} models */
export function order(models, first) {
    const same = model => model.name.toUpperCase() === models[first].name.toUpperCase();
    return [models[first], ...models.filter(model => !same(model))];
}
