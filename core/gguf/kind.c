/* Kinds of vocabularies (kind.h). */
#include "gguf/kind.h"

#include "base/text.h"

int gguf_take_tokenizer(struct gguf_input *in, const char *key, const char *text)
{
    if (!text_equal(text, "llama") && !text_equal(text, "gpt2")) {
        return gguf_refuse(in, key,
                           "is \"%s\"; only \"llama\" (SentencePiece) and \"gpt2\" (byte-level BPE) are supported: "
                           "choose a model with one of these",
                           text);
    }
    in->gguf->tokenizer = text_equal(text, "gpt2") ? GGUF_TOKENIZER_BPE : GGUF_TOKENIZER_SENTENCEPIECE;
    return 0;
}

int gguf_take_pre(struct gguf_input *in, const char *key, const char *text)
{
    const struct gguf_pre *pre = gguf_find_pre(text[0] != '\0' ? text : "default");
    if (pre == NULL) {
        return gguf_refuse(in, key,
                           "is \"%s\", an unsupported pre-tokenizer: choose a model with another one, such as "
                           "\"llama-bpe\", \"qwen2\", \"smollm\" or \"gpt-2\"",
                           text);
    }
    in->gguf->pre = *pre;
    return 0;
}
