/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_readings.h"

_Static_assert((int)MIME_DERIVE_ROOM <= (int)MIME_SCRATCH_MIN, "one size of scratch serves both");

static const enum mime_anomaly told[MIME_DOUBTS + 1] = {
#define DOUBT(NAME, name, what) MIME_ANOMALY_READING_##NAME,
#include "proto/mime/mime_doubt.def"
#undef DOUBT
    MIME_ANOMALY_MESSAGE_ENCODED,
};

static size_t rounded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

size_t mime_readings_size(const struct mime_limits *limits)
{
    return rounded(sizeof(struct mime_reader)) + rounded(sizeof(struct mime_derive)) +
           MIME_SCRATCH_MIN + limits->field;
}

bool mime_readings_init(struct mime_readings *rs, const struct mime_memory *memory,
                        const struct mime_limits *limits)
{
    if (!mime_reader_init(&rs->first, memory, limits))
        return false;
    memset(&rs->first_derive, 0, sizeof(rs->first_derive));
    memset(&rs->all, 0,
           offsetof(struct mime_readings, derived) - offsetof(struct mime_readings, all));
    rs->memory = *memory;
    rs->limits = *limits;
    rs->asking = MIME_READINGS;
    rs->used = 1;
    rs->first.asks = true;
    rs->all[0] = (struct mime_reading){.reader = &rs->first,
                                       .derive = &rs->first_derive,
                                       .used = true,
                                       .feeder = MIME_READINGS,
                                       .leaf = MIME_PART_NONE};
    return true;
}

bool mime_readings_instead(const struct mime_readings *rs, uint8_t reading)
{
    return mime_derive_instead(rs->all[reading].derive);
}

static uint8_t number(const struct mime_readings *rs, const struct mime_reading *g)
{
    return (uint8_t)(g - rs->all);
}

/*
 * The slot of the reading that decides a doubt of `g` otherwise. Slots follow from what was
 * decided, so that they do not depend on how the message was cut: 0 to 3 by the doubts about the
 * whole message, and for each two more that live as long as a leaf. These are read on before the
 * reading that they come from, so they have ended when it meets the next leaf.
 */
static uint8_t slot_of(const struct mime_readings *rs, const struct mime_reading *g,
                       enum mime_doubt doubt)
{
    uint8_t n = number(rs, g);

    switch (doubt) {
    case MIME_DOUBT_HEADER:
        return n | 1;
    case MIME_DOUBT_DELIMITER:
        return n | 2;
    case MIME_DOUBT_PLAIN:
        return (uint8_t)(n + 2 * MIME_READINGS_WHOLE);
    default:
        return (uint8_t)(n + MIME_READINGS_WHOLE);
    }
}

/* The slot of the message in a leaf of `g`; MIME_READINGS: that is not read. */
static uint8_t slot_within(const struct mime_readings *rs, const struct mime_reading *g)
{
    uint8_t n = number(rs, g);

    if (n == 0)
        return MIME_READINGS_DECODED;
    return n < MIME_READINGS_DECODED ? MIME_READINGS : (uint8_t)(n + 1);
}

static void lend(struct mime_reading *g, uint8_t *memory)
{
    g->reader = (struct mime_reader *)(void *)memory;
    memory += rounded(sizeof(struct mime_reader));
    g->derive = (struct mime_derive *)(void *)memory;
    memory += rounded(sizeof(struct mime_derive));
    g->scratch = memory;
    g->field = memory + MIME_SCRATCH_MIN;
}

/* Where a doubt is: a line that is being gathered counts from its begin. */
static uint64_t offset_of(const struct mime_reader *r)
{
    return r->offset - r->field_total;
}

static void queue_anomaly(struct mime_readings *rs, const struct mime_reading *at,
                          enum mime_anomaly anomaly)
{
    const struct mime_reader *r = at->reader;

    rs->queue[rs->queued++] = (struct mime_event){.kind = MIME_ANOMALY,
                                                  .part = r->frames[r->depth - 1].index,
                                                  .reading = number(rs, at),
                                                  .offset = offset_of(r),
                                                  .anomaly = anomaly};
}

/* The events that tell of a reading: the anomaly first. */
static void announce(struct mime_readings *rs, const struct mime_reading *from,
                     const struct mime_reading *other, enum mime_doubt doubt)
{
    rs->queue[rs->queued++] = (struct mime_event){
        .kind = MIME_READING,
        .part = from->reader->frames[from->reader->depth - 1].index,
        .reading = number(rs, other),
        .offset = offset_of(from->reader),
        .other = {.doubt = doubt, .from = number(rs, from)},
    };
    queue_anomaly(rs, from, told[doubt]);
}

