// Downloads what the PC is made of, all of it gzipped: a file server need not know about compression.

/** @param {{name: string, file: string, bytes: number}[]} list
    @param {(done: number, total: number) => void} progress  bytes of all files together
    @returns {Promise<Object<string, ArrayBuffer>>} by name */
export async function load_parts(list, progress) {
    const total = list.reduce((sum, part) => sum + part.bytes, 0);
    let done = 0;
    const count = () => new TransformStream({
        transform(chunk, controller) {
            progress(done += chunk.byteLength, total);
            controller.enqueue(chunk);
        },
    });
    const entries = await Promise.all(list.map(async ({ name, file }) => {
        const answer = await fetch(file).catch(() => {
            throw new Error(`${file} cannot be downloaded; is there a network?`);
        });
        if (!answer.ok) {
            throw new Error(`${file}: the server says ${answer.status}`);
        }
        const unpacked = answer.body.pipeThrough(count()).pipeThrough(new DecompressionStream("gzip"));
        return [name, await new Response(unpacked).arrayBuffer()];
    }));
    return Object.fromEntries(entries);
}
