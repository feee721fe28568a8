/* Tokens known by their text (control.h). */
#include "text/control.h"

#include "base/memory.h"
#include "base/text.h"
#include "gguf/gguf.h"

static const char control[][28] = {
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "</s>",
    "<eos>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "[e~[",
    "<turn|>",
    "<|tool_response>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81"
    "of\xE2\x96\x81"
    "sentence\xEF\xBD\x9C>",
    "<|fim_prefix|>",
    "<fim-prefix>",
    "<fim_prefix>",
    "<PRE>",
    "\xE2\x96\x81<PRE>",
    "<|code_prefix|>",
    "<|prefix|>",
    "<|fim_suffix|>",
    "<fim-suffix>",
    "<fim_suffix>",
    "<SUF>",
    "\xE2\x96\x81<SUF>",
    "<|code_suffix|>",
    "<|suffix|>",
    "<|fim_middle|>",
    "<fim-middle>",
    "<fim_middle>",
    "<MID>",
    "\xE2\x96\x81<MID>",
    "<|code_middle|>",
    "<|middle|>",
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "[PAD]",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81"
    "begin\xEF\xBD\x9C>",
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81"
    "hole\xEF\xBD\x9C>",
    "<\xEF\xBD\x9C"
    "fim\xE2\x96\x81"
    "end\xEF\xBD\x9C>",
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
        if (is(control[i], text, n)) {
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
