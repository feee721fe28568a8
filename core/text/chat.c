#include "text/chat.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"

/*
 * The families; the first match wins. Each is six texts: two marks that the template contains ("" = none), prefix,
 * suffix, stop and end. The tokenizer adds BOS at the very start (add_bos).
 */
static const char families[] =
    /* ChatML: OpenHermes, TinyLlama before 1.0, Yi */
    "<|im_start|>\0" "\0" "<|im_start|>user\n\0" "<|im_end|>\n<|im_start|>assistant\n\0" "<|im_end|>\0" "<|im_end|>\n\0"
    /* Mistral by tokenizer version: 7, 1 (recognised in two ways), 3 for Tekken, 3 */
    "[SYSTEM_PROMPT]\0" "[INST]\0" "[INST] \0" "[/INST]\0" "\0" "</s>\0"
    "' [INST] ' + system_message\0" "\0" " [INST] \0" " [/INST]\0" "\0" "</s>\0"
    "[AVAILABLE_TOOLS]\0" " [INST]\0" " [INST] \0" " [/INST]\0" "\0" "</s>\0"
    "[AVAILABLE_TOOLS]\0" "\"[INST]\"\0" "[INST]\0" "[/INST]\0" "\0" "</s>\0"
    "[AVAILABLE_TOOLS]\0" "[INST]\0" "[INST] \0" "[/INST]\0" "\0" "</s>\0"
    /* Llama 2: a BOS for each turn, or one for all (also Mistral's first models) */
    "bos_token + '[INST]\0" "\0" "[INST] \0" " [/INST]\0" "\0" "</s><s>\0"
    "[INST]\0" "\0" "[INST] \0" " [/INST]\0" "\0" "</s>\0"
    /* Phi 3 */
    "<|assistant|>\0" "<|end|>\0" "<|user|>\n\0" "<|end|>\n<|assistant|>\n\0" "<|end|>\0" "<|end|>\n\0"
    /* Zephyr, TinyLlama-Chat 1.0 */
    "<|assistant|>\0" "\0" "<|user|>\n\0" "</s>\n<|assistant|>\n\0" "\0" "</s>\n\0"
    /* AlphaMonarch */
    "bos_token + message['role']\0" "\0" "user\n\0" "</s>\n<s>assistant\n\0" "\0" "</s>\n<s>\0"
    /* OpenChat */
    "GPT4 Correct \0" "\0" "GPT4 Correct User: \0" "<|end_of_turn|>GPT4 Correct Assistant:\0" "<|end_of_turn|>\0"
    "<|end_of_turn|>\0"
    /* Vicuna */
    "USER: \0" "ASSISTANT:\0" "USER: \0" "\nASSISTANT:\0" "\0" "</s>\n\0"
    /* DeepSeek Coder: the model itself writes the newline before <|EOT|> */
    "### Instruction:\0" "<|EOT|>\0" "### Instruction:\n\0" "\n### Response:\n\0" "<|EOT|>\0" "<|EOT|>\n\0"
    /* Alpaca */
    "### Instruction:\0" "### Response:\0" "### Instruction:\n\0" "\n\n### Response:\n\0" "### Instruction:\0"
    "</s>\n\n\0";

/* Returns where `mark` begins in text[from..n); n if absent. */
static size_t find(const char *text, size_t from, size_t n, const char *mark)
{
    const size_t length = text_length(mark);
    for (size_t i = from; i + length <= n; i++) {
        if (memcmp(text + i, mark, length) == 0) {
            return i;
        }
    }
    return n;
}

static bool holds(const char *text, size_t n, const char *mark)
{
    return mark[0] == 0 || find(text, 0, n, mark) < n;
}

static const char *next_text(const char *text)
{
    return text + text_length(text) + 1;
}

/* ---- The system message that a template writes if the user gives none ---- */

/* Writes the Jinja string that begins with the quote at jinja[at] to out with a NUL, escapes resolved. Returns false if
   it does not end or does not fit. */
