/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_reader.h"

#include "proto/mime/mime_body.h"
#include "proto/mime/mime_describe.h"
#include "proto/mime/mime_header.h"
#include "proto/mime/mime_leaf.h"

_Static_assert(sizeof(struct mime_reader) <= 7168, "many messages are under way at a time");
_Static_assert(MIME_BOUNDARY_MAX + 70 <= MIME_DELIMITER_MAX,
               "a delimiter line has room for padding");
_Static_assert(MIME_DELIMITER_MAX + 2 <= MIME_SCRATCH_MIN, "what was held is decoded in one step");

enum state {
    HEADER,
    SETTLE, /* the header is whole; what it says is decided */
    HEADER_END,
    PART_BEGIN,
    NAMES,
    BODY_BEGIN,
    BODY,
    CLOSE, /* the parts deeper than close_depth */
    END,
    OVER,
};

static struct mime_frame *top(struct mime_reader *r)
{
    return &r->frames[r->depth - 1];
}

/* The caller has checked that there is room: kind_of() keeps the depth, open_part() the count. */
static void push(struct mime_reader *r, bool message)
{
    uint16_t parent = r->depth ? top(r)->index : MIME_PART_NONE;

    r->frames[r->depth++] =
        (struct mime_frame){.index = r->parts++, .parent = parent, .message = message};
    mime_header_begin(r);
    r->state = HEADER;
}

bool mime_reader_init(struct mime_reader *r, const struct mime_memory *memory,
                      const struct mime_limits *limits)
{
    if (limits->field < MIME_FIELD_MIN || limits->depth < 1 || limits->depth > MIME_DEPTH_MAX ||
        limits->parts < 2 || limits->parts >= MIME_PART_NONE ||
        memory->scratch_size < MIME_SCRATCH_MIN)
        return false;
    memset(r, 0, offsetof(struct mime_reader, frames));
    r->limits = *limits;
    r->memory = *memory;
    r->doubt = MIME_DOUBTS;
    push(r, true);
    return true;
}

void mime_reader_finish(struct mime_reader *r)
{
    r->finished = true;
}

void mime_reader_attach(struct mime_reader *r, uint8_t *field)
{
    r->memory.field = field;
}

static void tell_anomaly(struct mime_reader *r, struct mime_event *event_out)
{
    unsigned first = (unsigned)__builtin_ctzll(r->anomalies);

    r->anomalies &= r->anomalies - 1;
    event_out->kind = MIME_ANOMALY;
    event_out->part = top(r)->index;
    event_out->offset = r->state == HEADER       ? r->field_offset
                        : r->state <= HEADER_END ? r->offset
                                                 : top(r)->body_offset;
    event_out->anomaly = (enum mime_anomaly)first;
}

static void tell_header_end(struct mime_reader *r, struct mime_event *event_out)
{
    event_out->kind = MIME_HEADER_END;
    event_out->part = top(r)->index;
    event_out->offset = r->offset;
    r->state = PART_BEGIN;
}

static void tell_part_begin(struct mime_reader *r, struct mime_event *event_out)
{
    event_out->kind = MIME_PART_BEGIN;
    event_out->part = top(r)->index;
    event_out->offset = r->offset;
    event_out->begin = &r->part;
    r->state = NAMES;
}

/* False when all names were told. */
static bool tell_name(struct mime_reader *r, struct mime_event *event_out)
{
    if (!mime_describe_name(r, &event_out->data)) {
        r->state = BODY_BEGIN;
        return false;
    }
    event_out->kind = MIME_NAME;
    event_out->part = top(r)->index;
    event_out->offset = r->offset;
    return true;
}

/*
 * Opens a part below the current one. The last part that the limit allows takes the rest of the
 * message as it is: so all of it is still seen by whoever scans bodies.
 */
