/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_READER_H
#define PROTO_SMTP_SMTP_READER_H

#include "proto/base/line.h"

/*
 * The client's direction of SMTP as typed events. The events are a function of the bytes and of
 * when smtp_reader_begin_data() and the calls for chunks were made, never of how the bytes were cut
 * into inputs; only a run of text may be handed out in more or fewer pieces. Holds no bytes of a
 * message; a command line that is split over inputs is held in a buffer that is asked for
 * (proto/base/line.h).
 */
enum smtp_reader_event {
    SMTP_READER_MORE, /* all input taken */
    SMTP_READER_LINE, /* *bytes_out is a command line without its CRLF; valid as line_feed() says */
    SMTP_READER_TEXT, /* *bytes_out is the next bytes of the message: stuffed dots of DATA removed,
                         CRLF kept and never cut in two; in the input, or static when it was held
                         back between inputs or chunks */
    SMTP_READER_END,  /* the final dot's line; commands follow */
    SMTP_READER_CHUNK, /* the last byte of a chunk was taken; commands follow */
    SMTP_READER_LONG,  /* a command line over the limit was skipped up to its CRLF; or, in data, the
                          line that is being handed out has passed its limit (once a line, its text
                          goes on) */
    SMTP_READER_BAD, /* a bare CR, bare LF or NUL: smtp_reader_form(). Final: every later call says
                        it again */
    SMTP_READER_ODD, /* only of a lenient reader: *bytes_out is the next text, which is a bare CR, a
                        bare LF or a NUL: smtp_reader_form() */
    SMTP_READER_BUFFER, /* attach a buffer of the line limit's size and call again */
};

enum smtp_reader_mode {
    SMTP_READER_COMMANDS,
    SMTP_READER_SKIP, /* the rest of a command line that was too long */
    SMTP_READER_DATA,
    SMTP_READER_COUNTED, /* a chunk of a message */
    SMTP_READER_DISCARD, /* a chunk that nobody wants */
    SMTP_READER_STOPPED,
};

struct smtp_reader {
    struct line line;
    uint32_t text_line_max; /* octets of a data line without its LF; 0: no limit */
    uint32_t text_line; /* octets of the data line so far; UINT32_MAX when they no longer count */
    uint64_t left;      /* octets of the chunk that are still to come */
    uint8_t mode;       /* enum smtp_reader_mode */
    uint8_t at;         /* place in a data line, private; kept from chunk to chunk */
    bool last;          /* the chunk ends its message */
    bool skipped_cr;    /* a CR was the last byte that was skipped */
    bool binary;        /* chunks are octets, not lines */
    bool long_chunk;    /* the command line that was too long was a BDAT */
    bool lenient;       /* message data is never refused */
};

/* `line_max`: longest command line, CRLF included. `text_line_max`: RFC 5321 section 4.5.3.1.6 says
 * 1000. */
void smtp_reader_init(struct smtp_reader *r, uint16_t line_max, uint32_t text_line_max);

/* From here on message data, up to the final dot: call when the server's 354 was sent or seen. */
void smtp_reader_begin_data(struct smtp_reader *r);

/*
 * From here on `size` octets of message data as they stand (RFC 3030 section 2), then commands:
 * call behind the line of a BDAT that is taken. `first`: of its message; otherwise the line that
 * the chunk before left unfinished goes on. Line ends are judged as in DATA, across chunks too: a
 * CR that ends the last one is a bare CR.
 */
void smtp_reader_begin_chunk(struct smtp_reader *r, uint64_t size, bool first, bool last);

/* Whether the chunks to come are octets without lines (RFC 3030 section 3): nothing in them is
 * judged. */
static inline void smtp_reader_set_binary(struct smtp_reader *r, bool binary)
{
    r->binary = binary;
}

/*
 * For who observes a conversation and cannot refuse: what would be SMTP_READER_BAD in message data
 * is SMTP_READER_ODD, and text like other text; a line still begins behind CRLF alone.
 */
static inline void smtp_reader_set_lenient(struct smtp_reader *r)
{
    r->lenient = true;
}

/* Bytes of the message are missing: a line is under way. */
void smtp_reader_gap(struct smtp_reader *r);

/* After SMTP_READER_LONG on a command line: it was a BDAT, and how many octets follow is not known.
 */
static inline bool smtp_reader_long_chunk(const struct smtp_reader *r)
{
    return r->long_chunk;
}

/* What is still to come of the chunk is thrown away by count, whatever it is. */
void smtp_reader_discard_chunk(struct smtp_reader *r);

/* True inside a chunk, even one of no octets, up to its SMTP_READER_CHUNK. */
static inline bool smtp_reader_in_chunk(const struct smtp_reader *r)
{
    return r->mode == SMTP_READER_COUNTED || r->mode == SMTP_READER_DISCARD;
}

/* Takes bytes from *in and moves it behind them. Bound: one pass; O(1) state. */
enum smtp_reader_event smtp_reader_next(struct smtp_reader *r, struct span *in,
                                        struct span *bytes_out);

/* What was refused, after SMTP_READER_BAD. */
enum line_form smtp_reader_form(const struct smtp_reader *r);

#endif
