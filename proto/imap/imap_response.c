/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_response.h"

enum state {
    STATE_HEAD,    /* before or within the first words of a response */
    STATE_LINE,    /* within a line that is text */
    STATE_END,     /* behind the line end of data whose END was not told */
    STATE_TOKEN,   /* between the tokens of data */
    STATE_ATOM,    /* within an atom that is held */
    STATE_SIZE,    /* within the announcement of a literal */
    STATE_QUOTED,  /* within a quoted string */
    STATE_LITERAL, /* within a literal, or at its end */
    STATE_PASS,    /* within a line that is passed over */
    STATE_PASS_LITERAL,
    STATE_LOST, /* the same, but what ends the line announces nothing that is believed */
};

void imap_response_init(struct imap_response *r, uint32_t limit)
{
    *r = (struct imap_response){.limit = limit};
}

uint8_t *imap_response_take_back(struct imap_response *r)
{
    uint8_t *buffer = r->buffer;

    if (r->held && !r->given)
        return NULL;
    r->buffer = NULL;
    r->held = 0;
    r->given = r->cut = false;
    return buffer;
}

bool imap_response_idle(const struct imap_response *r)
{
    return r->state == STATE_HEAD && (r->held == 0 || r->given);
}

/* False: a buffer is asked for. */
static bool hold(struct imap_response *r, struct span *in, size_t n, struct imap_response_event *e)
{
    size_t room = r->limit - r->held;

    if (!r->buffer) {
        e->kind = IMAP_RESPONSE_BUFFER;
        return false;
    }
    r->cut |= n > room;
    if (n < room)
        room = n;
    if (room)
        memcpy(r->buffer + r->held, in->data, room);
    r->held += (uint32_t)room;
    *in = span_skip(*in, n);
    return true;
}

/* What was held is handed out. */
static struct span give(struct imap_response *r, struct imap_response_event *e)
{
    r->given = true;
    e->cut = r->cut;
    return span_of(r->buffer, r->held);
}

/* ---- what is passed over ---- */

static void keep_tail(struct imap_response *r, struct span bytes)
{
    size_t max = sizeof(r->tail), old = r->tail_len;

    if (bytes.len > max)
        bytes = span_skip(bytes, bytes.len - max);
    if (old > max - bytes.len) {
        memmove(r->tail, r->tail + old - (max - bytes.len), max - bytes.len);
        old = max - bytes.len;
    }
    if (bytes.len)
        memcpy(r->tail + old, bytes.data, bytes.len);
    r->tail_len = (uint8_t)(old + bytes.len);
}

static struct span without_cr(struct span line)
{
    return line.len && line.data[line.len - 1] == '\r' ? span_head(line, line.len - 1) : line;
}

/* The end of a line that is passed over: the response's, or a literal comes. */
static void pass_line_end(struct imap_response *r)
{
    struct imap_literal l;
    bool believed = r->state != STATE_LOST;
    struct span line = without_cr(span_of(r->tail, r->tail_len));

    r->tail_len = 0;
    if (believed && imap_literal_announced(line, &l) && l.size < IMAP_LITERAL_SIZE_LIMIT) {
        r->state = STATE_PASS_LITERAL;
        r->literal = l.size;
    } else {
        r->state = r->passing ? STATE_END : STATE_HEAD;
        r->passing = false;
    }
}

static void pass_line(struct imap_response *r, struct span *in)
{
    ptrdiff_t end = span_find(*in, '\n');
    size_t n = end < 0 ? in->len : (size_t)end;

    keep_tail(r, span_head(*in, n));
    *in = span_skip(*in, end < 0 ? n : n + 1);
    if (end >= 0)
        pass_line_end(r);
}

static void pass_literal(struct imap_response *r, struct span *in)
{
    size_t n = r->literal < in->len ? (size_t)r->literal : in->len;

    *in = span_skip(*in, n);
    r->literal -= n;
    if (r->literal == 0)
        r->state = STATE_PASS;
}

/* What is held, and what comes up to the line's end, is no response. */
static void pass_from_here(struct imap_response *r, enum state state)
{
    struct span held = span_of(r->buffer, r->held);

    r->state = (uint8_t)state;
    r->tail_len = 0;
    r->passing = r->literal8 = false;
    if (r->held && !r->given)
        pass_line(r, &held);
    r->given = true;
}

