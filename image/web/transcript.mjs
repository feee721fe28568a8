// What the PC writes on its serial port, as text for people who do not see its screen, or a small one. The port sends
// UTF-8 with the escape sequences of a terminal: colours, and line editing, which moves the cursor.

const COLUMNS = 79; // a line of the screen at most: the PC breaks longer ones at a space
const PAUSE_MS = 1500;
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -Z\\^_])/g; // ECMA-48: control sequences and two-character escapes
const INCOMPLETE = /\x1b(?:\[[0-?]*[ -/]*)?$/;
const PROMPT = /^> /;

/** A line without escape sequences, with backspaces and carriage returns carried out. */
export function plain(raw) {
    const line = [];
    let at = 0;
    for (const character of raw.replace(INCOMPLETE, "").replace(SEQUENCE, "")) {
        if (character === "\r") {
            at = 0;
        } else if (character === "\b") {
            at = Math.max(0, at - 1);
        } else if (character >= " ") {
            line[at++] = character;
        }
    }
    return line.join("").trimEnd();
}

export class Transcript {
    /** @param {(text: string, how: "new" | "append" | "replace") => void} say  gets text once it is whole: a line that
            has ended, or that has grown for a while, as in a slow story. It is a new line, goes on where the text
            before it ended, or stands in its place, as a progress bar does. */
    constructor(say) {
        this.say = say;
        this.timer = 0;
        this.begin();
    }

    /** The PC is switched on. */
    begin() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.decoder = new TextDecoder();
        this.raw = ""; // of the line that has not ended
        this.said = ""; // of it
        this.before = ""; // the line that ended last
        /** Whether a story has begun, or the prompt has been shown: from then on a line can be typed. */
        this.is_ready = false;
    }

    /** One byte of the serial port. */
    byte(value) {
        if (value === 0x0A) {
            this.end_line();
            return;
        }
        this.raw += this.decoder.decode(Uint8Array.of(value), { stream: true });
        this.is_ready ||= PROMPT.test(this.raw);
        this.timer ||= setTimeout(() => this.flush(plain(this.raw)), PAUSE_MS);
    }

    /** An empty line comes before each story. */
    end_line() {
        const line = plain(this.raw);
        this.flush(line);
        this.raw = this.said = "";
        this.before = line;
        this.is_ready ||= line === "";
    }

    flush(line) {
        clearTimeout(this.timer);
        this.timer = 0;
        const grows = this.said !== "" && line.startsWith(this.said);
        const text = grows ? line.slice(this.said.length) : this.goes_on(line) ? ` ${line}` : line;
        if (text !== "") {
            this.say(text, grows || text !== line ? "append" : this.said !== "" ? "replace" : "new");
            this.said = line;
        }
    }

    /** Whether the line before this one was broken: this one's first word had no room there. */
    goes_on(line) {
        const word = line.match(/^\S*/)[0];
        return this.said === "" && this.before !== "" && word !== "" && this.before.length + 1 + word.length > COLUMNS;
    }
}
