/* core/text/chat.c: which family a template is of, and the texts that it stands for. */
#include "unit.h"

#include "text/chat.h"

/* Templates of model files, reduced to their distinguishing marks. */
static const struct {
    const char *jinja, *prefix, *suffix, *stop, *end;
    bool strip;
} cases[] = {
    {"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
     "'\\n'}}"
     "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
     "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", "<|im_end|>\n", false},
    {"{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] "
     "+ "
     "' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% endif %}{% endfor %}",
     "[INST] ", " [/INST]", "", "</s>", false},
    {"{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
     "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{{ ' '  + content.strip() + ' ' + eos_token }}",
     "[INST] ", " [/INST]", "", "</s>", true},
    {"{{ bos_token + '[INST] ' + content + ' [/INST]' }}", "[INST] ", " [/INST]", "", "</s><s>", false},
    {"{{ bos_token }}{{ ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}"
     "{{ ' ' + message['content'] + eos_token}}",
     " [INST] ", " [/INST]", "", "</s>", false},
    {"{{- '[AVAILABLE_TOOLS] [' }}{{- '[INST] ' + message['content'] + '[/INST]' }}", "[INST] ", "[/INST]", "", "</s>",
     false},
    {"{{- \"[AVAILABLE_TOOLS] [\" }}{{- \" [INST] \" + message['content'] + \" [/INST]\" }}", " [INST] ", " [/INST]",
     "", "</s>", false},
    {"{{- \"[AVAILABLE_TOOLS][\" }}{{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}", "[INST]", "[/INST]", "",
     "</s>", false},
    {"{{- '[SYSTEM_PROMPT] ' + system + '[/SYSTEM_PROMPT]' }}{{- '[INST] ' + message['content'] + '[/INST]' }}",
     "[INST] ", "[/INST]", "", "</s>", false},
    {"{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + "
     "eos_token }}\n"
     "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif "
     "%}\n"
     "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
     "<|user|>\n", "</s>\n<|assistant|>\n", "", "</s>\n", false},
    {"{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n' + '<|assistant|>' + '\\n'}}", "<|user|>\n",
     "<|end|>\n<|assistant|>\n", "<|end|>", "<|end|>\n", false},
    {"{% for message in messages %}{{bos_token + message['role'] + '\\n' + message['content'] + eos_token + '\\n'}}{% "
     "endfor %}",
     "user\n", "</s>\n<s>assistant\n", "", "</s>\n<s>", false},
    {"{{ 'GPT4 Correct ' + message['role'].title() + ': ' + message['content'] + '<|end_of_turn|>'}}",
     "GPT4 Correct User: ", "<|end_of_turn|>GPT4 Correct Assistant:", "<|end_of_turn|>", "<|end_of_turn|>", false},
    {"{{ 'USER: ' + message['content'] | trim + '\\n' }}{{ 'ASSISTANT: ' + message['content'] | trim + eos_token + "
     "'\\n' }}",
     "USER: ", "\nASSISTANT:", "", "</s>\n", true},
    {"{{'### Instruction:\\n' + message['content'] + '\\n'}}{{'### Response:\\n' + message['content'] + "
     "'\\n<|EOT|>\\n'}}{{'### Response:'}}",
     "### Instruction:\n", "\n### Response:\n", "<|EOT|>", "<|EOT|>\n", false},
    {"{{ '### Instruction:\\n' + message['content'] | trim + '\\n\\n' }}{{ '### Response:\\n' + "
     "message['content']|trim }}",
     "### Instruction:\n", "\n\n### Response:\n", "### Instruction:", "</s>\n\n", true},
};

/* What stands around a system message, and how the user's text is treated, of one family of each kind. */
static void system_messages(void **state)
{
    static const struct {
        const char *jinja, *opening;
        bool inside, strip;
    } rows[] = {
        {"<|im_start|>", "<|im_start|>system\n s <|im_end|>\n", false, false},
        {"<|im_start|>{{ content | trim }}", "<|im_start|>system\ns<|im_end|>\n", false, true},
        {"'<|im_start|>system\\nYou are Qwen.<|im_end|>\\n'", "<|im_start|>system\n s <|im_end|>\n", false, false},
        {"<|im_start|><end_of_utterance>", "<|im_start|> s \n\n", false, false},
        {"<start_of_turn>", "s\n\n", true, true},
        {"<|start_header_id|><|end_header_id|>", "<|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|>", false,
         true},
        {"[INST] content.strip()", "<<SYS>>\ns\n<</SYS>>\n\n", true, true},
        {"[INST]", " s \n", true, false},
        {"llama2-sys", "<<SYS>>\n s \n<</SYS>>\n\n", true, false},
        {"zephyr", "<|system|>\n s <|endoftext|>\n", false, false},
    };
    static char longest[CHAT_SYSTEM_MAX];
    struct chat chat;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(chat_from_template(&chat, rows[i].jinja, strlen(rows[i].jinja)));
        chat_set_system(&chat, " s ");
        assert_string_equal(chat.opening, rows[i].opening);
        assert_int_equal(chat.inside, rows[i].inside);
        assert_int_equal(chat.strip, rows[i].strip);
        assert_false(chat.close);
        memset(longest, 'x', sizeof longest - 1);
        chat_set_system(&chat, longest);
        const char *begin = strchr(chat.opening, 'x'), *end = strrchr(rows[i].opening, 's');
        assert_int_equal(strspn(begin, "x"), sizeof longest - 1);
        assert_string_equal(begin + sizeof longest - 1, end + 1 + (end[1] == ' ')); /* what follows it is whole */
    }
    chat_from_texts(&chat, "a", "b", "");
    chat_set_system(&chat, " s ");
    assert_string_equal(chat.opening, " s ");
    assert_true(chat.close);
}