static bool bad(struct imap_response *r, enum imap_response_fault fault,
                struct imap_response_event *e)
{
    *e = (struct imap_response_event){.kind = IMAP_RESPONSE_BAD, .fault = fault};
    pass_from_here(r, STATE_PASS);
    return true;
}

void imap_response_pass(struct imap_response *r)
{
    if (r->state == STATE_LITERAL && r->literal)
        r->state = STATE_PASS_LITERAL;
    else if (r->state == STATE_LITERAL || r->state == STATE_TOKEN || r->state == STATE_QUOTED)
        r->state = STATE_PASS;
    else
        return;
    r->tail_len = 0;
    r->given = r->passing = true;
}

bool imap_response_gap(struct imap_response *r, uint64_t len)
{
    if ((r->state == STATE_LITERAL || r->state == STATE_PASS_LITERAL) && len <= r->literal) {
        r->literal -= len;
        if (r->state == STATE_PASS_LITERAL && r->literal == 0)
            r->state = STATE_PASS;
        return true;
    }
    r->state = STATE_LOST;
    r->tail_len = 0;
    r->lost = r->given = true;
    r->passing = r->literal8 = false;
    return false;
}

/* ---- the first words, and lines ---- */

static void begin_data(struct imap_response *r, struct imap_response_event *e, bool ended)
{
    r->fetch = span_equal_nocase(e->name, span_text("FETCH"));
    r->depth = 0;
    r->state = ended ? STATE_END : STATE_TOKEN;
}

/* Of `head` nothing is taken of the input yet, unless it is held. True with an event. */
static bool judge_head(struct imap_response *r, struct span head, struct span *in,
                       struct imap_response_event *e)
{
    bool held = r->held > 0;
    size_t taken = 0;
    enum imap_response_head verdict = imap_response_head_read(head, e, &taken);

    if (verdict != IMAP_RESPONSE_HEAD_DATA || r->lost)
        *e = (struct imap_response_event){.kind = IMAP_RESPONSE_MORE};
    switch (verdict) {
    case IMAP_RESPONSE_HEAD_MORE:
        return false;
    case IMAP_RESPONSE_HEAD_EMPTY:
        *in = held ? *in : span_skip(*in, taken);
        r->given = true;
        return false;
    case IMAP_RESPONSE_HEAD_LINE:
    case IMAP_RESPONSE_HEAD_BAD:
        break;
    case IMAP_RESPONSE_HEAD_DATA:
        if (r->lost)
            break;
        *in = held ? *in : span_skip(*in, taken);
        r->given = true;
        begin_data(r, e, head.data[taken - 1] == '\n');
        return true;
    }
    if (r->lost &&
        (verdict != IMAP_RESPONSE_HEAD_LINE || head.data[0] == '*' || head.data[0] == '+')) {
        pass_from_here(r, STATE_LOST);
        return false;
    }
    if (verdict == IMAP_RESPONSE_HEAD_BAD)
        return bad(r, IMAP_RESPONSE_FAULT_HEAD, e);
    r->state = STATE_LINE;
    return false;
}

/* With what ends it. */
static size_t word_len(struct span s)
{
    size_t n = 0;

    while (n < s.len && s.data[n] != ' ' && s.data[n] != '\n')
        n++;
    return n < s.len ? n + 1 : n;
}

/* A word at a time, once something is held. True with an event. */
static bool read_head(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    struct span first = span_head(*in, r->limit);

    if (r->held == 0) {
        if (judge_head(r, first, in, e))
            return true;
        if (r->state != STATE_HEAD || r->given)
            return false;
        if (!hold(r, in, first.len, e))
            return true;
    } else if (!hold(r, in, word_len(span_head(*in, r->limit - r->held)), e)) {
        return true;
    } else if (judge_head(r, span_of(r->buffer, r->held), in, e)) {
        return true;
    }
    if (r->state != STATE_HEAD || r->given || r->held < r->limit)
        return false;
    if (!r->lost)
        return bad(r, IMAP_RESPONSE_FAULT_HEAD, e);
    pass_from_here(r, STATE_LOST);
    return false;
}

static bool tell_line(struct imap_response *r, struct span line, struct imap_response_event *e)
{
    r->state = STATE_HEAD;
    imap_response_line_read(e->cut ? line : without_cr(line), e);
    return true;
}

