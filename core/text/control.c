/* Tokens known by their text (control.h). */
#include "text/control.h"

#include "base/memory.h"
#include "base/text.h"

/* What a token ends: part of what fills a gap in code (enum gguf_end), all that is generated, or nothing. */
enum { ALL = GGUF_ENDS, NOTHING };

static const struct {
    char text[28];
    uint8_t end;
} control[] = {
    {"<|eot_id|>", ALL},
    {"<|eom_id|>", ALL},
    {"<|im_end|>", ALL},
    {"<|end|>", ALL},
    {"<|return|>", ALL},
    {"<|call|>", ALL},
    {"<|calls|>", ALL},
    {"<|flush|>", ALL},
    {"<end_of_turn>", ALL},
    {"<|endoftext|>", ALL},
    {"<|end_of_text|>", ALL},
    {"<end_of_utterance>", ALL},
    {"</s>", ALL},
    {"<eos>", ALL},
    {"<EOT>", ALL},
    {"_<EOT>", ALL},
    {"[EOT]", ALL},
    {"[EOS]", ALL},
    {"[e~[", ALL},
    {"<turn|>", ALL},
    {"<|tool_response>", ALL},
    {"<\uFF5Cend\u2581of\u2581sentence\uFF5C>", ALL},
    {"<|fim_pad|>", GGUF_END_PADDING},
    {"<fim-pad>", GGUF_END_PADDING},
    {"<fim_pad>", GGUF_END_PADDING},
    {"<PAD>", GGUF_END_PADDING},
    {"[PAD]", GGUF_END_PADDING},
    {"<|fim_repo|>", GGUF_END_REPOSITORY},
    {"<|repo_name|>", GGUF_END_REPOSITORY},
    {"<fim-repo>", GGUF_END_REPOSITORY},
    {"<REPO>", GGUF_END_REPOSITORY},
    {"<reponame>", GGUF_END_REPOSITORY},
    {"<|file_sep|>", GGUF_END_FILE},
    {"<|fim_prefix|>", NOTHING},
    {"<fim-prefix>", NOTHING},
    {"<fim_prefix>", NOTHING},
    {"<PRE>", NOTHING},
    {"\u2581<PRE>", NOTHING},
    {"<|code_prefix|>", NOTHING},
    {"<|prefix|>", NOTHING},
    {"<|fim_suffix|>", NOTHING},
    {"<fim-suffix>", NOTHING},
    {"<fim_suffix>", NOTHING},
    {"<SUF>", NOTHING},
    {"\u2581<SUF>", NOTHING},
    {"<|code_suffix|>", NOTHING},
    {"<|suffix|>", NOTHING},
    {"<|fim_middle|>", NOTHING},
    {"<fim-middle>", NOTHING},
    {"<fim_middle>", NOTHING},
    {"<MID>", NOTHING},
    {"\u2581<MID>", NOTHING},
    {"<|code_middle|>", NOTHING},
    {"<|middle|>", NOTHING},
    {"<\uFF5Cfim\u2581begin\uFF5C>", NOTHING},
    {"<\uFF5Cfim\u2581hole\uFF5C>", NOTHING},
    {"<\uFF5Cfim\u2581end\uFF5C>", NOTHING},
};
static const char user[][14] = {"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"};

static bool is(const char *name, const uint8_t *text, size_t n)
{
    return text_length(name) == n && memcmp(name, text, n) == 0;
}

uint8_t control_type(const uint8_t *text, size_t n, uint8_t type)
{
    if (n < 4 || (text[0] != '<' && text[0] != '[' && text[0] != '_' && text[0] != 0xE2)) {
        return type;
    }
    for (size_t i = 0; i < sizeof control / sizeof control[0]; i++) {
        if (is(control[i].text, text, n)) {
            return GGUF_TOKEN_CONTROL;
        }
    }
    for (size_t i = 0; i < sizeof user / sizeof user[0]; i++) {
        if (is(user[i], text, n)) {
            return GGUF_TOKEN_USER;
        }
    }
    return type;
}

/* ---- Where a model's text ends ---- */

static int32_t find_text(const struct tokenizer *tokenizer, const char *text)
{
    return tokenizer_find(tokenizer, (const uint8_t *)text, text_length(text));
}

static void add_end(struct tokenizer *tokenizer, int32_t id)
{
    if (id != GGUF_NO_TOKEN && !tokenizer_is_end(tokenizer, id) && tokenizer->end_count < TOKENIZER_ENDS_MAX) {
        tokenizer->end[tokenizer->end_count++] = id;
    }
}

static bool is_end_text(const struct tokenizer *tokenizer, const char *text)
{
    return tokenizer_is_end(tokenizer, find_text(tokenizer, text));
}

static void remove_end(struct tokenizer *tokenizer, const char *text)
{
    const int32_t id = find_text(tokenizer, text);
    for (uint32_t i = 0; i < tokenizer->end_count; i++) {
        if (tokenizer->end[i] == id) {
            tokenizer->end[i] = tokenizer->end[--tokenizer->end_count];
        }
    }
}

void control_find_ends(struct tokenizer *tokenizer, const struct gguf *gguf)
{
    int32_t own[GGUF_ENDS];
    memcpy(own, gguf->end, sizeof gguf->end);
    tokenizer->end_count = 0;
    add_end(tokenizer, tokenizer->eos);
    for (size_t i = 0; i < sizeof control / sizeof control[0]; i++) {
        const int32_t id = find_text(tokenizer, control[i].text);
        if (control[i].end == ALL) {
            add_end(tokenizer, id);
        } else if (control[i].end < ALL && own[control[i].end] == GGUF_NO_TOKEN) {
            own[control[i].end] = id;
        }
    }
    for (uint32_t i = 0; i < GGUF_ENDS; i++) {
        add_end(tokenizer, own[i]);
    }
    /* In the formats of gpt-oss and Solar "<|end|>" ends only a part of an answer, in Gemma 4's "</s>" nothing. */
    const bool calls = is_end_text(tokenizer, "<|call|>") || is_end_text(tokenizer, "<|calls|>");
    if (calls && (is_end_text(tokenizer, "<|return|>") || is_end_text(tokenizer, "<|flush|>"))) {
        remove_end(tokenizer, "<|end|>");
    }
    if (is_end_text(tokenizer, "<|tool_response>")) {
        remove_end(tokenizer, "</s>");
    }
}
