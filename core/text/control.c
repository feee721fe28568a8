/* Tokens known by their text (control.h). */
#include "text/control.h"

#include "base/memory.h"
#include "base/text.h"
#include "gguf/gguf.h"

/* Texts of control tokens by what they end; each has its NUL, an empty one follows the last. */
static const struct {
    const char *texts;
    uint8_t ends;
} lists[] = {
    {"<|eot_id|>\0"
     "<|eom_id|>\0"
     "<|im_end|>\0"
     "<|end|>\0"
     "<|return|>\0"
     "<|call|>\0"
     "<|calls|>\0"
     "<|flush|>\0"
     "<end_of_turn>\0"
     "<|endoftext|>\0"
     "<|end_of_text|>\0"
     "<end_of_utterance>\0"
     "</s>\0"
     "<eos>\0"
     "<EOT>\0"
     "_<EOT>\0"
     "[EOT]\0"
     "[EOS]\0"
     "[e~[\0"
     "<turn|>\0"
     "<|tool_response>\0"
     "<\uFF5Cend\u2581of\u2581sentence\uFF5C>\0",
     CONTROL_ENDS_ALL},
    {"<|fim_pad|>\0"
     "<fim-pad>\0"
     "<fim_pad>\0"
     "<PAD>\0"
     "[PAD]\0",
     GGUF_END_PADDING},
    {"<|fim_repo|>\0"
     "<|repo_name|>\0"
     "<fim-repo>\0"
     "<REPO>\0"
     "<reponame>\0",
     GGUF_END_REPOSITORY},
    {"<|file_sep|>\0", GGUF_END_FILE},
    {"<|fim_prefix|>\0"
     "<fim-prefix>\0"
     "<fim_prefix>\0"
     "<PRE>\0"
     "\u2581<PRE>\0"
     "<|code_prefix|>\0"
     "<|prefix|>\0"
     "<|fim_suffix|>\0"
     "<fim-suffix>\0"
     "<fim_suffix>\0"
     "<SUF>\0"
     "\u2581<SUF>\0"
     "<|code_suffix|>\0"
     "<|suffix|>\0"
     "<|fim_middle|>\0"
     "<fim-middle>\0"
     "<fim_middle>\0"
     "<MID>\0"
     "\u2581<MID>\0"
     "<|code_middle|>\0"
     "<|middle|>\0"
     "<\uFF5Cfim\u2581begin\uFF5C>\0"
     "<\uFF5Cfim\u2581hole\uFF5C>\0"
     "<\uFF5Cfim\u2581end\uFF5C>\0",
     CONTROL_ENDS_NOTHING},
};
static const char user[] = "<|channel|>\0"
                           "<|message|>\0"
                           "<|start|>\0"
                           "<|constrain|>\0";

static bool holds(const char *texts, const uint8_t *text, size_t n)
{
    for (size_t length; (length = text_length(texts)) > 0; texts += length + 1) {
        if (length == n && memcmp(texts, text, n) == 0) {
            return true;
        }
    }
    return false;
}

uint8_t control_type(const uint8_t *text, size_t n, uint8_t type)
{
    if (n < 4) {
        return type;
    }
    const uint8_t first = text[0] == 0xE2 ? text[3] : text[0]; /* many words begin with U+2581 */
    if ((first != '<' && first != '[' && first != '_') || text[1] == '0') {
        return type; /* most often, in a vocabulary, an ordinary text or a byte, <0x41> */
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (holds(lists[i].texts, text, n)) {
            return GGUF_TOKEN_CONTROL;
        }
    }
    return holds(user, text, n) ? GGUF_TOKEN_USER : type;
}

const char *control_text(uint32_t index, uint8_t *ends)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const char *text = lists[i].texts; *text != 0; text += text_length(text) + 1) {
            if (index-- == 0) {
                *ends = lists[i].ends;
                return text;
            }
        }
    }
    return NULL;
}
