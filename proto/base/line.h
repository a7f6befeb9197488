/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_LINE_H
#define PROTO_BASE_LINE_H

#include "proto/base/span.h"

/*
 * Lines end in CRLF and in nothing else (RFC 5321 section 2.3.8, RFC 1939 section 3). This is the
 * one place that decides where a line ends; the scanners of message data use line_scan() for the
 * same decision.
 */

/* What some server somewhere takes for a line end, and we refuse by name. */
enum line_form {
    LINE_FORM_GOOD,
    LINE_FORM_BARE_CR, /* CR followed by something other than LF */
    LINE_FORM_BARE_LF, /* LF not preceded by CR */
    LINE_FORM_NUL,     /* NUL byte */
};

/* The name of a form, for replies and events: "bare CR", "bare LF", "NUL". */
const char *line_form_name(enum line_form form);

/*
 * Finds the first CR, LF or NUL in `s`; returns its offset, or s.len when there is none. Reads
 * nothing outside the span. Bound: one pass.
 */
size_t line_scan(struct span s);

enum line_status {
    LINE_MORE,   /* all input taken; the line is not whole yet */
    LINE_DONE,   /* *line_out is the line without its CRLF */
    LINE_BAD,    /* form_ says which line end was refused; the connection's framing is lost */
    LINE_LONG,   /* the line exceeds `limit`; nothing more can be read */
    LINE_BUFFER, /* the line is split over inputs and there is no buffer: attach one and call again
                  */
};

/*
 * A resumable reader of lines. When a line lies whole in the input it is returned in place, without
 * a copy. Only a line that is split needs memory: the caller attaches a buffer when LINE_BUFFER
 * asks for it and may detach it whenever `held` is 0, so an idle connection owns none.
 */
struct line {
    uint8_t *buffer; /* borrowed; NULL while none is attached */
    uint16_t held;   /* bytes of the unfinished line in `buffer` */
    uint16_t limit;  /* longest line, CRLF included; the buffer's size at least */
    uint8_t form;    /* enum line_form, set with LINE_BAD */
    bool done; /* the buffer holds a line that was handed out and is dropped at the next call */
};

void line_init(struct line *l, uint16_t limit);
/* Lends `buffer` of at least l->limit bytes. It must stay until line_detach(). */
void line_attach(struct line *l, uint8_t *buffer);
/* Takes the buffer back, NULL if there was none. Only legal when line_idle(). */
uint8_t *line_detach(struct line *l);
/* The same at any time: NULL also when the buffer holds something. */
uint8_t *line_take_back(struct line *l);
/* True when nothing of an unfinished line is held. A line handed out with LINE_DONE is dead
 * afterwards. */
bool line_idle(const struct line *l);
/*
 * Reads from *in and moves it behind what was taken. *line_out is valid until the next call, and no
 * longer than the input is.
 */
enum line_status line_feed(struct line *l, struct span *in, struct span *line_out);

#endif
