#include "session/thought.h"

static const char *tag(const struct thought *thought)
{
    return thought->thinking ? "</think>" : "<think>";
}

/* Passes on the beginning of a tag that did not become one, or a whole one. */
static void pass_tag(struct thought *thought)
{
    output_text_put(thought->output, tag(thought), thought->matched);
    thought->matched = 0;
}

static void colour(struct thought *thought)
{
    output_text_colour(thought->output, thought->thinking ? COLOUR_THOUGHT : COLOUR_TEXT);
}

/* The tag is complete. */
static void turn(struct thought *thought)
{
    const bool ends = thought->thinking;
    if (!ends) {
        output_text_colour(thought->output, COLOUR_THOUGHT);
    }
    pass_tag(thought);
    thought->thinking = !ends;
    if (ends) {
        colour(thought);
    }
}

void thought_begin(struct thought *thought, struct output *output)
{
    *thought = (struct thought){.output = output};
}

/* '<' is only the first letter of a tag, so what did not become one holds no other's beginning. */
void thought_put(struct thought *thought, const char *utf8, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        if (thought->matched > 0 && utf8[i] != tag(thought)[thought->matched]) {
            pass_tag(thought);
            from = i;
        }
        if (utf8[i] != tag(thought)[thought->matched]) {
            continue;
        }
        if (thought->matched == 0) {
            output_text_put(thought->output, utf8 + from, i - from);
        }
        from = i + 1;
        if (tag(thought)[++thought->matched] == 0) {
            turn(thought);
        }
    }
    output_text_put(thought->output, utf8 + from, n - from);
}

void thought_end(struct thought *thought)
{
    thought_pause(thought);
    thought->thinking = false;
}

void thought_pause(struct thought *thought)
{
    pass_tag(thought);
    if (thought->thinking) {
        output_text_colour(thought->output, COLOUR_TEXT);
    }
}

void thought_resume(struct thought *thought)
{
    if (thought->thinking) {
        colour(thought);
    }
}
