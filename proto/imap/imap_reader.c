/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_reader.h"

#include "proto/imap/imap_literal.h"

enum state {
    STATE_LINE,    /* in a line of a command */
    STATE_LITERAL, /* in a literal that is buffered, or passed over */
    STATE_DECIDE,  /* an APPEND was handed out: accepted or refused? */
    STATE_MESSAGE, /* in a message's literal */
    STATE_BROKEN,  /* where lines end is not known any more */
};

enum { BUFFER_LEAST = 512 };

void imap_reader_init(struct imap_reader *r, const struct imap_reader_limits *limits)
{
    memset(r, 0, sizeof(*r));
    r->limits = limits;
}

uint8_t *imap_reader_attach(struct imap_reader *r, uint8_t *buffer, uint32_t size)
{
    uint8_t *before = r->buffer;

    if (r->held)
        memcpy(buffer, before, r->held);
    r->buffer = buffer;
    r->size = size;
    return before;
}

uint8_t *imap_reader_take_back(struct imap_reader *r)
{
    uint8_t *buffer = r->buffer;

    if (r->held && !r->given)
        return NULL;
    r->buffer = NULL;
    r->size = r->held = r->begin = 0;
    r->given = false;
    return buffer;
}

bool imap_reader_idle(const struct imap_reader *r)
{
    return r->state == STATE_LINE && (r->held == 0 || r->given) && r->line == 0 && !r->cr &&
           !r->skipping && !r->appending;
}

void imap_reader_expect_line(struct imap_reader *r)
{
    r->expect_line = true;
}

/* The command is over: the next one begins. */
static void reset(struct imap_reader *r)
{
    r->state = STATE_LINE;
    r->line = 0;
    r->literal = 0;
    r->given = true;
    r->skipping = r->appending = r->nul = r->cr = r->expect_line = false;
}

/* What still comes of the command: nothing when the client waits, else a literal and the rest. */
static void skip_literal(struct imap_reader *r, uint64_t size, bool sync)
{
    if (sync) {
        reset(r);
        return;
    }
    r->skipping = true;
    r->state = STATE_LITERAL;
    r->literal = size;
}

void imap_reader_accept(struct imap_reader *r)
{
    r->appending = true;
    r->nul = false;
    r->line = 0;
    r->given = true;
    r->state = STATE_MESSAGE;
}

void imap_reader_refuse(struct imap_reader *r)
{
    r->given = true;
    skip_literal(r, r->literal, r->sync);
}

/* Sets up a refusal; what was read of the command stays until the next call. */
static void refuse(struct imap_reader *r, enum imap_refusal why, struct imap_reader_event *e)
{
    e->kind = IMAP_READER_REFUSED;
    e->refusal = why;
    if (!r->appending && !r->skipping && !r->expect_line)
        (void)imap_command_parse(span_of(r->buffer, r->held), &e->command);
    r->skipping = true;
    r->given = true;
}

static void give_up(struct imap_reader *r, enum imap_refusal why, struct imap_reader_event *e)
{
    refuse(r, why, e);
    r->state = STATE_BROKEN;
}

/* The octets of the line under way that are held. */
static struct span line_held(const struct imap_reader *r)
{
    return r->held ? span_of(r->buffer + r->begin, r->held - r->begin) : span_of(NULL, 0);
}

/* Of what is held only the line's last `n` octets stay. */
static void keep_end(struct imap_reader *r, size_t n)
{
    struct span line = line_held(r);

    if (n > line.len)
        n = line.len;
    if (n)
        memmove(r->buffer, line.data + line.len - n, n);
    r->held = (uint32_t)n;
    r->begin = 0;
}

/* True when there is room for `n` more bytes; otherwise asks for a buffer. */
static bool room(struct imap_reader *r, uint64_t n, struct imap_reader_event *e)
{
    uint64_t wanted = r->held + n, twice = 2 * (uint64_t)r->held;

    if (wanted <= r->size)
        return true;
    if (twice < BUFFER_LEAST)
        twice = BUFFER_LEAST;
    if (wanted < twice)
        wanted = twice <= r->limits->command ? twice : r->limits->command;
    r->wanted = (uint32_t)wanted;
    e->kind = IMAP_READER_BUFFER;
    return false;
}

static void hold(struct imap_reader *r, struct span bytes)
{
    if (bytes.len)
        memcpy(r->buffer + r->held, bytes.data, bytes.len);
    r->held += (uint32_t)bytes.len;
}

