/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_MIME_READINGS_RUN_H
#define TESTS_PROTO_MIME_READINGS_RUN_H

#include "proto/charset/charset.h"
#include "proto/mime/mime_readings.h"

#include <stdlib.h>

/*
 * Reads a message in all readings, cut into pieces, and writes down what each gives: parts and
 * their bytes, texts in their charset, files within. A further reading begins with what the one
 * that it comes from has given. So what the rules see can be looked for in these texts, and two
 * runs are equal when all of them are. Where a reading's number is used again, its texts follow
 * each other.
 */
enum mime_run_text { RUN_PARTS, RUN_TEXTS, RUN_FILES, RUN_KINDS };

struct mime_run {
    struct mime_limits limits;
    size_t first, step;                            /* bytes of the first piece and of the others */
    struct writer texts[MIME_READINGS][RUN_KINDS]; /* may become full: then a prefix */
    enum mime_event_kind last[MIME_READINGS][RUN_KINDS]; /* the event that was written last */
    uint64_t anomalies;
};

static inline void mime_run_other(struct mime_run *run, const struct mime_event *e)
{
    for (int kind = 0; kind < RUN_KINDS; kind++) {
        struct writer *w = &run->texts[e->reading][kind];

        writer_printf(w, "\n= %s of %u at %llu\n", mime_doubt_name(e->other.doubt), e->other.from,
                      (unsigned long long)e->offset);
        if (e->other.doubt != MIME_DOUBTS)
            writer_span_put(w, writer_span(&run->texts[e->other.from][kind]));
        run->last[e->reading][kind] = run->last[e->other.from][kind];
    }
}

static inline void mime_run_put(struct mime_run *run, const struct mime_event *e,
                                enum mime_run_text kind, const char *name)
{
    struct writer *w = &run->texts[e->reading][kind];

    if (run->last[e->reading][kind] != e->kind)
        writer_printf(w, "\n%s:", name);
    run->last[e->reading][kind] = e->kind;
    writer_span_put(w, e->data);
}

static inline void mime_run_event(struct mime_run *run, const struct mime_event *e)
{
    struct writer *parts = &run->texts[e->reading][RUN_PARTS];

    switch (e->kind) {
    case MIME_READING:
        mime_run_other(run, e);
        return;
    case MIME_ANOMALY:
        run->anomalies |= 1ull << e->anomaly;
        return;
    case MIME_PART_BEGIN:
        writer_printf(parts, "\n%u ", e->part);
        writer_span_put(parts, e->begin->type);
        writer_byte(parts, '/');
        writer_span_put(parts, e->begin->subtype);
        writer_byte(parts, ' ');
        writer_span_put(parts, e->begin->filename);
        writer_byte(&run->texts[e->reading][RUN_TEXTS], '\n');
        break;
    case MIME_DATA:
        mime_run_put(run, e, RUN_PARTS, "data");
        return;
    case MIME_BESIDE:
        mime_run_put(run, e, RUN_PARTS, "beside");
        return;
    case MIME_TEXT:
        mime_run_put(run, e, RUN_TEXTS, "text");
        return;
    case MIME_NAME:
    case MIME_FILE_BEGIN:
        run->last[e->reading][RUN_FILES] = MIME_END;
        mime_run_put(run, e, RUN_FILES, "name");
        return;
    case MIME_FILE_DATA:
        mime_run_put(run, e, RUN_FILES, "bytes");
        return;
    case MIME_FILE_END:
        run->last[e->reading][RUN_FILES] = e->kind;
        return;
    default:
        break;
    }
    run->last[e->reading][RUN_PARTS] = e->kind;
    run->last[e->reading][RUN_TEXTS] = e->kind;
}

static inline void mime_run_piece(struct mime_run *run, struct mime_readings *rs, struct span piece,
                                  uint8_t *field, void **lent, size_t *lent_count)
{
    enum mime_status status;
    struct mime_event event;

    while ((status = mime_readings_next(rs, &piece, &event)) != MIME_MORE) {
        if (status == MIME_BUFFER) {
            mime_reader_attach(&rs->first, field);
        } else if (status == MIME_DOUBT) {
            if (*lent_count == MIME_READINGS)
                abort();
            lent[*lent_count] = malloc(mime_readings_size(&run->limits));
            mime_readings_attach(rs, lent[(*lent_count)++]);
        } else {
            mime_run_event(run, &event);
        }
    }
}

/* Each piece lies in memory of its own, which is gone afterwards. */
static inline void mime_run(struct mime_run *run, struct span message)
{
    struct mime_readings *rs = malloc(sizeof(*rs));
    uint8_t *field = malloc(run->limits.field), *scratch = malloc(MIME_SCRATCH_MIN);
    struct mime_memory memory = {
        .scratch = scratch, .scratch_size = MIME_SCRATCH_MIN, .charset = &charset_all};
    void *lent[MIME_READINGS];
    size_t lent_count = 0, size = run->first;

    memset(rs, 0xa5, sizeof(*rs));
    if (!mime_readings_init(rs, &memory, &run->limits))
        abort();
    for (size_t at = 0; at < message.len; size = run->step) {
        struct span piece = span_head(span_skip(message, at), size);
        uint8_t *copy = malloc(piece.len + 1);

        at += piece.len;
        if (piece.len)
            memcpy(copy + 1, piece.data, piece.len);
        mime_run_piece(run, rs, span_of(copy + 1, piece.len), field, lent, &lent_count);
        memset(copy, 0xa5, piece.len + 1);
        free(copy);
    }
    mime_readings_finish(rs);
    mime_run_piece(run, rs, span_of(NULL, 0), field, lent, &lent_count);
    while (lent_count)
        free(lent[--lent_count]);
    free(rs);
    free(field);
    free(scratch);
}

#endif