static void open_part(struct mime_reader *r, bool message)
{
    top(r)->parented = true;
    push(r, message);
    if (r->parts < r->limits.parts)
        return;
    r->anomalies |= 1ull << MIME_ANOMALY_PARTS;
    r->boundaries_open = 0;
    r->part.type = span_text("application");
    r->part.subtype = span_text("octet-stream");
    r->part.encoding = MIME_ENCODING_BINARY;
    mime_describe_settle(r);
    r->state = HEADER_END;
}

static void begin_body(struct mime_reader *r)
{
    mime_body_begin(r);
    if (top(r)->kind == MIME_MESSAGE)
        open_part(r, true);
    else
        r->state = BODY;
}

/* What is wrong with a part is known when it ends. */
static void judge_part(struct mime_reader *r)
{
    struct mime_frame *f = top(r);

    f->judged = true;
    if (f->kind == MIME_MULTIPART && !f->closed && r->parts < r->limits.parts)
        r->body_anomalies |= 1ull << MIME_ANOMALY_CLOSE_MISSING;
    if (f->kind == MIME_MULTIPART && !f->parented)
        r->body_anomalies |= 1ull << MIME_ANOMALY_PARTS_NONE;
}

/*
 * All deeper parts are closed: the delimiter opens a part, or ends them; at the message's end
 * nothing follows.
 */
static void closed(struct mime_reader *r)
{
    if (r->depth == 0) {
        r->state = END;
        return;
    }
    top(r)->closed = r->closing_delimiter;
    top(r)->beside = false;
    if (!r->closing_delimiter) {
        open_part(r, false);
        return;
    }
    r->line_begin = true;
    r->state = BODY;
}

static void tell_part_end(struct mime_reader *r, struct mime_event *event_out)
{
    const struct mime_frame *f = top(r);

    event_out->kind = MIME_PART_END;
    event_out->part = f->index;
    event_out->end.header_offset = f->header_offset;
    event_out->end.body_offset = f->body_offset;
    /* A delimiter right behind the header takes the header's own line end. */
    event_out->end.body_len = r->body_end > f->body_offset ? r->body_end - f->body_offset : 0;
    event_out->end.lines = r->lines_end > f->lines ? r->lines_end - f->lines : 0;
    event_out->end.decoded = f->kind == MIME_LEAF ? r->decoded : 0;
    event_out->offset = f->body_offset + event_out->end.body_len;
    if (f->kind == MIME_MULTIPART && r->boundaries_open)
        r->boundaries_open--;
    r->depth--;
}

/* Moves what was seen of the body to what is told next. False when there is nothing. */
static bool collect(struct mime_reader *r)
{
    const uint64_t bare = 1ull << MIME_ANOMALY_BARE_LF;

    if (r->bare_told)
        r->body_anomalies &= ~bare;
    r->bare_told |= (r->body_anomalies & bare) != 0;
    r->anomalies = r->body_anomalies;
    r->body_anomalies = 0;
    return r->anomalies != 0;
}

/* One step of closing. True when *event_out is an event. */
static bool close_step(struct mime_reader *r, struct mime_event *event_out)
{
    if (r->depth > r->close_depth) {
        if (mime_leaf_flush(r, event_out))
            return true;
        if (!top(r)->judged)
            judge_part(r);
        if (collect(r))
            return false;
        tell_part_end(r, event_out);
        return true;
    }
    if (!collect(r))
        closed(r);
    return false;
}

static enum mime_status finish_body(struct mime_reader *r)
{
    if (!r->finished)
        return MIME_MORE;
    r->body_end = r->offset;
    r->lines_end = r->lines;
    r->close_depth = 0;
    r->state = CLOSE;
    return MIME_EVENT;
}

static enum mime_status step_header(struct mime_reader *r, struct span *in,
                                    struct mime_event *event_out, bool *told_out)
{
    switch (mime_header_next(r, in, event_out)) {
    case MIME_HEADER_MORE:
        return MIME_MORE;
    case MIME_HEADER_BUFFER:
        return MIME_BUFFER;
    case MIME_HEADER_FIELD:
        *told_out = true;
        break;
    case MIME_HEADER_AGAIN:
        break;
    case MIME_HEADER_DOUBT:
        return MIME_DOUBT;
    case MIME_HEADER_DONE:
        r->state = SETTLE;
        break;
    }
    return MIME_EVENT;
}

