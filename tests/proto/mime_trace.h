/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_MIME_TRACE_H
#define TESTS_PROTO_MIME_TRACE_H

#include "proto/mime/mime_tree.h"

#include <stdlib.h>

/*
 * Reads a whole message cut into pieces and writes down every event, one a line, the DATA of a part
 * put together, +0[...] what lies beside parts, N0 another name: F0@12 subject| raw value    H0@40
 * B0<65535 leaf text/plain 7bit ||filename|name D0[bytes]    E0@90 header body length lines decoded
 * !0@12 bare_lf    END@90 So two traces are equal exactly when the events are.
 */
struct mime_trace {
    struct mime_limits limits;
    struct mime_tree *tree;    /* fed with the events; or NULL */
    size_t first;              /* bytes of the first piece */
    size_t step;               /* and of the others */
    struct writer *out;        /* may become full: the trace is then a prefix */
    bool lend;                 /* the field buffer is lent when it is asked for */
    bool within;               /* the last event was DATA, or such */
    enum mime_event_kind kind; /* and which */
};

static inline void mime_trace_part(struct writer *w, const struct mime_part *p)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};
    struct span spans[] = {p->charset, p->disposition, p->filename, p->name};

    writer_printf(w, "<%u %s%s ", p->parent, kinds[p->kind], p->message ? "*" : "");
    writer_span_put(w, p->type);
    writer_byte(w, '/');
    writer_span_put(w, p->subtype);
    writer_byte(w, ' ');
    writer_text(w, mime_encoding_name((enum mime_encoding)p->encoding));
    for (size_t i = 0; i < 4; i++) {
        writer_byte(w, '|');
        writer_span_put(w, spans[i]);
    }
    writer_printf(w, " @%llu", (unsigned long long)p->header_offset);
}

static inline void mime_trace_event(struct mime_trace *t, const struct mime_event *e)
{
    static const char letters[] = "FHBDE!";
    struct writer *w = t->out;

    if (t->within && e->kind != t->kind) {
        writer_text(w, "]\n");
        t->within = false;
    }
    if (e->kind == MIME_DATA || e->kind == MIME_BESIDE) {
        if (!t->within)
            writer_printf(w, "%c%u[", e->kind == MIME_DATA ? 'D' : '+', e->part);
        writer_span_put(w, e->data);
        t->within = true;
        t->kind = e->kind;
        return;
    }
    t->within = false;
    if (e->kind == MIME_NAME) {
        writer_printf(w, "N%u ", e->part);
        writer_span_put(w, e->data);
        writer_byte(w, '\n');
        return;
    }
    if (e->kind == MIME_END) {
        writer_printf(w, "END@%llu\n", (unsigned long long)e->offset);
        return;
    }
    writer_printf(w, "%c%u@%llu", letters[e->kind], e->part, (unsigned long long)e->offset);
    if (e->kind == MIME_FIELD) {
        writer_byte(w, ' ');
        writer_span_put(w, e->field.name);
        writer_byte(w, '|');
        writer_span_put(w, e->field.value);
        writer_printf(w, "|%u%s", e->field.id, e->field.cut ? " cut" : "");
    } else if (e->kind == MIME_PART_BEGIN) {
        mime_trace_part(w, e->begin);
    } else if (e->kind == MIME_PART_END) {
        writer_printf(w, " %llu %llu %llu lines %llu decoded %llu",
                      (unsigned long long)e->end.header_offset,
                      (unsigned long long)e->end.body_offset, (unsigned long long)e->end.body_len,
                      (unsigned long long)e->end.lines, (unsigned long long)e->end.decoded);
    } else if (e->kind == MIME_ANOMALY) {
        writer_byte(w, ' ');
        writer_text(w, mime_anomaly_name(e->anomaly));
    }
    writer_byte(w, '\n');
}

/* Takes all events that one piece gives. Returns how many: a bound is for the caller to check. */
static inline size_t mime_trace_piece(struct mime_trace *t, struct mime_reader *r,
                                      struct span piece, uint8_t *field)
{
    struct mime_event event;
    enum mime_status status;
    size_t n = 0;

    while ((status = mime_reader_next(r, &piece, &event)) != MIME_MORE) {
        if (status == MIME_BUFFER) {
            mime_reader_attach(r, field);
            continue;
        }
        n++;
        mime_trace_event(t, &event);
        if (t->tree)
            mime_tree_feed(t->tree, &event);
    }
    if (piece.len)
        abort();
    return n;
}

/*
 * Each piece is handed over in memory of its own that ends where the piece ends and is gone
 * afterwards: so a sanitizer or a guard page sees a reader that looks beside it or keeps it.
 */
static inline void mime_trace_run(struct mime_trace *t, struct span message)
{
    struct mime_reader *r = malloc(sizeof(*r));
    uint8_t *field = malloc(t->limits.field), *scratch = malloc(MIME_SCRATCH_MIN);
    struct mime_memory memory = {
        .field = t->lend ? NULL : field, .scratch = scratch, .scratch_size = MIME_SCRATCH_MIN};
    size_t size = t->first;

    memset(r, 0xa5, sizeof(*r));
    if (!mime_reader_init(r, &memory, &t->limits))
        abort();
    for (size_t at = 0; at < message.len; size = t->step) {
        struct span piece = span_head(span_skip(message, at), size);
        uint8_t *copy = malloc(piece.len + 1);

        at += piece.len;
        if (piece.len)
            memcpy(copy + 1, piece.data, piece.len);
        /* An odd address: nothing may depend on how a piece is aligned. */
        mime_trace_piece(t, r, span_of(copy + 1, piece.len), field);
        memset(copy, 0xa5, piece.len + 1);
        free(copy);
    }
    mime_reader_finish(r);
    mime_trace_piece(t, r, span_of(NULL, 0), field);
    free(r);
    free(field);
    free(scratch);
}

#endif