/* Of a line that is passed over only the end is kept. */
static void hold_end(struct imap_reader *r, struct span bytes)
{
    if (bytes.len > IMAP_LITERAL_ANNOUNCED_MAX)
        bytes = span_skip(bytes, bytes.len - IMAP_LITERAL_ANNOUNCED_MAX);
    keep_end(r, IMAP_LITERAL_ANNOUNCED_MAX - bytes.len);
    hold(r, bytes);
}

/* Why a literal that is announced at the end of what is held cannot be taken. */
static enum imap_refusal judge(const struct imap_reader *r, const struct imap_literal *a,
                               bool message)
{
    if (!a->sync && a->size > r->limits->nonsync)
        return IMAP_REFUSAL_LITERAL_NONSYNC;
    if (message)
        return a->size > r->limits->append ? IMAP_REFUSAL_APPEND_LONG : IMAP_REFUSAL_NONE;
    if (a->size > r->limits->literal)
        return IMAP_REFUSAL_LITERAL_LONG;
    if (r->held + 2 + a->size > r->limits->command)
        return IMAP_REFUSAL_COMMAND_LONG;
    return IMAP_REFUSAL_NONE;
}

/* A literal is announced and will be taken: as a message, or into the buffer. True with an event.
 */
static bool begin_literal(struct imap_reader *r, const struct imap_literal *a, bool message,
                          struct imap_reader_event *e)
{
    hold(r, span_text("\r\n"));
    r->literal = a->size;
    r->sync = a->sync;
    r->literal8 = a->literal8;
    if (!message) {
        r->state = STATE_LITERAL;
        e->kind = IMAP_READER_CONTINUE;
        return a->sync;
    }
    r->state = STATE_DECIDE;
    e->kind = IMAP_READER_APPEND;
    e->bytes = span_of(r->buffer, r->held);
    e->size = a->size;
    e->sync = a->sync;
    e->literal8 = a->literal8;
    if (!r->appending)
        (void)imap_command_parse(e->bytes, &e->command);
    return true;
}

/* The line that is held ends in an announcement. True with an event. */
static bool end_announced(struct imap_reader *r, const struct imap_literal *a,
                          struct imap_reader_event *e)
{
    enum imap_refusal why = IMAP_REFUSAL_NONE;
    struct imap_command command = {0};
    bool message = r->appending;

    if (r->skipping) {
        skip_literal(r, a->size, a->sync);
        return false;
    }
    if (!message) {
        why = imap_command_parse(span_of(r->buffer, r->held), &command);
        /* What stands first is the mailbox, what comes behind it the message. */
        message = command.verb == IMAP_VERB_APPEND && a->at != command.args.data;
    }
    if (why == IMAP_REFUSAL_NONE)
        why = judge(r, a, message);
    if (why == IMAP_REFUSAL_NONE && message && r->nul)
        why = IMAP_REFUSAL_LITERAL_NUL;
    if (why == IMAP_REFUSAL_NONE)
        return begin_literal(r, a, message, e);
    refuse(r, why, e);
    skip_literal(r, a->size, a->sync);
    return true;
}

/* A command or a line is whole. */
static void end_command(struct imap_reader *r, struct span bytes, struct imap_reader_event *e)
{
    enum imap_refusal why = IMAP_REFUSAL_NONE;

    e->bytes = bytes;
    if (r->expect_line) {
        e->kind = IMAP_READER_LINE;
    } else if (r->appending) {
        e->kind = IMAP_READER_APPEND_END;
    } else {
        e->kind = IMAP_READER_COMMAND;
        why = imap_command_parse(bytes, &e->command);
        if (why == IMAP_REFUSAL_NONE && r->nul)
            why = IMAP_REFUSAL_LITERAL_NUL;
    }
    if (why != IMAP_REFUSAL_NONE) {
        e->kind = IMAP_READER_REFUSED;
        e->refusal = why;
    }
    reset(r);
}

/* CRLF: the line that is held is whole. True with an event. */
static bool end_line(struct imap_reader *r, struct imap_reader_event *e)
{
    struct imap_literal a;

    r->cr = false;
    if (!r->expect_line && imap_literal_announced(line_held(r), &a))
        return end_announced(r, &a, e);
    if (!r->skipping) {
        end_command(r, span_of(r->buffer, r->held), e);
        return true;
    }
    reset(r);
    return false;
}

