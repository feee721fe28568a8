#include "text/chat.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"

#define END_OF_SENTENCE "<\uFF5Cend\u2581of\u2581sentence\uFF5C>"

enum { INSIDE = 1, TRIM = 2 }; /* the system message stands within the first turn; chat.strip */

/* clang-format off */
/*
 * The families, in llama.cpp's order; the first match wins. "" as a mark is in every template. An answer is closed as
 * llama.cpp closes it, if at all. The names are llama.cpp's; a file may hold one in place of a template. The tokenizer
 * adds BOS at the very start (add_bos).
 */
static const struct family {
    const char *name, *mark[3];
    const char *begin, *before, *after; /* struct chat */
    const char *prefix, *suffix, *stop, *end;
    uint32_t flags;
} families[] = {
    {"phi4", {"<|im_start|>", "<|im_sep|>", ""}, "", "<|im_start|>system<|im_sep|>", "<|im_end|>",
     "<|im_start|>user<|im_sep|>", "<|im_end|><|im_start|>assistant<|im_sep|>", "<|im_end|>", "<|im_end|>", 0},
    {"smolvlm", {"<|im_start|>", "<end_of_utterance>", ""}, "<|im_start|>", "", "\n\n",
     "User: ", "<end_of_utterance>\nAssistant:", "<end_of_utterance>", "<end_of_utterance>\n", 0},
    /* Qwen, SmolLM2, OpenHermes, Yi */
    {"chatml", {"<|im_start|>", "", ""}, "", "<|im_start|>system\n", "<|im_end|>\n",
     "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", "<|im_end|>\n", 0},
    {"mistral-v7", {"[INST]", "[SYSTEM_PROMPT]", ""}, "", "[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]",
     "[INST] ", "[/INST]", "", "</s>", 0},
    {"mistral-v1", {"' [INST] ' + system_message", "", ""}, "", "", "\n\n",
     " [INST] ", " [/INST]", "", "</s>", INSIDE},
    {"", {"[AVAILABLE_TOOLS]", " [INST]", ""}, "", "", "\n\n", " [INST] ", " [/INST]", "", "</s>", INSIDE},
    {"mistral-v3-tekken", {"[INST]", "[AVAILABLE_TOOLS]", "\"[INST]\""}, "", "", "\n\n",
     "[INST]", "[/INST]", "", "</s>", INSIDE},
    {"mistral-v3", {"[INST]", "[AVAILABLE_TOOLS]", ""}, "", "", "\n\n", "[INST] ", "[/INST]", "", "</s>", INSIDE},
    /* Llama 2; the last one is also that of Mistral's first models */
    {"llama2-sys-strip", {"[INST]", "content.strip()", ""}, "", "<<SYS>>\n", "\n<</SYS>>\n\n",
     "[INST] ", " [/INST]", "", "</s>", INSIDE | TRIM},
    {"llama2-sys-bos", {"[INST]", "bos_token + '[INST]", ""}, "", "<<SYS>>\n", "\n<</SYS>>\n\n",
     "[INST] ", " [/INST]", "", "</s><s>", INSIDE},
    {"llama2-sys", {"[INST]", "<<SYS>>", ""}, "", "<<SYS>>\n", "\n<</SYS>>\n\n",
     "[INST] ", " [/INST]", "", "</s>", INSIDE},
    {"llama2", {"[INST]", "", ""}, "", "", "\n", "[INST] ", " [/INST]", "", "</s>", INSIDE},
    {"phi3", {"<|assistant|>", "<|end|>", ""}, "", "<|system|>\n", "<|end|>\n",
     "<|user|>\n", "<|end|>\n<|assistant|>\n", "<|end|>", "<|end|>\n", 0},
    {"chatglm4", {"[gMASK]<sop>", "", ""}, "[gMASK]<sop>", "<|system|>\n", "",
     "<|user|>\n", "<|assistant|>\n", "<|user|>", "", 0},
    {"zephyr", {"<|user|>", "<|endoftext|>", ""}, "", "<|system|>\n", "<|endoftext|>\n",
     "<|user|>\n", "<|endoftext|>\n<|assistant|>\n", "", "<|endoftext|>\n", 0},
    {"falcon3", {"<|assistant|>", "<|user|>", "['content'] + '\\n'"}, "", "<|system|>\n", "\n",
     "<|user|>\n", "\n<|assistant|>\n", "", "\n", 0},
    /* Zephyr itself and TinyLlama. llama.cpp takes them for the two around this one, which leave </s> out; their
       templates write it, and its own programs run those. */
    {"", {"<|assistant|>", "<|user|>", "eos_token"}, "", "<|system|>\n", "</s>\n",
     "<|user|>\n", "</s>\n<|assistant|>\n", "", "</s>\n", 0},
    {"", {"<|assistant|>", "<|user|>", "</s>"}, "", "<|system|>\n", "\n",
     "<|user|>\n", "\n<|assistant|>\n", "", "\n", 0}, /* falcon3 */
    {"glmedge", {"<|assistant|>", "<|user|>", ""}, "", "<|system|>\n", "",
     "<|user|>\n", "<|assistant|>", "<|user|>", "", 0},
    {"monarch", {"bos_token + message['role']", "", ""}, "", "system\n", "</s>\n<s>",
     "user\n", "</s>\n<s>assistant\n", "", "</s>\n<s>", 0},
    {"gemma", {"<start_of_turn>", "", ""}, "", "", "\n\n", "<start_of_turn>user\n",
     "<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>", "<end_of_turn>\n", INSIDE | TRIM},
    {"orion", {"'\\n\\nAssistant: ' + eos_token", "", ""}, "", "", "\n\n",
     "Human: ", "\n\nAssistant: </s>", "", "</s>", INSIDE},
    {"openchat", {"GPT4 Correct ", "", ""}, "", "", "<|end_of_turn|>",
     "GPT4 Correct User: ", "<|end_of_turn|>GPT4 Correct Assistant:", "<|end_of_turn|>", "<|end_of_turn|>", 0},
    {"vicuna-orca", {"USER: ", "ASSISTANT: ", "SYSTEM: "}, "", "SYSTEM: ", "\n",
     "USER: ", "\nASSISTANT:", "", "</s>\n", 0},
    {"vicuna", {"USER: ", "ASSISTANT: ", ""}, "", "", "\n\n", "USER: ", "\nASSISTANT:", "", "</s>\n", 0},
    /* DeepSeek Coder: the model itself writes the new line before <|EOT|> */
    {"deepseek", {"### Instruction:", "<|EOT|>", ""}, "", "", "",
     "### Instruction:\n", "\n### Response:\n", "<|EOT|>", "<|EOT|>\n", 0},
    {"command-r", {"<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", ""}, "",
     "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
     "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>",
     TRIM},
    /* Without the header that gives Llama 3.1's own template the date: llama.cpp leaves it out, too. */
    {"llama3", {"<|start_header_id|>", "<|end_header_id|>", ""}, "",
     "<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>", "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", "<|eot_id|>", TRIM},
    {"chatglm3", {"[gMASK]sop", "", ""}, "[gMASK]sop", "<|system|>\n ", "",
     "<|user|>\n ", "<|assistant|>", "<|user|>", "", 0},
    {"minicpm", {"<\u7528\u6237>", "", ""}, "", "", "", "<\u7528\u6237>", "<AI>", "", "", TRIM},
    {"deepseek2", {"'Assistant: ' + message['content'] + eos_token", "", ""}, "", "", "\n\n",
     "User: ", "\n\nAssistant:", END_OF_SENTENCE, END_OF_SENTENCE, 0},
    {"deepseek3", {"<\uFF5CAssistant\uFF5C>", "<\uFF5CUser\uFF5C>", END_OF_SENTENCE}, "", "", "\n\n",
     "<\uFF5CUser\uFF5C>", "<\uFF5CAssistant\uFF5C>", END_OF_SENTENCE, END_OF_SENTENCE, 0},
    {"exaone3", {"[|system|]", "[|assistant|]", "[|endofturn|]"}, "", "[|system|]", "[|endofturn|]\n",
     "[|user|]", "\n[|assistant|]", "[|endofturn|]", "[|endofturn|]\n", TRIM},
    {"granite", {"<|start_of_role|>", "", ""}, "", "<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n",
     "<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>", "",
     "<|end_of_text|>\n", 0},
    {"gigachat", {"message['role'] + additional_special_tokens[0] + message['content'] + additional_special_tokens[1]",
                  "", ""}, "<s>", "", "<|message_sep|>", "user<|role_sep|>",
     "<|message_sep|>available functions<|role_sep|>[]<|message_sep|>assistant<|role_sep|>", "<|message_sep|>",
     "<|message_sep|>", 0},
    {"megrez", {"<|role_start|>", "", ""}, "", "<|role_start|>system<|role_end|>", "<|turn_end|>",
     "<|role_start|>user<|role_end|>", "<|turn_end|><|role_start|>assistant<|role_end|>", "<|turn_end|>",
     "<|turn_end|>", 0},
    {"bailing", {"<role>ASSISTANT</role>", "'HUMAN'", ""}, "", "<role>SYSTEM</role>", "",
     "<role>HUMAN</role>", "<role>ASSISTANT</role>", "<role>", "", 0},
    {"llama4", {"<|header_start|>", "<|header_end|>", ""}, "", "<|header_start|>system<|header_end|>\n\n", "<|eot|>",
     "<|header_start|>user<|header_end|>\n\n", "<|eot|><|header_start|>assistant<|header_end|>\n\n", "<|eot|>",
     "<|eot|>", TRIM},
    /* Alpaca, which llama.cpp does not know */
    {"", {"### Instruction:", "### Response:", ""}, "", "", "\n\n",
     "### Instruction:\n", "\n\n### Response:\n", "### Instruction:", "</s>\n\n", 0},
};
/* clang-format on */