static bool read_string(const char *jinja, size_t at, size_t n, char out[CHAT_OPENING_MAX])
{
    static const char letters[] = "nt\\'\"", meanings[] = "\n\t\\'\"";
    size_t used = 0;
    for (size_t i = at + 1; i < n && used < CHAT_OPENING_MAX; i++) {
        char c = jinja[i];
        if (c == jinja[at]) {
            out[used] = 0;
            return true;
        }
        for (size_t k = 0; c == '\\' && i + 1 < n && letters[k] != 0; k++) {
            if (jinja[i + 1] == letters[k]) {
                c = meanings[k];
                i++;
                break;
            }
        }
        out[used++] = c;
    }
    return false;
}

/* Whether the tag before jinja[at] tests for tools; there are none here. */
static bool is_for_tools(const char *jinja, size_t at)
{
    enum { TAG_MAX = 1024 };
    size_t tag = at;
    while (tag > 0 && at - tag < TAG_MAX && !(jinja[tag - 1] == '{' && jinja[tag] == '%')) {
        tag--;
    }
    return find(jinja, tag, at, "tool") < at;
}

/* ChatML's families write it as one string, with its marks; DeepSeek Coder writes it in the branch for a missing system
   message. chat->opening stays empty if the template has no default. */
static void find_opening(struct chat *chat, const char *jinja, size_t n)
{
    static const char chatml[] = "<|im_start|>system", chatml_end[] = "<|im_end|>", not_found[] = "if not ns.found";
    char text[CHAT_OPENING_MAX];
    chat->opening[0] = 0;
    for (size_t at = 0; (at = find(jinja, at, n, chatml)) < n; at++) {
        const bool quoted = at > 0 && (jinja[at - 1] == '\'' || jinja[at - 1] == '"');
        if (quoted && !is_for_tools(jinja, at) && read_string(jinja, at - 1, n, text) &&
            holds(text, text_length(text), chatml_end)) {
            format(chat->opening, sizeof chat->opening, "%s", text);
            return;
        }
    }
    size_t at = find(jinja, find(jinja, 0, n, not_found), n, "{{");
    while (at < n && jinja[at] != '\'' && jinja[at] != '"') {
        at++;
    }
    if (at < n && read_string(jinja, at, n, text)) {
        format(chat->opening, sizeof chat->opening, "%s", text);
    }
}

/* ---- Families ---- */

bool chat_from_template(struct chat *chat, const char *jinja, size_t n)
{
    const char *end;
    for (const char *first = families; first[0] != 0; first = next_text(end)) {
        const char *second = next_text(first), *prefix = next_text(second), *suffix = next_text(prefix);
        const char *stop = next_text(suffix);
        end = next_text(stop);
        if (holds(jinja, n, first) && holds(jinja, n, second)) {
            chat_from_texts(chat, prefix, suffix, stop);
            format(chat->end, sizeof chat->end, "%s", end);
            find_opening(chat, jinja, n);
            chat->strip = holds(jinja, n, ".strip()") || holds(jinja, n, "| trim") || holds(jinja, n, "|trim");
            return true;
        }
    }
    return false;
}

void chat_from_texts(struct chat *chat, const char *prefix, const char *suffix, const char *stop)
{
    chat->opening[0] = 0;
    format(chat->prefix, sizeof chat->prefix, "%s", prefix);
    format(chat->suffix, sizeof chat->suffix, "%s", suffix);
    format(chat->stop, sizeof chat->stop, "%s", stop);
    format(chat->end, sizeof chat->end, "%s", stop);
    chat->strip = false;
}

bool chat_unescape(char *out, size_t size, const char *text, size_t n)
{
    static const char letters[] = "nts\\", meanings[] = "\n\t \\";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\\') {
            size_t which = 0;
            i++;
            while (letters[which] != 0 && (i >= n || letters[which] != text[i])) {
                which++;
            }
            c = meanings[which]; /* 0 if there is no such letter */
        }
        if (c == 0 || used + 1 >= size) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = 0;
    return size > 0;
}