/* Only a whole template is a name. */
static void names(void **state)
{
    struct chat chat;
    (void)state;
    assert_true(chat_from_template(&chat, "gemmaX", 5));
    assert_string_equal(chat.prefix, "<start_of_turn>user\n");
    assert_false(chat_from_template(&chat, "gemma", 4));
    assert_false(chat_from_template(&chat, "gemma ", 6));
}

static void thinking_of_earlier_turns(void **state)
{
    static const struct {
        const char *jinja;
        bool thinking, newlines;
    } rows[] = {
        {"<|im_start|>", false, false},
        {"<|im_start|>{{ content.split('</think>')[0] }}", false, false},
        {"<|im_start|>{% set content = content.split('</think>')[-1] %}", true, false},
        {"<|im_start|>{% set content = content.split('</think>')[-1].lstrip('\\n') %}", true, true},
        {"<|im_start|>{% set content = content.split(\"</think>\")[-1]|trim %}", true, true},
        {"<|im_start|>content.split('</think>')[-1]", true, false},
    };
    struct chat chat;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        memset(&chat, 0xEE, sizeof chat);
        assert_true(chat_from_template(&chat, rows[i].jinja, strlen(rows[i].jinja)));
        assert_int_equal(chat.drop_thinking, rows[i].thinking);
        assert_int_equal(chat.drop_newlines, rows[i].newlines);
    }
}

static void families(void **state)
{
    struct chat chat;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *jinja = cases[i].jinja;
        if (!chat_from_template(&chat, jinja, strlen(jinja))) {
            fail_test("not recognised: %s\n", jinja);
        }
        assert_string_equal(chat.prefix, cases[i].prefix);
        assert_string_equal(chat.suffix, cases[i].suffix);
        assert_string_equal(chat.stop, cases[i].stop);
        assert_string_equal(chat.end, cases[i].end);
        assert_int_equal(chat.strip, cases[i].strip);
    }
}

/* What templates write where the user gives no system message: as the model files have them. */
static void openings(void **state)
{
#define TURN "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
    static const struct {
        const char *jinja, *opening;
    } rows[] = {
        {TURN, ""},
        {"{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful AI "
         "assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}" TURN,
         "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"},
        {"{%- if tools %}{{- '<|im_start|>system\\n' }}{{- 'You are Qwen.' }}{%- else %}{%- if messages[0]['role'] == "
         "'system' %}{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}{%- else %}"
         "{{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud.<|im_end|>\\n' }}" TURN,
         "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud.<|im_end|>\n"},
        {"{% if tools %}{{ \"<|im_start|>system\\nYou call functions.<|im_end|>\\n\" }}{% endif %}" TURN, ""},
        {"{{ \"<|im_start|>system\\nIt's \\\"me\\\".<|im_end|>\\n\" }}" TURN,
         "<|im_start|>system\nIt's \"me\".<|im_end|>\n"},
        {"{{ '<|im_start|>system\\nIt ends nowhere<|im_end|>", ""},
        {"<|im_start|>system", ""},
        {"{{bos_token}}{%- if not ns.found -%}\n{{'You are an AI programming assistant.\\n'}}\n{%- endif %}"
         "{{'### Instruction:\\n'}}{{'\\n<|EOT|>\\n'}}{{'### Response:'}}",
         "You are an AI programming assistant.\n"},
        {"{%- if not ns.found -%}{{ '### Instruction: ### Response: ", ""},
    };
    struct chat chat;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *exact = malloc(strlen(rows[i].jinja)); /* no NUL: a step beyond shows */
        memcpy(exact, rows[i].jinja, strlen(rows[i].jinja));
        memset(&chat, 0xEE, sizeof chat);
        assert_true(chat_from_template(&chat, exact, strlen(rows[i].jinja)));
        assert_string_equal(chat.opening, rows[i].opening);
        free(exact);
    }
}

/* A message that does not fit is left out whole. */
static void an_opening_that_is_too_long(void **state)
{
    static char jinja[CHAT_OPENING_MAX + 100];
    struct chat chat;
    (void)state;
    for (size_t n = CHAT_OPENING_MAX - 60; n < CHAT_OPENING_MAX; n++) {
        snprintf(jinja, sizeof jinja, "'<|im_start|>system\\n%0*u<|im_end|>\\n'", (int)n, 1);
        const size_t bytes = strlen("<|im_start|>system\n<|im_end|>\n") + n;
        assert_true(chat_from_template(&chat, jinja, strlen(jinja)));
        assert_int_equal(strlen(chat.opening), bytes < CHAT_OPENING_MAX ? bytes : 0);
    }
}