/* Returns where `mark` begins in text[from..n); n if absent. */
static size_t find(const char *text, size_t from, size_t n, const char *mark)
{
    const size_t length = text_length(mark);
    for (size_t i = from; i + length <= n; i++) {
        if (text[i] == mark[0] && memcmp(text + i, mark, length) == 0) {
            return i;
        }
    }
    return n;
}

static bool holds(const char *text, size_t n, const char *mark)
{
    return mark[0] == 0 || find(text, 0, n, mark) < n;
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

/* ---- Thinking ---- */

/* Whether the template drops the thinking of earlier answers. Those that do write content.split('</think>')[-1], and
   remove the new lines after it by .lstrip('\n') or .strip(). */
static void find_thinking(struct chat *chat, const char *jinja, size_t n)
{
    static const char *const marks[] = {"'</think>')[-1]", "\"</think>\")[-1]"};
    for (size_t i = 0; i < 2 && !chat->drop_thinking; i++) {
        const size_t at = find(jinja, 0, n, marks[i]) + text_length(marks[i]);
        chat->drop_thinking = at <= n;
        chat->drop_newlines = at < n && (jinja[at] == '.' || jinja[at] == '|');
    }
}

/* ---- Families ---- */

static bool is_of(const struct family *family, const char *jinja, size_t n)
{
    const size_t length = text_length(family->name);
    if (length > 0 && length == n && memcmp(family->name, jinja, n) == 0) {
        return true;
    }
    return holds(jinja, n, family->mark[0]) && holds(jinja, n, family->mark[1]) && holds(jinja, n, family->mark[2]);
}

bool chat_from_template(struct chat *chat, const char *jinja, size_t n)
{
    const struct family *family = families, *last = families + sizeof families / sizeof families[0];
    while (family < last && !is_of(family, jinja, n)) {
        family++;
    }
    if (family == last) {
        return false;
    }
    chat_from_texts(chat, family->prefix, family->suffix, family->stop);
    format(chat->end, sizeof chat->end, "%s", family->end);
    chat->close = false;
    chat->inside = (family->flags & INSIDE) != 0;
    chat->begin = family->begin;
    chat->before = family->before;
    chat->after = family->after;
    format(chat->opening, sizeof chat->opening, "%s", chat->begin);
    find_opening(chat, jinja, n);
    chat->strip = (family->flags & TRIM) != 0 || holds(jinja, n, ".strip()") || holds(jinja, n, "| trim") ||
                  holds(jinja, n, "|trim");
    find_thinking(chat, jinja, n);
    return true;
}

void chat_from_texts(struct chat *chat, const char *prefix, const char *suffix, const char *stop)
{
    *chat = (struct chat){.close = stop[0] == 0, .begin = "", .before = "", .after = ""};
    format(chat->prefix, sizeof chat->prefix, "%s", prefix);
    format(chat->suffix, sizeof chat->suffix, "%s", suffix);
    format(chat->stop, sizeof chat->stop, "%s", stop);
    format(chat->end, sizeof chat->end, "%s", stop);
}

void chat_set_system(struct chat *chat, const char *system)
{
    char text[CHAT_SYSTEM_MAX];
    size_t n = text_length(system);
    if (chat->strip) {
        chat_trim(&system, &n);
    }
    n = n < sizeof text ? n : sizeof text - 1;
    memcpy(text, system, n);
    text[n] = 0;
    format(chat->opening, sizeof chat->opening, "%s%s%s%s", chat->begin, chat->before, text, chat->after);
}

/* ---- White space and escapes ---- */

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void chat_trim(const char **text, size_t *n)
{
    for (; *n > 0 && is_white((*text)[0]); --*n) {
        ++*text;
    }
    while (*n > 0 && is_white((*text)[*n - 1])) {
        --*n;
    }
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
