#include "infer/turns.h"

#include "base/memory.h"
#include "base/text.h"
#include "text/decoder.h"
#include "text/encode.h"

/* Eighths of the context: so much has to be free for an answer, or else turns go until so much more is, lest the rest
   run anew at every turn. */
enum { ROOM_LEAST = 1, ROOM_MADE = 3, ROOM_ALL = 8 };

static uint32_t room(const struct engine *engine, uint32_t eighths)
{
    return engine->context / ROOM_ALL * eighths;
}

/* ---- The tokens of a turn ---- */

static size_t append(char *out, size_t used, const char *text, size_t n)
{
    memcpy(out + used, text, n);
    return used + n;
}

static size_t append_text(char *out, size_t used, const char *text)
{
    return append(out, used, text, text_length(text));
}

/* The token that ends an answer where chat->end does not, or GGUF_NO_TOKEN. The model's own one is never kept, so an
   answer that was cut short is continued in the same way. */
static int32_t closing(const struct engine *engine, const struct chat *chat)
{
    const struct tokenizer *tokenizer = &engine->tokenizer;
    return !chat->close ? GGUF_NO_TOKEN : tokenizer->eos != GGUF_NO_TOKEN ? tokenizer->eos : tokenizer->bos;
}

/*
 * Writes a turn's tokens to ids[0..capacity): the chat's opening or the end of the answer before it, prefix, the user's
 * text, suffix. `before` is the last token before them, GGUF_NO_TOKEN for the first turn. Returns how many, or -1 if
 * they do not fit.
 */
static int32_t encode(struct engine *engine, const struct chat *chat, const char *said, size_t n, int32_t before,
                      int32_t *ids, uint32_t capacity)
{
    const bool first = before == GGUF_NO_TOKEN;
    const int32_t close = first ? GGUF_NO_TOKEN : closing(engine, chat);
    const uint32_t closed = close != GGUF_NO_TOKEN;
    char *text = engine->turn;
    size_t used = append_text(text, 0, !first ? chat->end : chat->inside ? "" : chat->opening);
    used = append_text(text, used, chat->prefix);
    used = append_text(text, used, first && chat->inside ? chat->opening : "");
    const size_t start = used, end = append(text, used, said, n);
    used = append_text(text, end, chat->suffix);
    if (closed > capacity) {
        return -1;
    }
    if (closed > 0) {
        ids[0] = before = close;
    }
    const int32_t count = encode_marked(&engine->tokenizer, text, used, start, end, before, ids + closed,
                                        capacity - closed, engine->scratch);
    return count < 0 ? -1 : count + (int32_t)closed;
}

/* ---- Dropping ---- */

/* Makes spare[0..count) the text. What is the same at its beginning stays in the KV cache. */
static void take_spare(struct engine *engine, uint32_t count)
{
    uint32_t same = 0;
    while (same < engine->filled && same < count && engine->text[same] == engine->spare[same]) {
        same++;
    }
    memcpy(engine->text, engine->spare, count * sizeof *engine->text);
    engine->text_count = count;
    engine->filled = same < count ? same : count - 1;
}

/* Makes turn number `index` the first one. Returns false, with nothing changed, if the rest does not fit then. */
static bool begin_with(struct engine *engine, const struct chat *chat, uint32_t index)
{
    const struct engine_turn first = engine->turns[index];
    const uint32_t rest = engine->text_count - first.answer;
    const int32_t count = encode(engine, chat, engine->said + first.said, first.said_bytes, GGUF_NO_TOKEN,
                                 engine->spare, engine->context);
    if (count <= 0 || (uint32_t)count > engine->context - rest) {
        return false;
    }
    memcpy(engine->spare + count, engine->text + first.answer, rest * sizeof *engine->text);
    take_spare(engine, (uint32_t)count + rest);
    const uint32_t shift = (uint32_t)count - first.answer; /* modulo 2^32, as are the sums */
    engine->turn_count -= index;
    for (uint32_t i = 0; i < engine->turn_count; i++) {
        const struct engine_turn turn = engine->turns[index + i];
        engine->turns[i] =
            (struct engine_turn){turn.start + shift, turn.answer + shift, turn.said - first.said, turn.said_bytes};
    }
    engine->turns[0].start = 0;
    engine->said_bytes -= first.said;
    memmove(engine->said, engine->said + first.said, engine->said_bytes);
    return true;
}

/* Drops the oldest turn, and those that then have to go as well, but not the last. Returns how many. */
static uint32_t drop(struct engine *engine, const struct chat *chat)
{
    for (uint32_t index = 1; index < engine->turn_count; index++) {
        if (begin_with(engine, chat, index)) {
            return index;
        }
    }
    return 0;
}