static bool read_line(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    struct span line;
    ptrdiff_t end;

    /* Its last word may have come with its end. */
    if (r->held && !r->cut && r->buffer[r->held - 1] == '\n') {
        line = give(r, e);
        return tell_line(r, span_head(line, line.len - 1), e);
    }
    end = span_find(*in, '\n');
    if (r->held == 0 && end >= 0) {
        line = span_head(*in, (size_t)end);
        e->cut = line.len > r->limit;
        line = span_head(line, r->limit);
        *in = span_skip(*in, (size_t)end + 1);
        return tell_line(r, line, e);
    }
    if (!hold(r, in, end < 0 ? in->len : (size_t)end, e))
        return true;
    if (end < 0)
        return false;
    *in = span_skip(*in, 1);
    line = give(r, e);
    return tell_line(r, line, e);
}

/* ---- data ---- */

static bool open_list(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    if (r->depth == IMAP_RESPONSE_DEPTH)
        return bad(r, IMAP_RESPONSE_FAULT_NESTED, e);
    *in = span_skip(*in, 1);
    e->kind = IMAP_RESPONSE_OPEN;
    e->depth = r->depth++;
    return true;
}

static bool close_list(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    if (r->depth == 0)
        return bad(r, IMAP_RESPONSE_FAULT_UNBALANCED, e);
    *in = span_skip(*in, 1);
    e->kind = IMAP_RESPONSE_CLOSE;
    e->depth = --r->depth;
    return true;
}

static bool begin_quoted(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    *in = span_skip(*in, 1);
    r->state = STATE_QUOTED;
    r->escaped = false;
    e->kind = IMAP_RESPONSE_STRING;
    e->depth = r->depth;
    return true;
}

static bool end_data(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    if (r->depth)
        return bad(r, IMAP_RESPONSE_FAULT_UNBALANCED, e);
    *in = span_skip(*in, 1);
    r->state = STATE_HEAD;
    e->kind = IMAP_RESPONSE_END;
    return true;
}

static bool read_token(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    while (in->len && (in->data[0] == ' ' || in->data[0] == '\r'))
        *in = span_skip(*in, 1);
    if (in->len == 0)
        return false;
    switch (in->data[0]) {
    case '(':
        return open_list(r, in, e);
    case ')':
        return close_list(r, in, e);
    case '"':
        return begin_quoted(r, in, e);
    case '\n':
        return end_data(r, in, e);
    case '{':
        r->state = STATE_SIZE;
        return false;
    default:
        r->state = STATE_ATOM;
        r->section = r->quoted = r->escaped = false;
        return false;
    }
}

/* What ends an atom. In a section blanks, lists and quoted strings are a part of it. */
static bool ends_atom(struct imap_response *r, uint8_t c)
{
    bool escaped = r->escaped;

    if (c == '\r' || c == '\n')
        return true;
    if (!r->section) {
        r->section = c == '[' && r->fetch && r->depth == 1;
        return c == ' ' || c == '(' || c == ')' || c == '"' || c == '{';
    }
    r->escaped = r->quoted && !escaped && c == '\\';
    if (c == '"' && !escaped)
        r->quoted = !r->quoted;
    if (r->quoted)
        return false;
    r->section = c != ']';
    return c == '{';
}

static bool tell_atom(struct imap_response *r, struct span atom, uint8_t end,
                      struct imap_response_event *e)
{
    r->state = STATE_TOKEN;
    if (r->section)
        return bad(r, IMAP_RESPONSE_FAULT_SECTION, e);
    if (end == '{' && span_equal(atom, span_text("~"))) {
        r->literal8 = true;
        return false;
    }
    e->kind = IMAP_RESPONSE_ATOM;
    e->depth = r->depth;
    e->text = atom;
    return true;
}

static bool read_atom(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    struct span atom;
    size_t n = 0;
    bool was[] = {r->section, r->quoted, r->escaped};

    while (n < in->len && !ends_atom(r, in->data[n]))
        n++;
    if (r->held == 0 && n < in->len) {
        atom = span_head(*in, n < r->limit ? n : r->limit);
        e->cut = n > r->limit;
        *in = span_skip(*in, n);
        return tell_atom(r, atom, in->data[0], e);
    }
    if (!hold(r, in, n, e)) {
        r->section = was[0];
        r->quoted = was[1];
        r->escaped = was[2];
        return true;
    }
    if (in->len == 0)
        return false;
    atom = give(r, e);
    return tell_atom(r, atom, in->data[0], e);
}