static void unknown_templates(void **state)
{
    static const char *const jinja[] = {"", "{{ messages }}", "<|im_start|", "USER: only", "[INS", "### Instruction:"};
    struct chat chat;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(jinja); i++) {
        char *copy = malloc(strlen(jinja[i]) + 1); /* no NUL: a step beyond shows */
        memcpy(copy, jinja[i], strlen(jinja[i]));
        char *exact = realloc(copy, strlen(jinja[i]) > 0 ? strlen(jinja[i]) : 1);
        assert_false(chat_from_template(&chat, exact, strlen(jinja[i])));
        free(exact);
    }
    assert_true(chat_from_template(&chat, "x\0<|im_start|>", 14)); /* what follows a NUL is part of it */
}

/* Whatever a file holds in place of a template, in any length: each text ends, and nothing is read beyond it. */
static void any_bytes(void **state)
{
    static const char *const words[] = {
        "<|im_start|>", "system", "<|im_end|>", "'", "\"", "\\", "{%", "if not ns.found", "{{", "tools", "eos_token",
        "</think>')[-1]", "[INST]", "\xFF", "<|assistant|>", "<|user|>", "USER: ", "ASSISTANT: ", "\n", "\xC3",
    };
    uint32_t known = 0;
    (void)state;
    srand(3);
    for (uint32_t round = 0; round < 400; round++) {
        const size_t n = (size_t)rand() % (round % 50 == 0 ? CHAT_TEMPLATE_MAX : 300) + 1;
        char *bytes = malloc(n), system[CHAT_SYSTEM_MAX] = {0};
        struct chat chat;
        for (size_t i = 0; i < n;) {
            const char *word = words[(size_t)rand() % COUNT_OF(words)];
            for (; *word != 0 && i < n; word++) {
                bytes[i++] = rand() % 100 == 0 ? (char)rand() : *word;
            }
        }
        memset(&chat, 0xEE, sizeof chat);
        if (chat_from_template(&chat, bytes, n)) {
            known++;
            memset(system, 's', (size_t)rand() % sizeof system);
            assert_true(memchr(chat.opening, 0, sizeof chat.opening) != NULL);
            chat_set_system(&chat, system);
            assert_true(memchr(chat.opening, 0, sizeof chat.opening) != NULL && strstr(chat.opening, system) != NULL);
            assert_true(memchr(chat.prefix, 0, sizeof chat.prefix) && memchr(chat.suffix, 0, sizeof chat.suffix));
            assert_true(memchr(chat.stop, 0, sizeof chat.stop) && memchr(chat.end, 0, sizeof chat.end));
        }
        free(bytes);
    }
    assert_true(known > 100);
}

static void texts_of_the_configuration(void **state)
{
    struct chat chat;
    (void)state;
    memset(&chat, 0xEE, sizeof chat);
    chat_from_texts(&chat, "<user>\n", "\n<bot>", "<user>");
    assert_string_equal(chat.opening, "");
    assert_string_equal(chat.prefix, "<user>\n");
    assert_string_equal(chat.suffix, "\n<bot>");
    assert_string_equal(chat.stop, "<user>");
    assert_string_equal(chat.end, "<user>");
    assert_false(chat.strip);
}

static void escapes(void **state)
{
    static const struct {
        const char *in, *out; /* NULL = refused */
    } rows[] = {
        {"", ""},
        {"abc", "abc"},
        {"a\\nb", "a\nb"},
        {"\\ta\\s", "\ta "},
        {"\\\\n", "\\n"},
        {"\\\\\\n", "\\\n"},
        {"\\", NULL},
        {"a\\", NULL},
        {"\\x", NULL},
        {"\\N", NULL},
        {"\\ ", NULL},
        {"1234567", "1234567"},
        {"12345678", NULL},
        {"123456\\n", "123456\n"},
        {"1234567\\n", NULL},
        {"\u00F6\\s\u00F6", "\u00F6 \u00F6"},
    };
    char out[8];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(chat_unescape(out, sizeof out, rows[i].in, strlen(rows[i].in)), rows[i].out != NULL);
        if (rows[i].out != NULL) {
            assert_string_equal(out, rows[i].out);
        }
    }
    assert_false(chat_unescape(out, sizeof out, "a\0b", 3));
    assert_false(chat_unescape(out, 0, "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families),
        cmocka_unit_test(system_messages),
        cmocka_unit_test(names),
        cmocka_unit_test(thinking_of_earlier_turns),
        cmocka_unit_test(openings),
        cmocka_unit_test(an_opening_that_is_too_long),
        cmocka_unit_test(unknown_templates),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(texts_of_the_configuration),
        cmocka_unit_test(escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