static void begin_other(struct mime_readings *rs, struct mime_reading *g,
                        struct mime_reading *other)
{
    enum mime_doubt doubt = (enum mime_doubt)g->reader->doubt;
    const bool leaf =
        doubt == MIME_DOUBT_BASE64 || doubt == MIME_DOUBT_PLAIN || doubt == MIME_DOUBT_QP;

    *other = (struct mime_reading){.reader = other->reader,
                                   .derive = other->derive,
                                   .field = other->field,
                                   .scratch = other->scratch,
                                   .rest = g->rest,
                                   .used = true,
                                   .due = true,
                                   .feeder = g->feeder,
                                   .fed = g->fed,
                                   .leaf = g->leaf};
    if (leaf)
        other->leaf = g->reader->frames[g->reader->depth - 1].index;
    mime_reader_fork(g->reader, other->reader, other->field, rs->held ? &rs->event : NULL);
    other->reader->memory.scratch = other->scratch;
    other->reader->memory.scratch_size = MIME_SCRATCH_MIN;
    *other->derive = *g->derive;
    /* One that lives as long as a leaf meets no doubts of its own. */
    other->reader->asks = !leaf;
    rs->used++;
    announce(rs, g, other, doubt);
}

/* The message in the leaf that reading `g` has just begun. */
static void begin_message(struct mime_readings *rs, struct mime_reading *g,
                          struct mime_reading *other)
{
    struct mime_memory memory = {.field = other->field,
                                 .scratch = other->scratch,
                                 .scratch_size = MIME_SCRATCH_MIN,
                                 .charset = rs->memory.charset};

    *other = (struct mime_reading){.reader = other->reader,
                                   .derive = other->derive,
                                   .field = other->field,
                                   .scratch = other->scratch,
                                   .used = true,
                                   .feeder = number(rs, g),
                                   .fed = g->reader->frames[g->reader->depth - 1].index,
                                   .leaf = MIME_PART_NONE};
    mime_reader_init(other->reader, &memory, &rs->limits);
    memset(other->derive, 0, sizeof(*other->derive));
    rs->used++;
    announce(rs, g, other, MIME_DOUBTS);
}

static void begin(struct mime_readings *rs, struct mime_reading *g, struct mime_reading *other)
{
    if (number(rs, other) < MIME_READINGS_DECODED)
        begin_other(rs, g, other);
    else
        begin_message(rs, g, other);
}

/* A further reading is wanted, in `slot`. True when it has begun, false when memory is wanted. */
static bool decide(struct mime_readings *rs, struct mime_reading *g, uint8_t slot)
{
    if (!rs->all[slot].reader) {
        rs->asking = number(rs, g);
        rs->wanted = slot;
        return false;
    }
    begin(rs, g, &rs->all[slot]);
    return true;
}

static bool decide_doubt(struct mime_readings *rs, struct mime_reading *g)
{
    return decide(rs, g, slot_of(rs, g, (enum mime_doubt)g->reader->doubt));
}

void mime_readings_attach(struct mime_readings *rs, void *memory)
{
    struct mime_reading *g = &rs->all[rs->asking];

    rs->asking = MIME_READINGS;
    lend(&rs->all[rs->wanted], memory);
    begin(rs, g, &rs->all[rs->wanted]);
}

void mime_readings_finish(struct mime_readings *rs)
{
    rs->finished = true;
}

/* Whoever reads the input begins it. */
static void begin_input(struct mime_readings *rs, struct span in)
{
    const struct mime_reading *end = rs->used == 1 ? rs->all + 1 : rs->all + MIME_READINGS;

    for (struct mime_reading *g = rs->all; g < end; g++) {
        if (!g->used || g->feeder != MIME_READINGS)
            continue;
        g->rest = in;
        g->due = true;
        if (rs->finished)
            mime_reader_finish(g->reader);
    }
    rs->open = true;
}

/*
 * The last reading that is due: those that read its DATA, and those that live as long as its leaf,
 * stand behind it. NULL: none is.
 */
static struct mime_reading *next_due(struct mime_readings *rs)
{
    if (rs->used == 1)
        return rs->all[0].due ? rs->all : NULL;
    for (struct mime_reading *g = rs->all + MIME_READINGS; g-- > rs->all;)
        if (g->used && g->due)
            return g;
    return NULL;
}

/* Those that read the DATA of `g`. `ends`: it was the last. */
static void feed(struct mime_readings *rs, const struct mime_reading *g, struct span data,
                 bool ends)
{
    for (struct mime_reading *c = rs->all; c < rs->all + MIME_READINGS; c++) {
        if (!c->used || c->feeder != number(rs, g))
            continue;
        c->rest = data;
        c->due = true;
        if (ends)
            mime_reader_finish(c->reader);
    }
}

