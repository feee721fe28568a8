// Runs llama.cpp on one model and answers questions about it, as JSON on stdin and stdout:
//   node llama_cpp.mjs NODE_MODULES MODEL.gguf
//   question  {"tokenize": [TEXT, ...], "greedy": [{"tokens": [ID, ...], "positions": N}, ...],
//              "logits": [[ID, ...], ...], "chats": [[{"role": ..., "content": ...}, ...], ...]}
//   answer    {"name": ..., "kind": TEXT, "tokenize": [[ID, ...], ...],
//              "greedy": [{"tokens": [ID, ...], "margins": [X, ...]}, ...],
//              "logits": [[[X, ...], ...], ...], "chats": [[ID, ...], ...]}
// Token lists begin with BOS. A greedy list goes on from its tokens up to N positions or to a generated BOS or EOS,
// which is not in it; margins[i] is the logarithm of how much likelier tokens[i] was than the next best (null for
// tokens that were given). A chat is written by the model's own template, with control tokens where it names them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, modelPath] = process.argv.slice(2);
const entry = join(modules, "node-llama-cpp", "dist", "index.js");
const { getLlama } = await import(pathToFileURL(entry));

async function greedy(context, model, { tokens, positions }) {
    const sequence = context.getSequence();
    const result = { tokens: [...tokens], margins: tokens.map(() => null) };
    try {
        const options = { temperature: 0, yieldEogToken: true };
        const stream = sequence.evaluateWithMetadata(tokens, { probabilities: true }, options);
        for await (const { token, probabilities } of stream) {
            if (token === model.tokens.bos || token === model.tokens.eos)
                break;
            const [best, next] = [...probabilities.values()].sort((a, b) => b - a);
            result.tokens.push(token);
            result.margins.push(Math.log(best / next));
            if (result.tokens.length >= positions)
                break;
        }
    } finally {
        sequence.dispose();
    }
    return result;
}

// The logits of all tokens after each one that is given.
async function logits(context, tokens) {
    const sequence = context.getSequence();
    try {
        const results = await sequence.controlledEvaluate(
            tokens.map((token) => [token, { generateNext: { logits: true } }]));
        return results.map(({ next }) => [...next.logits.entries()].sort((a, b) => a[0] - b[0]).map(([, x]) => x));
    } finally {
        sequence.dispose();
    }
}

// What the template writes, a program in Jinja, with BOS in front if it writes none.
function chat(model, Template, messages) {
    const text = new Template(model.fileInfo.metadata.tokenizer.chat_template).render({
        messages, add_generation_prompt: true, bos_token: model.tokens.bosString, eos_token: model.tokens.eosString,
    });
    const tokens = model.tokenize(text, true);
    const { bos } = model.tokens;
    return bos === null || tokens[0] === bos ? tokens : [bos, ...tokens];
}

const question = JSON.parse(readFileSync(0, "utf8"));
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: 1, logLevel: "warn" });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: model.trainContextSize, sequences: 1, threads: 1 });

const answer = { name: model.fileInfo.metadata.general.name, kind: model.typeDescription };
Object.assign(answer, { tokenize: [], greedy: [], logits: [], chats: [] });
for (const text of question.tokenize ?? [])
    answer.tokenize.push([model.tokens.bos, ...model.tokenize(text)]);
for (const request of question.greedy ?? [])
    answer.greedy.push(await greedy(context, model, request));
for (const tokens of question.logits ?? [])
    answer.logits.push(await logits(context, tokens));
if (question.chats) {
    const { Template } = await import(pathToFileURL(join(modules, "@huggingface", "jinja", "dist", "index.js")));
    for (const messages of question.chats)
        answer.chats.push(chat(model, Template, messages));
}

await new Promise((done) => process.stdout.write(JSON.stringify(answer), done));
await llama.dispose();