static bool begin_literal(struct imap_response *r, struct span line, struct imap_response_event *e)
{
    struct imap_literal l;

    line = without_cr(line);
    if (!imap_literal_announced(line, &l) || l.at != line.data || l.size == IMAP_LITERAL_SIZE_LIMIT)
        return false;
    r->state = STATE_LITERAL;
    r->literal = l.size;
    e->kind = IMAP_RESPONSE_STRING;
    e->depth = r->depth;
    e->literal = true;
    e->literal8 = r->literal8;
    e->size = l.size;
    r->literal8 = false;
    return true;
}

/* Nothing is taken of what is no announcement. */
static bool read_size(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    struct span some = span_head(*in, IMAP_LITERAL_ANNOUNCED_MAX - r->held);
    ptrdiff_t end = span_find(some, '\n');
    struct span line = span_head(some, end < 0 ? 0 : (size_t)end);

    if (end < 0 && some.len < in->len)
        return bad(r, IMAP_RESPONSE_FAULT_LITERAL, e);
    if (r->held || end < 0) {
        if (!hold(r, in, end < 0 ? some.len : line.len, e))
            return true;
        if (end < 0)
            return false;
        line = give(r, e);
    } else {
        *in = span_skip(*in, line.len);
    }
    if (begin_literal(r, line, e)) {
        *in = span_skip(*in, 1);
        return true;
    }
    bad(r, IMAP_RESPONSE_FAULT_LITERAL, e);
    keep_tail(r, line);
    return true;
}

static bool end_string(struct imap_response *r, struct imap_response_event *e)
{
    r->state = STATE_TOKEN;
    e->kind = IMAP_RESPONSE_STRING_END;
    return true;
}

static bool read_quoted(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    size_t n = 0;
    uint8_t c = in->data[0];

    if (c == '"' && !r->escaped) {
        *in = span_skip(*in, 1);
        return end_string(r, e);
    }
    if (c == '\\' && !r->escaped) {
        *in = span_skip(*in, 1);
        r->escaped = true;
        return false;
    }
    if (c == '\r' || c == '\n')
        return bad(r, IMAP_RESPONSE_FAULT_QUOTED, e);
    do
        n++;
    while (n < in->len && in->data[n] != '"' && in->data[n] != '\\' && in->data[n] != '\r' &&
           in->data[n] != '\n');
    r->escaped = false;
    e->kind = IMAP_RESPONSE_BYTES;
    e->text = span_head(*in, n);
    *in = span_skip(*in, n);
    return true;
}

static bool read_literal(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    if (r->literal == 0)
        return end_string(r, e);
    if (in->len == 0)
        return false;
    e->kind = IMAP_RESPONSE_BYTES;
    e->text = span_head(*in, r->literal < in->len ? (size_t)r->literal : in->len);
    *in = span_skip(*in, e->text.len);
    r->literal -= e->text.len;
    return true;
}

/* True with an event; false when the state has changed, or the input is used up. */
static bool step(struct imap_response *r, struct span *in, struct imap_response_event *e)
{
    switch (r->state) {
    case STATE_HEAD:
        return read_head(r, in, e);
    case STATE_LINE:
        return read_line(r, in, e);
    case STATE_END:
        r->state = STATE_HEAD;
        e->kind = IMAP_RESPONSE_END;
        return true;
    case STATE_TOKEN:
        return read_token(r, in, e);
    case STATE_ATOM:
        return read_atom(r, in, e);
    case STATE_SIZE:
        return read_size(r, in, e);
    case STATE_QUOTED:
        return read_quoted(r, in, e);
    case STATE_LITERAL:
        return read_literal(r, in, e);
    case STATE_PASS_LITERAL:
        pass_literal(r, in);
        return false;
    default:
        pass_line(r, in);
        return false;
    }
}

/* Something may be told without more input. */
static bool due(const struct imap_response *r)
{
    return r->state == STATE_END || (r->state == STATE_LITERAL && r->literal == 0) ||
           (r->state == STATE_LINE && r->held && r->buffer[r->held - 1] == '\n');
}

void imap_response_next(struct imap_response *r, struct span *in,
                        struct imap_response_event *event_out)
{
    memset(event_out, 0, sizeof(*event_out));
    do {
        if (r->given) {
            r->held = 0;
            r->given = r->cut = false;
        }
        if (in->len == 0 && !due(r))
            return;
    } while (!step(r, in, event_out));
}