uint32_t turns_make_room(struct engine *engine, const struct chat *chat)
{
    uint32_t dropped = 0, more;
    do {
        more = drop(engine, chat);
        dropped += more;
    } while (more > 0 && engine->context - engine->text_count < room(engine, ROOM_MADE));
    return dropped;
}

void turns_undo(struct engine *engine)
{
    if (engine->turn_count > 0) {
        engine_rewind(engine, engine->turns[engine->turn_count - 1].start);
    }
}

/* ---- Thinking ---- */

static const char tag[] = "</think>";

/* Whether text[0..n) is all new lines. */
static bool is_empty(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && text[i] == '\n') {
        i++;
    }
    return i == n;
}

/* Returns the number of the first token after the thinking in the text from token `start` on; `start` if there is none,
   or if it ends within a token that holds more. */
static uint32_t find_answer(struct engine *engine, const struct chat *chat, uint32_t start)
{
    struct decoder decoder;
    uint32_t after = start, matched = 0;
    decoder_begin(&decoder, false);
    for (uint32_t i = start; i < engine->text_count; i++) {
        const size_t n = decoder_push(&decoder, &engine->tokenizer, engine->text[i], engine->turn, ENGINE_TURN_MAX);
        for (size_t k = 0; k < n; k++) {
            const char c = engine->turn[k];
            matched = c == tag[matched] ? matched + 1 : c == tag[0];
            if (tag[matched] == 0) {
                const size_t left = n - k - 1;
                after = left == 0 || (chat->drop_newlines && is_empty(engine->turn + k + 1, left)) ? i + 1 : start;
                matched = 0;
            }
        }
        if (after == i && after > start && chat->drop_newlines && n > 0 && is_empty(engine->turn, n)) {
            after++;
        }
    }
    return after;
}

/* Removes the thinking from the last answer, as templates do once the next turn begins. */
static void drop_thinking(struct engine *engine, const struct chat *chat)
{
    const uint32_t start = engine->turns[engine->turn_count - 1].answer, after = find_answer(engine, chat, start);
    const uint32_t rest = engine->text_count - after;
    if (after > start) {
        memmove(engine->text + start, engine->text + after, rest * sizeof *engine->text);
        engine->text_count = start + rest;
        engine->filled = engine->filled < start ? engine->filled : start;
    }
}

/* ---- Adding ---- */

static bool has_space(const struct engine *engine, size_t n)
{
    return engine->turn_count < engine->turns_max && n <= engine->said_max - engine->said_bytes;
}

/* Appends a turn if at least `free` tokens are left for its answer. Returns how many tokens it has, -1 if there is no
   room. */
static int32_t try_to_add(struct engine *engine, const struct chat *chat, const char *said, size_t n, uint32_t free)
{
    const uint32_t at = engine->text_count, left = engine->context - at;
    const int32_t before = at > 0 ? engine->text[at - 1] : GGUF_NO_TOKEN;
    if (!has_space(engine, n) || left < free) {
        return -1;
    }
    const int32_t count = encode(engine, chat, said, n, before, engine->text + at, left - free);
    if (count > 0) {
        memcpy(engine->said + engine->said_bytes, said, n);
        engine->turns[engine->turn_count++] =
            (struct engine_turn){at, at + (uint32_t)count, engine->said_bytes, (uint32_t)n};
        engine->said_bytes += (uint32_t)n;
        engine->text_count += (uint32_t)count;
    }
    return count;
}

int turns_add(struct engine *engine, const struct chat *chat, const char *said, size_t n, uint32_t *dropped,
              struct error *error)
{
    *dropped = 0;
    if (chat->strip) {
        chat_trim(&said, &n);
    }
    if (engine->turn_count == 0) {
        engine_rewind(engine, 0);
    } else if (chat->drop_thinking) {
        drop_thinking(engine, chat);
    }
    int32_t count = try_to_add(engine, chat, said, n, engine->turn_count > 0 ? room(engine, ROOM_LEAST) : 1);
    if (count < 0 && encode(engine, chat, said, n, GGUF_NO_TOKEN, engine->spare, engine->context - 1) < 0) {
        return error_set(error, "this turn is too long for the context of %u tokens; shorten it", engine->context);
    }
    while (count < 0) {
        const uint32_t gone = engine->turn_count > 1 ? drop(engine, chat) : 0;
        *dropped += gone > 0 ? gone : engine->turn_count;
        engine_rewind(engine, gone > 0 ? engine->text_count : 0);
        count = try_to_add(engine, chat, said, n, engine->turn_count > 0 ? room(engine, ROOM_MADE) : 1);
    }
    return count > 0 ? 0
                     : error_set(error, "this model cannot begin from nothing: it has no beginning-of-sequence token; "
                                        "type a prompt");
}
