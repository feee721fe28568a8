/* The names of pre-tokenizers (pre.h). */
#include "gguf/pre.h"

#include <stddef.h>

#include "base/text.h"

enum { IGNORE = GGUF_PRE_IGNORE_MERGES, BOS = GGUF_PRE_ADD_BOS };

static const struct gguf_pre known[] = {
    {"default", GGUF_PRE_DEFAULT, 0},
    {"gpt-2", GGUF_PRE_GPT2, 0},
    {"phi-2", GGUF_PRE_GPT2, 0},
    {"gigachat", GGUF_PRE_GPT2, 0},
    {"a.x-4.0", GGUF_PRE_GPT2, 0},
    {"mellum", GGUF_PRE_GPT2, 0},
    {"mpt", GGUF_PRE_GPT2, 0},
    {"olmo", GGUF_PRE_GPT2, 0},
    {"jais", GGUF_PRE_GPT2, 0},
    {"trillion", GGUF_PRE_GPT2, 0},
    {"granite-docling", GGUF_PRE_GPT2, 0},
    {"exaone4", GGUF_PRE_GPT2, 0},
    {"smollm", GGUF_PRE_SMOLLM, 0},
    {"starcoder", GGUF_PRE_SMOLLM, 0},
    {"refact", GGUF_PRE_SMOLLM, 0},
    {"minerva-7b", GGUF_PRE_SMOLLM, 0},
    {"command-r", GGUF_PRE_SMOLLM, 0},
    {"codeshell", GGUF_PRE_SMOLLM, 0},
    {"exaone", GGUF_PRE_SMOLLM, 0},
    {"mellum2", GGUF_PRE_SMOLLM, 0},
    {"llama-bpe", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"llama3", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"llama-v3", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"falcon3", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"falcon-h1", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"pixtral", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"midm-2.0", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"lfm2", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"jina-v5-nano", GGUF_PRE_LLAMA3, IGNORE | BOS},
    {"dbrx", GGUF_PRE_LLAMA3, 0},
    {"smaug-bpe", GGUF_PRE_LLAMA3, 0},
    {"glm4", GGUF_PRE_LLAMA3, GGUF_PRE_NO_BOS},
    {"chatglm-bpe", GGUF_PRE_LLAMA3, GGUF_PRE_NO_BOS},
    {"qwen2", GGUF_PRE_QWEN2, 0},
    {"deepseek-r1-qwen", GGUF_PRE_QWEN2, 0},
    {"kormo", GGUF_PRE_QWEN2, 0},
    {"f2llmv2", GGUF_PRE_QWEN2, 0},
    {"megrez", GGUF_PRE_QWEN2, 0},
    {"stablelm2", GGUF_PRE_QWEN2, 0},
    {"hunyuan", GGUF_PRE_QWEN2, 0},
    {"solar-open", GGUF_PRE_QWEN2, 0},
    {"grok-2", GGUF_PRE_QWEN2, 0},
    {"minicpm5", GGUF_PRE_MINICPM5, IGNORE},
    {"tekken", GGUF_PRE_TEKKEN, IGNORE | BOS},
    {"deepseek-llm", GGUF_PRE_DEEPSEEK_LLM, 0},
    {"deepseek-coder", GGUF_PRE_DEEPSEEK_CODER, 0},
};

const struct gguf_pre *gguf_find_pre(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (text_equal(known[i].name, name)) {
            return &known[i];
        }
    }
    return NULL;
}