static void retire(struct mime_readings *rs, struct mime_reading *g)
{
    g->used = false;
    g->due = false;
    rs->used--;
}

static bool is(struct span token, const char *word)
{
    return span_equal_nocase(token, span_text(word));
}

static bool encoded_message(const struct mime_part *p)
{
    return p->kind == MIME_LEAF && is(p->type, "message") &&
           (is(p->subtype, "rfc822") || is(p->subtype, "global")) &&
           (p->encoding == MIME_ENCODING_BASE64 || p->encoding == MIME_ENCODING_QP ||
            p->encoding == MIME_ENCODING_UU);
}

/* What an event asks for before it is given. True when it has to wait in rs->event. */
static bool before(struct mime_readings *rs, struct mime_reading *g, const struct mime_event *e)
{
    switch (e->kind) {
    case MIME_FIELD:
        return g->reader->doubt != MIME_DOUBTS;
    case MIME_PART_END:
        mime_derive_finish(g->derive);
        g->deriving = true;
        return true;
    default:
        return false;
    }
}

/* What follows from an event that is being given. */
static void behind(struct mime_readings *rs, struct mime_reading *g, const struct mime_event *e)
{
    switch (e->kind) {
    case MIME_PART_BEGIN:
        mime_derive_begin(g->derive, e->begin, rs->memory.charset);
        g->deriving = true;
        break;
    case MIME_DATA:
        mime_derive_feed(g->derive, e->data);
        g->deriving = true;
        if (rs->used > 1)
            feed(rs, g, e->data, false);
        break;
    case MIME_PART_END:
        if (rs->used > 1)
            feed(rs, g, span_of(NULL, 0), true);
        if (e->part == g->leaf)
            retire(rs, g);
        break;
    case MIME_END:
        if (number(rs, g) != 0)
            retire(rs, g);
        break;
    default:
        break;
    }
}

static enum mime_status give(struct mime_readings *rs, struct mime_reading *g,
                             struct mime_event *event_out)
{
    event_out->reading = number(rs, g);
    behind(rs, g, event_out);
    return MIME_EVENT;
}

/* One step of a reading. MIME_MORE: its input is used up, or something was done. */
static enum mime_status step(struct mime_readings *rs, struct mime_reading *g,
                             struct mime_event *event_out)
{
    enum mime_status status;

    if (g->deriving) {
        const struct mime_reader *r = g->reader;

        event_out->part = rs->held ? rs->event.part : r->frames[r->depth - 1].index;
        event_out->offset = rs->held ? rs->event.offset : r->offset;
        if (mime_derive_next(g->derive, rs->derived, event_out)) {
            event_out->reading = number(rs, g);
            return MIME_EVENT;
        }
        g->deriving = false;
    }
    if (rs->held) {
        rs->held = false;
        *event_out = rs->event;
        return give(rs, g, event_out);
    }
    status = mime_reader_next(g->reader, &g->rest, event_out);
    if (status == MIME_MORE)
        g->due = false;
    if (status == MIME_DOUBT)
        return decide_doubt(rs, g) ? MIME_MORE : MIME_DOUBT;
    if (status != MIME_EVENT)
        return status;
    if (before(rs, g, event_out)) {
        rs->event = *event_out;
        rs->event.reading = number(rs, g);
        rs->held = true;
        if (event_out->kind == MIME_FIELD && !decide_doubt(rs, g))
            return MIME_DOUBT;
        return MIME_MORE;
    }
    give(rs, g, event_out);
    if (event_out->kind != MIME_PART_BEGIN || !encoded_message(event_out->begin))
        return MIME_EVENT;
    /* The message within is told of behind its part's begin; memory for it may be asked of then. */
    if (slot_within(rs, g) < MIME_READINGS)
        decide(rs, g, slot_within(rs, g));
    else if (number(rs, g) >= MIME_READINGS_DECODED)
        queue_anomaly(rs, g, MIME_ANOMALY_READINGS);
    return MIME_EVENT;
}

enum mime_status mime_readings_next(struct mime_readings *rs, struct span *in,
                                    struct mime_event *event_out)
{
    if (!rs->open)
        begin_input(rs, *in);
    for (;;) {
        struct mime_reading *g;
        enum mime_status status;

        if (rs->queued) {
            *event_out = rs->queue[--rs->queued];
            return MIME_EVENT;
        }
        if (rs->asking != MIME_READINGS)
            return MIME_DOUBT;
        /* What is held goes before all else: its spans hold until its reader goes on. */
        g = rs->held ? &rs->all[rs->event.reading] : next_due(rs);
        if (!g) {
            rs->open = false;
            *in = span_skip(*in, in->len);
            return MIME_MORE;
        }
        status = step(rs, g, event_out);
        if (status != MIME_MORE)
            return status;
    }
}
