// The page: what a visitor clicks, types and drops, and what it does to the PC.
import { Disk } from "./disk.mjs";
import { typed } from "./keys.mjs";
import { list } from "./list.mjs";
import { Machine } from "./machine.mjs";
import { model_of, order, size_text } from "./models.mjs";
import { load_parts } from "./parts.mjs";
import { Transcript } from "./transcript.mjs";

const COLUMNS = 80;
const PARAGRAPHS_KEPT = 300; // of the transcript
const STOP = "\x03"; // Ctrl-C: unlike Esc it cannot be the beginning of a longer key

const element = id => document.getElementById(id);
const screen = element("screen");

function status(text, wrong = false) {
    element("status").textContent = text;
    element("status").classList.toggle("wrong", wrong);
}

// ---- What the PC says ----

const transcript = new Transcript((text, how) => {
    const log = element("transcript");
    if (how === "new" || !log.lastChild) {
        log.append(document.createElement("p"));
    }
    if (how === "replace") {
        log.lastChild.lastChild?.remove();
    }
    const piece = document.createElement("span");
    piece.textContent = text;
    log.lastChild.append(piece);
    while (log.childElementCount > PARAGRAPHS_KEPT) {
        log.firstChild.remove();
    }
    log.scrollTop = log.scrollHeight;
});

// ---- The screen: 80 characters fill its width ----

function fit_screen() {
    const probe = document.createElement("span");
    Object.assign(probe.style, { position: "absolute", visibility: "hidden", fontSize: "100px" });
    probe.textContent = "0".repeat(COLUMNS);
    screen.append(probe);
    const width = probe.getBoundingClientRect().width / 100;
    probe.remove();
    screen.style.setProperty("--cell", `${screen.clientWidth / width}px`);
}

// ---- The models ----

let models = list.models.map(({ name, size }) => ({ name, size }));

function show_models(chosen) {
    element("model").replaceChildren(...models.map(({ name, blob, size }, number) =>
        new Option(`${name} (${size_text(blob?.size ?? size)})`, number, false, number === chosen)));
}

/** Adds a file of the visitor to the disk, in place of one of the same name, and boots it. */
async function bring(files) {
    try {
        if (files.length !== 1) {
            throw new Error("Drop one file at a time.");
        }
        const model = await model_of(files[0]);
        models = order([model, ...models], 0);
        show_models(0);
    } catch (error) {
        status(error.message, true);
        return;
    }
    await switch_on();
}

// ---- The machine ----

let parts = null;
let machine = null;
let starts = 0; // the last one counts
let started = Promise.resolve();

async function download() {
    element("download").hidden = false;
    const loaded = await load_parts([...list.parts, ...list.models], (done, total) => {
        element("download").value = done / total;
        element("size").textContent = `${size_text(done)} of ${size_text(total)}`;
    });
    element("download").hidden = true;
    for (const model of models) {
        model.blob ??= new Blob([loaded[model.name]]);
    }
    return loaded;
}

async function start(number) {
    parts ??= await download();
    if (number !== starts) { // there is a later one
        return;
    }
    machine ??= new Machine(parts, screen, byte => transcript.byte(byte));
    const chosen = Number(element("model").value);
    const disk = new Disk(parts.disk, order(models, chosen), error => number === starts && fail(error));
    element("cover").hidden = true;
    element("pause").setAttribute("aria-pressed", "false");
    transcript.begin();
    await machine.start(disk);
    enable_controls(true);
    status(`The PC is on. First model on its disk: ${models[chosen].name}`);
    keep_offline();
}

/** Switches on, or off and on again, once the start before this one is done. */
function switch_on() {
    const number = ++starts;
    element("switch-on").disabled = true;
    if (!matchMedia("(pointer: coarse)").matches) {
        screen.focus({ preventScroll: true });
    }
    started = started.then(() => start(number)).catch(fail);
    return started;
}

function fail(error) {
    machine?.end();
    enable_controls(false);
    element("download").hidden = true;
    element("switch-on").disabled = false;
    element("cover").hidden = false;
    status(`The PC is off: ${error.message}`, true);
}

function enable_controls(on) {
    for (const control of document.querySelectorAll("main button:not(#switch-on)")) {
        control.disabled = !on;
    }
}

function keep_offline() {
    navigator.serviceWorker?.register("service-worker.js")
        .catch(error => status(`The page cannot be kept for use without a network: ${error.message}.`, true));
}

/** Stops the story that is told and types a line. Before the first story there is nothing to stop but the loading. */
function type_line(text) {
    machine?.type(`${transcript.is_ready ? STOP : ""}${text}\r`);
}

// ---- Buttons and the line ----

function on(id, event, action) {
    element(id).addEventListener(event, action);
}

on("switch-on", "click", switch_on);
on("restart", "click", switch_on);
on("stop", "click", () => machine?.type(STOP));
on("pause", "click", async ({ target }) => {
    const paused = target.getAttribute("aria-pressed") !== "true";
    target.setAttribute("aria-pressed", paused);
    await machine?.pause(paused);
    status(paused ? "The PC is paused." : "The PC is on.");
});
on("full-screen", "click", async () => {
    await element("pc").requestFullscreen();
    globalThis.screen.orientation?.lock?.("landscape").catch(() => {}); // a phone; others refuse
    screen.focus();
});
on("typing", "submit", event => {
    event.preventDefault();
    type_line(element("line").value);
    element("line").value = "";
});
on("prompts", "click", ({ target }) => target.matches("button") && type_line(target.textContent));

// ---- The screen as a keyboard ----

on("screen", "keydown", event => {
    const text = typed(event);
    if (text !== null && machine) {
        event.preventDefault();
        machine.type(text);
    }
});
on("screen", "paste", event => machine?.type(event.clipboardData.getData("text")));
// A finger on the screen wants a keyboard, which a browser shows for an input alone.
let pointer = "";
on("screen", "pointerdown", ({ pointerType }) => { pointer = pointerType; });
on("screen", "click", () => pointer === "touch" && element("line").focus());

// ---- Models ----

on("model", "change", () => machine && switch_on());
on("file", "change", ({ target }) => bring([...target.files]).then(() => { target.value = ""; }));
for (const event of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(event, drag => {
        drag.preventDefault();
        document.body.classList.toggle("dropping", event.startsWith("drage") || event === "dragover");
    });
}
addEventListener("drop", ({ dataTransfer }) => bring([...dataTransfer.files]));

// ---- At the beginning ----

new ResizeObserver(fit_screen).observe(screen);
show_models(0);
element("full-screen").hidden = !document.fullscreenEnabled; // as on an iPhone
element("size").textContent = `${size_text([...list.parts, ...list.models]
    .reduce((sum, part) => sum + part.bytes, 0))} to download, once`;
enable_controls(false);
element("switch-on").disabled = false;