/* Keeps what comes of a line. False with an event: no buffer, or the line is too long. */
static bool take_text(struct imap_reader *r, struct span *in, size_t n, struct imap_reader_event *e)
{
    size_t line_room = r->limits->line > r->line + 2 ? r->limits->line - r->line - 2 : 0;
    size_t command_room = r->limits->command > r->held + 2 ? r->limits->command - r->held - 2 : 0;
    size_t take = n < line_room ? n : line_room;

    if (r->skipping) {
        if (r->size < IMAP_LITERAL_ANNOUNCED_MAX && !room(r, IMAP_LITERAL_ANNOUNCED_MAX, e))
            return false;
        hold_end(r, span_head(*in, n));
        *in = span_skip(*in, n);
        return true;
    }
    if (take > command_room)
        take = command_room;
    /* Room for CRLF, too: an announced literal keeps it. */
    if (take && !room(r, take + 2, e))
        return false;
    hold(r, span_head(*in, take));
    *in = span_skip(*in, take);
    r->line += (uint32_t)take;
    if (take == n)
        return true;
    refuse(r, command_room < line_room ? IMAP_REFUSAL_COMMAND_LONG : IMAP_REFUSAL_LINE_LONG, e);
    return false;
}

/* What stands behind the text of a line: CR, LF, NUL. True with an event. */
static bool take_end(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    uint8_t c = in->data[0];

    if (r->cr ? c != '\n' : c != '\r') {
        give_up(r,
                r->cr       ? IMAP_REFUSAL_BARE_CR
                : c == '\n' ? IMAP_REFUSAL_BARE_LF
                            : IMAP_REFUSAL_NUL,
                e);
        return true;
    }
    *in = span_skip(*in, 1);
    if (r->cr)
        return end_line(r, e);
    r->cr = true;
    return false;
}

/* True with an event; false when the input is used up or the state has changed. */
static bool read_line(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    size_t n = r->cr ? 0 : line_scan(*in);

    if (!take_text(r, in, n, e))
        return true;
    return in->len && take_end(r, in, e);
}

/* The common case: a whole command that fits one line, in place. */
static bool read_in_place(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    size_t n = line_scan(*in);

    /* What ends in "}" may announce a literal. */
    if (n + 1 >= in->len || in->data[n] != '\r' || in->data[n + 1] != '\n' ||
        n + 2 > r->limits->line || (n && in->data[n - 1] == '}' && !r->expect_line))
        return false;
    end_command(r, span_head(*in, n), e);
    *in = span_skip(*in, n + 2);
    return true;
}

static bool read_literal(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    size_t n = r->literal < in->len ? (size_t)r->literal : in->len;
    struct span bytes = span_head(*in, n);

    if (!r->skipping) {
        if (!room(r, r->literal, e))
            return true;
        hold(r, bytes);
        r->nul = r->nul || (!r->literal8 && span_find(bytes, 0) >= 0);
    }
    *in = span_skip(*in, n);
    r->literal -= n;
    if (r->literal)
        return false;
    r->state = STATE_LINE;
    r->begin = r->held;
    return false;
}

static bool read_message(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    size_t n = r->literal < in->len ? (size_t)r->literal : in->len;

    if (r->literal == 0) {
        e->kind = IMAP_READER_DATA_END;
        e->nul = r->nul;
        e->literal8 = r->literal8;
        r->nul = false;
        r->state = STATE_LINE;
        return true;
    }
    e->kind = IMAP_READER_DATA;
    e->bytes = span_head(*in, n);
    r->nul = r->nul || span_find(e->bytes, 0) >= 0;
    *in = span_skip(*in, n);
    r->literal -= n;
    return true;
}

static bool step(struct imap_reader *r, struct span *in, struct imap_reader_event *e)
{
    switch (r->state) {
    case STATE_LINE:
        return (imap_reader_idle(r) && read_in_place(r, in, e)) || read_line(r, in, e);
    case STATE_LITERAL:
        return read_literal(r, in, e);
    case STATE_MESSAGE:
        return read_message(r, in, e);
    case STATE_DECIDE:
        imap_reader_refuse(r);
        return false;
    default:
        *in = span_skip(*in, in->len);
        return false;
    }
}

/* What was handed out is dead; of a line that is passed over its end is still wanted. */
static void drop(struct imap_reader *r)
{
    keep_end(r, r->skipping && r->state == STATE_LINE ? IMAP_LITERAL_ANNOUNCED_MAX : 0);
    r->given = false;
}

void imap_reader_next(struct imap_reader *r, struct span *in, struct imap_reader_event *event_out)
{
    memset(event_out, 0, sizeof(*event_out));
    do {
        if (r->given)
            drop(r);
        if (in->len == 0 && !(r->state == STATE_MESSAGE && r->literal == 0)) {
            event_out->kind = IMAP_READER_MORE;
            return;
        }
    } while (!step(r, in, event_out));
}
