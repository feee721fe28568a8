// Drives Debian's Chromium for the tests: browser.mjs CHROMIUM PROFILE. Each line of standard input is a command in
// JSON, ["open", "http://..."]; each gets one line of answer, {"value": ...} or {"error": "..."}.
import { createInterface } from "node:readline";

const [, , executablePath, userDataDir] = process.argv;
const library = `${process.env.NODE_MODULES}/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js`;
const { default: puppeteer } = await import(library);

const browser = await puppeteer.launch({
    executablePath, userDataDir, headless: true, protocolTimeout: 600_000,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
let context, page, complaints, requests;

/** A visitor who has never been here. */
async function begin(width = 1000, height = 900, isMobile = false) {
    await context?.close();
    context = await browser.createBrowserContext();
    page = await context.newPage();
    complaints = [];
    requests = [];
    page.on("pageerror", error => complaints.push(String(error)));
    page.on("console", message => message.type() === "error" && complaints.push(message.text()));
    page.on("request", request => requests.push(request.url()));
    await page.setViewport({ width, height, isMobile, hasTouch: isMobile, deviceScaleFactor: isMobile ? 2 : 1 });
}

/** Drops a file of this machine on the page. Scripts cannot read it, so an input of a file's kind fetches it first. */
async function drop(path, name) {
    const input = await page.evaluateHandle(() => Object.assign(document.createElement("input"), { type: "file" }));
    await input.uploadFile(path);
    await input.evaluate((node, name) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([node.files[0]], name));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }, name);
}

const commands = {
    begin,
    drop,
    goto: url => page.goto(url).then(answer => answer.status()),
    reload: () => page.reload().then(answer => answer.status()),
    evaluate: text => page.evaluate(text),
    until: text => page.waitForFunction(text, { timeout: 60_000 }).then(() => null), // also of the next page
    click: selector => page.click(selector),
    tap: selector => page.tap(selector),
    choose: (selector, value) => page.select(selector, value),
    upload: (selector, path) => page.$(selector).then(input => input.uploadFile(path)),
    type: (selector, text) => page.type(selector, text),
    press: key => page.keyboard.press(key),
    chord: async (held, key) => {
        await page.keyboard.down(held);
        await page.keyboard.press(key);
        await page.keyboard.up(held);
    },
    keys: text => page.keyboard.type(text),
    screenshot: (path, options) => page.screenshot({ path, ...options }),
    complaints: () => complaints,
    requests: () => requests,
};

for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...parameters] = JSON.parse(line);
    try {
        console.log(JSON.stringify({ value: await commands[name](...parameters) ?? null }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error) }));
    }
}
await browser.close();
