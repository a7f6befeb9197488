/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_client.h"

#include "proto/pop3/pop3_place.h"

enum pop3_client_state { STATE_ANSWER, STATE_LIST, STATE_MESSAGE, STATE_BROKEN };

/* Within a message. */
enum {
    PLACE_DOT = POP3_PLACE_OWN, /* behind a dot at the start of a line, which was left out */
    PLACE_DOT_CR,               /* and a CR behind that, which is held back */
};

enum { WITH_LIST = 0x80 }; /* in asked[]: a good answer is followed by lines */

const char *pop3_client_fault_text(enum pop3_client_fault fault)
{
    static const char *const texts[] = {
#define POP3_CLIENT_FAULT(name, text) text,
#include "proto/pop3/pop3_client_fault.def"
#undef POP3_CLIENT_FAULT
    };

    return texts[fault];
}

void pop3_client_init(struct pop3_client *c, bool greeted)
{
    *c = (struct pop3_client){0};
    line_init(&c->line, POP3_CLIENT_LINE);
    if (!greeted)
        c->asked[c->count++] = POP3_CLIENT_GREETING;
}

/* ---- commands ---- */

static const char *const names[POP3_VERB_COUNT] = {
#define POP3_VERB(name) [POP3_VERB_##name] = #name,
#include "proto/pop3/pop3_verb.def"
#undef POP3_VERB
};

/* keyword [SP argument] CRLF                                           ; RFC 1939 section 3 */
bool pop3_client_say(struct pop3_client *c, enum pop3_verb verb, struct span argument,
                     struct writer *w)
{
    bool listed = verb == POP3_VERB_CAPA ||
                  ((verb == POP3_VERB_LIST || verb == POP3_VERB_UIDL) && !argument.len);

    if (c->count == POP3_CLIENT_ASKED || writer_room(w) < POP3_CLIENT_ROOM)
        return false;
    writer_text(w, names[verb]);
    if (argument.len) {
        writer_byte(w, ' ');
        writer_span_put(w, argument);
    }
    writer_text(w, "\r\n");
    c->asked[(c->first + c->count++) % POP3_CLIENT_ASKED] =
        (uint8_t)(verb | (listed ? WITH_LIST : 0));
    return true;
}

bool pop3_client_say_number(struct pop3_client *c, enum pop3_verb verb, uint32_t number,
                            struct writer *w)
{
    uint8_t digits[10];
    struct writer text = writer_of(digits, sizeof(digits));

    writer_number(&text, number);
    return pop3_client_say(c, verb, writer_span(&text), w);
}

uint32_t pop3_client_unanswered(const struct pop3_client *c)
{
    return c->count + (c->state == STATE_LIST || c->state == STATE_MESSAGE);
}

/* ---- answers ---- */

static enum pop3_client_kind broken(struct pop3_client *c, struct pop3_client_action *a,
                                    enum pop3_client_fault fault)
{
    c->state = STATE_BROKEN;
    c->fault = (uint8_t)fault;
    a->fault = fault;
    return POP3_CLIENT_ACTION_BROKEN;
}

static bool take_status(struct span *line, const char *status)
{
    size_t n = strlen(status);

    if (!span_equal(span_head(*line, n), span_text(status)) ||
        (line->len > n && line->data[n] != ' '))
        return false;
    *line = span_skip(*line, n + 1);
    return true;
}

/* single-line = status [SP text] CRLF; status = "+OK" / "-ERR"         ; RFC 2449 section 9 */
static enum pop3_client_kind on_answer(struct pop3_client *c, struct span line,
                                       struct pop3_client_action *a)
{
    uint8_t asked;

    a->ok = take_status(&line, "+OK");
    if (!a->ok && !take_status(&line, "-ERR"))
        return broken(c, a, POP3_CLIENT_FAULT_status);
    if (!c->count)
        return broken(c, a, POP3_CLIENT_FAULT_unasked);
    asked = c->asked[c->first];
    c->first = (uint8_t)((c->first + 1) % POP3_CLIENT_ASKED);
    c->count--;
    a->verb = (enum pop3_verb)(asked & ~WITH_LIST);
    a->bytes = line;
    c->verb = (uint8_t)a->verb;
    if (a->ok && asked & WITH_LIST) {
        c->state = STATE_LIST;
    } else if (a->ok && (a->verb == POP3_VERB_RETR || a->verb == POP3_VERB_TOP)) {
        c->state = STATE_MESSAGE;
        c->at = POP3_PLACE_START;
    }
    return POP3_CLIENT_ACTION_ANSWER;
}