static enum mime_status step_body(struct mime_reader *r, struct span *in,
                                  struct mime_event *event_out, bool *told_out)
{
    switch (mime_body_next(r, in, event_out)) {
    case MIME_BODY_DATA:
        *told_out = true;
        break;
    case MIME_BODY_DELIMITER:
        r->state = CLOSE;
        break;
    case MIME_BODY_DOUBT:
        return MIME_DOUBT;
    case MIME_BODY_MORE:
        return finish_body(r);
    }
    return MIME_EVENT;
}

/* One step of a state. MIME_EVENT without *told_out: something was done, go on. */
static enum mime_status step(struct mime_reader *r, struct span *in, struct mime_event *event_out,
                             bool *told_out)
{
    *told_out = false;
    switch ((enum state)r->state) {
    case HEADER:
        return step_header(r, in, event_out, told_out);
    case SETTLE:
        if (mime_describe_asks(r))
            return MIME_DOUBT;
        mime_describe_settle(r);
        r->state = HEADER_END;
        return MIME_EVENT;
    case HEADER_END:
        tell_header_end(r, event_out);
        break;
    case PART_BEGIN:
        tell_part_begin(r, event_out);
        break;
    case NAMES:
        *told_out = tell_name(r, event_out);
        return MIME_EVENT;
    case BODY_BEGIN:
        begin_body(r);
        return MIME_EVENT;
    case BODY:
        return step_body(r, in, event_out, told_out);
    case CLOSE:
        *told_out = close_step(r, event_out);
        return MIME_EVENT;
    case END:
        *event_out = (struct mime_event){.kind = MIME_END, .offset = r->offset};
        r->state = OVER;
        break;
    case OVER:
        return MIME_MORE;
    }
    *told_out = true;
    return MIME_EVENT;
}

enum mime_status mime_reader_next(struct mime_reader *r, struct span *in,
                                  struct mime_event *event_out)
{
    for (;;) {
        bool again = r->replay.len > 0, told;
        enum mime_status status;

        if (r->anomalies) {
            tell_anomaly(r, event_out);
            return MIME_EVENT;
        }
        if (again) {
            /* Reading again may end in another line to be read again, which then replaces this one.
             */
            struct span replay = r->replay;

            r->replay = span_of(NULL, 0);
            status = step(r, &replay, event_out, &told);
            if (r->replay.len == 0)
                r->replay = replay;
        } else {
            status = step(r, in, event_out, &told);
        }
        if (status == MIME_EVENT && told)
            return MIME_EVENT;
        /* The end of what is read again is not the end of the input. */
        if (status != MIME_EVENT && !(again && status == MIME_MORE))
            return status;
    }
}

void mime_reader_fork(struct mime_reader *r, struct mime_reader *copy_out, uint8_t *field,
                      const struct mime_event *event)
{
    enum mime_doubt doubt = (enum mime_doubt)r->doubt;
    uint8_t bit = (uint8_t)(1u << doubt);

    r->doubts_known |= bit;
    r->doubt = MIME_DOUBTS;
    if (!copy_out)
        return;
    *copy_out = *r;
    copy_out->doubts_other |= bit;
    copy_out->anomalies = 0;
    copy_out->memory.field = field;
    mime_describe_rebase(copy_out, r);
    if (r->field_held)
        memcpy(field, r->memory.field, r->field_held);
    if (r->replay.len) {
        memcpy(field, r->replay.data, r->replay.len);
        copy_out->replay.data = field;
    }
    if (event)
        /* Behind the name stands the colon, or blanks. */
        mime_describe_again(copy_out, event->field.id, event->field.value,
                            event->field.name.data[event->field.name.len] != ':');
    if (doubt == MIME_DOUBT_PLAIN) {
        copy_out->part.encoding = MIME_ENCODING_BINARY;
        copy_out->tail_due = true;
    }
}
