/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_REPLY_READER_H
#define PROTO_SMTP_SMTP_REPLY_READER_H

#include "proto/base/loose_line.h"

/*
 * The server's direction of SMTP: replies as real servers give them. O(1) state and one line
 * buffer, however many lines a reply has.
 *
 *   Reply-line = *( Reply-code "-" [ textstring ] CRLF )
 *                Reply-code [ SP textstring ] CRLF              ; RFC 5321 section 4.2
 *   textstring = [ status-code SP ] text                       ; RFC 2034 section 3
 *   status-code = ("2" / "4" / "5") "." 1*3DIGIT "." 1*3DIGIT
 */
enum { SMTP_REPLY_LINE_MAX = 1024 }; /* bytes of a line that are kept; RFC 5321 says 512 */

enum smtp_reply_status {
    SMTP_REPLY_READ_MORE,
    SMTP_REPLY_READ_LINE, /* *line_out is one */
    SMTP_REPLY_READ_BUFFER,
};

struct smtp_reply_line {
    uint16_t code;        /* 200 to 599; of the line, or of the reply when the line has none */
    uint16_t enhanced[3]; /* the status code, {0, 0, 0} when there is none */
    uint32_t number;      /* lines of this reply before */
    bool last;            /* the reply ends with it */
    bool stray;           /* no code, and no reply is under way: not a reply at all */
    bool sloppy;          /* not as the grammar has it, but understood */
    struct span text;     /* behind the code and its separator; valid until the next call */
};

struct smtp_reply_reader {
    struct loose_line line;
    uint16_t code; /* of the reply under way, 0: none */
    uint32_t lines;
};

void smtp_reply_reader_init(struct smtp_reply_reader *r);
static inline void smtp_reply_reader_attach(struct smtp_reply_reader *r, uint8_t *buffer)
{
    loose_line_attach(&r->line, buffer);
}
/* True when nothing of an unfinished reply was taken. */
static inline bool smtp_reply_reader_idle(const struct smtp_reply_reader *r)
{
    return loose_line_idle(&r->line) && !r->code;
}
/* Bytes are missing: the reply under way is dropped with what is left of its line. */
void smtp_reply_reader_gap(struct smtp_reply_reader *r);
/* Takes bytes from *in and moves it behind them. Bound: one pass. */
enum smtp_reply_status smtp_reply_reader_next(struct smtp_reply_reader *r, struct span *in,
                                              struct smtp_reply_line *line_out);

#endif
