// Keys of the browser as a serial terminal sends them. So a key gives the character that the visitor's own layout has
// there; scan codes of a PC's keyboard would make every keyboard an American one.

const NAMED = {
    Enter: "\r", Backspace: "\x7f", Tab: "\t", Escape: "\x1b", Delete: "\x1b[3~",
    ArrowUp: "\x1b[A", ArrowDown: "\x1b[B", ArrowRight: "\x1b[C", ArrowLeft: "\x1b[D", Home: "\x1b[H", End: "\x1b[F",
};
const IS_MAC = /^Mac/.test(navigator.platform); // whose Alt is what AltGr is elsewhere
const WITH_CONTROL = "aceku"; // that the PC knows, and a browser can spare

/** @param {KeyboardEvent} event
    @returns {?string} what to send; null where the key is the browser's own */
export function typed(event) {
    const alone = !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.isComposing || event.key === "Tab" && event.shiftKey) {
        return null;
    }
    if ([...event.key].length > 1) { // a name, not a character
        return alone ? NAMED[event.key] ?? null : null;
    }
    const third_level = event.getModifierState("AltGraph") || event.altKey && IS_MAC && !event.metaKey;
    if (alone || third_level) {
        return event.key;
    }
    const letter = event.key.toLowerCase();
    return event.ctrlKey && !event.altKey && WITH_CONTROL.includes(letter)
        ? String.fromCharCode(letter.charCodeAt(0) & 0x1F) : null;
}
