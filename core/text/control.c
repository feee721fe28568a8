/* Tokens known by their text (control.h). */
#include "text/control.h"

#include "base/memory.h"
#include "base/text.h"
#include "gguf/gguf.h"

static const struct {
    char text[28];
    uint8_t ends;
} control[] = {
    {"<|eot_id|>", CONTROL_ENDS_ALL},
    {"<|eom_id|>", CONTROL_ENDS_ALL},
    {"<|im_end|>", CONTROL_ENDS_ALL},
    {"<|end|>", CONTROL_ENDS_ALL},
    {"<|return|>", CONTROL_ENDS_ALL},
    {"<|call|>", CONTROL_ENDS_ALL},
    {"<|calls|>", CONTROL_ENDS_ALL},
    {"<|flush|>", CONTROL_ENDS_ALL},
    {"<end_of_turn>", CONTROL_ENDS_ALL},
    {"<|endoftext|>", CONTROL_ENDS_ALL},
    {"<|end_of_text|>", CONTROL_ENDS_ALL},
    {"<end_of_utterance>", CONTROL_ENDS_ALL},
    {"</s>", CONTROL_ENDS_ALL},
    {"<eos>", CONTROL_ENDS_ALL},
    {"<EOT>", CONTROL_ENDS_ALL},
    {"_<EOT>", CONTROL_ENDS_ALL},
    {"[EOT]", CONTROL_ENDS_ALL},
    {"[EOS]", CONTROL_ENDS_ALL},
    {"[e~[", CONTROL_ENDS_ALL},
    {"<turn|>", CONTROL_ENDS_ALL},
    {"<|tool_response>", CONTROL_ENDS_ALL},
    {"<\uFF5Cend\u2581of\u2581sentence\uFF5C>", CONTROL_ENDS_ALL},
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
    {"<|fim_prefix|>", CONTROL_ENDS_NOTHING},
    {"<fim-prefix>", CONTROL_ENDS_NOTHING},
    {"<fim_prefix>", CONTROL_ENDS_NOTHING},
    {"<PRE>", CONTROL_ENDS_NOTHING},
    {"\u2581<PRE>", CONTROL_ENDS_NOTHING},
    {"<|code_prefix|>", CONTROL_ENDS_NOTHING},
    {"<|prefix|>", CONTROL_ENDS_NOTHING},
    {"<|fim_suffix|>", CONTROL_ENDS_NOTHING},
    {"<fim-suffix>", CONTROL_ENDS_NOTHING},
    {"<fim_suffix>", CONTROL_ENDS_NOTHING},
    {"<SUF>", CONTROL_ENDS_NOTHING},
    {"\u2581<SUF>", CONTROL_ENDS_NOTHING},
    {"<|code_suffix|>", CONTROL_ENDS_NOTHING},
    {"<|suffix|>", CONTROL_ENDS_NOTHING},
    {"<|fim_middle|>", CONTROL_ENDS_NOTHING},
    {"<fim-middle>", CONTROL_ENDS_NOTHING},
    {"<fim_middle>", CONTROL_ENDS_NOTHING},
    {"<MID>", CONTROL_ENDS_NOTHING},
    {"\u2581<MID>", CONTROL_ENDS_NOTHING},
    {"<|code_middle|>", CONTROL_ENDS_NOTHING},
    {"<|middle|>", CONTROL_ENDS_NOTHING},
    {"<\uFF5Cfim\u2581begin\uFF5C>", CONTROL_ENDS_NOTHING},
    {"<\uFF5Cfim\u2581hole\uFF5C>", CONTROL_ENDS_NOTHING},
    {"<\uFF5Cfim\u2581end\uFF5C>", CONTROL_ENDS_NOTHING},
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

const char *control_text(uint32_t index, uint8_t *ends)
{
    if (index >= sizeof control / sizeof control[0]) {
        return NULL;
    }
    *ends = control[index].ends;
    return control[index].text;
}