/* scan-listing = 1*DIGIT SP text, with LIST and UIDL                   ; RFC 1939 sections 5, 7 */
static bool read_entry(struct span *line, uint32_t *number_out)
{
    uint64_t n = 0;
    size_t at = 0;

    for (; at < line->len && at < 10 && (uint8_t)(line->data[at] - '0') < 10; at++)
        n = n * 10 + (uint64_t)(line->data[at] - '0');
    if (!at || n == 0 || n > UINT32_MAX || at == line->len || line->data[at] != ' ')
        return false;
    *number_out = (uint32_t)n;
    *line = span_skip(*line, at + 1);
    return true;
}

static enum pop3_client_kind on_entry(struct pop3_client *c, struct span line,
                                      struct pop3_client_action *a)
{
    a->verb = (enum pop3_verb)c->verb;
    if (line.len && line.data[0] == '.') {
        line = span_skip(line, 1);
        if (!line.len) {
            c->state = STATE_ANSWER;
            return POP3_CLIENT_ACTION_END;
        }
    }
    if (a->verb != POP3_VERB_CAPA && !read_entry(&line, &a->number))
        return broken(c, a, POP3_CLIENT_FAULT_listing);
    a->bytes = line;
    return POP3_CLIENT_ACTION_ENTRY;
}

/* ---- messages ---- */

/* Leaves out the dot of a line that begins with one; END, or a CR that was held back, or MORE to go
 * on. */
static enum pop3_client_kind on_dot(struct pop3_client *c, struct span *in,
                                    struct pop3_client_action *a)
{
    if (c->at == POP3_PLACE_START && in->data[0] == '.') {
        c->at = PLACE_DOT;
        *in = span_skip(*in, 1);
    }
    if (in->len && c->at == PLACE_DOT) {
        c->at = in->data[0] == '\r' ? PLACE_DOT_CR : POP3_PLACE_MIDDLE;
        if (c->at == PLACE_DOT_CR)
            *in = span_skip(*in, 1);
    }
    if (!in->len || c->at != PLACE_DOT_CR)
        return POP3_CLIENT_ACTION_MORE;
    if (in->data[0] == '\n') {
        *in = span_skip(*in, 1);
        c->state = STATE_ANSWER;
        return POP3_CLIENT_ACTION_END;
    }
    c->at = POP3_PLACE_CR;
    a->bytes = span_text("\r");
    return POP3_CLIENT_ACTION_MESSAGE;
}

static enum pop3_client_kind on_message(struct pop3_client *c, struct span *in,
                                        struct pop3_client_action *a)
{
    enum pop3_client_kind kind;
    bool after_cr;

    a->verb = (enum pop3_verb)c->verb;
    if (!in->len)
        return POP3_CLIENT_ACTION_MORE;
    kind = on_dot(c, in, a);
    if (kind != POP3_CLIENT_ACTION_MORE || !in->len)
        return kind;
    after_cr = c->at == POP3_PLACE_CR;
    a->bytes = span_head(*in, pop3_place_run(*in, after_cr));
    *in = span_skip(*in, a->bytes.len);
    c->at = (uint8_t)pop3_place_behind(a->bytes, after_cr);
    return POP3_CLIENT_ACTION_MESSAGE;
}

/* ---- the next action ---- */

static enum pop3_client_kind next(struct pop3_client *c, struct span *in,
                                  struct pop3_client_action *a)
{
    struct span line;

    if (c->state == STATE_BROKEN)
        return broken(c, a, (enum pop3_client_fault)c->fault);
    if (c->state == STATE_MESSAGE)
        return on_message(c, in, a);
    switch (line_feed(&c->line, in, &line)) {
    case LINE_MORE:
        return POP3_CLIENT_ACTION_MORE;
    case LINE_BUFFER:
        return POP3_CLIENT_ACTION_BUFFER;
    case LINE_BAD:
        return broken(c, a, POP3_CLIENT_FAULT_framing);
    case LINE_LONG:
        return broken(c, a, POP3_CLIENT_FAULT_longline);
    case LINE_DONE:
        break;
    }
    return c->state == STATE_LIST ? on_entry(c, line, a) : on_answer(c, line, a);
}

enum pop3_client_kind pop3_client_next(struct pop3_client *c, struct span *in,
                                       struct pop3_client_action *action_out)
{
    *action_out = (struct pop3_client_action){0};
    action_out->kind = next(c, in, action_out);
    return action_out->kind;
}

/* resp-text = "[" resp-level *("/" resp-level) "]" SP text             ; RFC 2449 section 8 */
struct span pop3_client_code(struct span text)
{
    ptrdiff_t end = text.len && text.data[0] == '[' ? span_find(text, ']') : -1;

    return end < 0 ? span_of(NULL, 0) : span_of(text.data + 1, (size_t)end - 1);
}
