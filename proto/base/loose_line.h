/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_LOOSE_LINE_H
#define PROTO_BASE_LOOSE_LINE_H

#include "proto/base/span.h"

/*
 * Lines of other people's conversations, for who observes and cannot refuse: a line ends at LF,
 * whatever stands before it, and what is not as it should be is told. proto/base/line.h is for who
 * takes part. The lines and what is told of them do not depend on how the bytes were cut.
 */
enum loose_status {
    LOOSE_MORE,   /* all input taken; the line is not whole yet */
    LOOSE_LINE,   /* *line_out is a line without its line end, at most `limit` bytes of it */
    LOOSE_BUFFER, /* the line is split over inputs: attach a buffer of `limit` bytes and call again
                   */
};

struct loose_line {
    uint8_t *buffer; /* borrowed; NULL while none is attached */
    uint16_t held;   /* bytes of the unfinished line in `buffer` */
    uint16_t limit;
    bool cr;    /* the last byte taken is a CR that may belong to the line end; not in the buffer */
    bool over;  /* bytes of the unfinished line were left out */
    bool begun; /* something of a line was taken */
    bool skip;  /* the line under way lacks its beginning: it is left out */
    bool odd;   /* the unfinished line has a CR or a NUL in it */
    bool done;  /* the buffer holds a line that was handed out */
    bool cut;   /* of the line handed out: longer than `limit` */
    bool bare_lf; /* of the line handed out: no CR before its LF */
    bool inner;   /* of the line handed out: it has a CR or a NUL in it */
};

void loose_line_init(struct loose_line *l, uint16_t limit);
static inline void loose_line_attach(struct loose_line *l, uint8_t *buffer)
{
    l->buffer = buffer;
}
/* The buffer, when it holds nothing; NULL otherwise, or when there is none. A line handed out is
 * dead afterwards. */
uint8_t *loose_line_take_back(struct loose_line *l);
/* True when nothing of an unfinished line was taken. */
static inline bool loose_line_idle(const struct loose_line *l)
{
    return !l->begun;
}
/* Bytes are missing: what there is of the line under way is dropped, and all up to its LF. */
void loose_line_gap(struct loose_line *l);
/*
 * Reads from *in and moves it behind what was taken. *line_out is valid until the next call, and no
 * longer than the input is. Bound: one pass over the input.
 */
enum loose_status loose_line_feed(struct loose_line *l, struct span *in, struct span *line_out);

#endif
