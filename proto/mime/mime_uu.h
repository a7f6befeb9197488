/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_UU_H
#define PROTO_MIME_MIME_UU_H

#include "proto/base/writer.h"

/*
 * A resumable reader of uuencoded files (POSIX.1-2017, uuencode): a line "begin 644 name", lines of
 * a length character and groups of four, a line "end". Finds them among other text, one behind the
 * other. A line that is none of them is passed over and noted; a line without its last groups gives
 * what it has. The result does not depend on how the input was cut.
 */
enum { MIME_UU_LINE = 300 }; /* bytes of a line that are looked at: its name is cut there */
enum { MIME_UU_ROOM = 64 };  /* bytes of room that mime_uu_next() needs */

struct mime_uu {
    uint16_t len;  /* of the line under way; longer ones are cut */
    bool within;   /* between "begin" and "end" */
    bool ended;    /* "end" was read and is to be told */
    bool mid_line; /* outside of a file: the rest of a line that begins none */
    bool seen;     /* a file has begun */
    bool bad;      /* a line within that is none, or no "end" */
    uint8_t line[MIME_UU_LINE];
};

enum mime_uu_status {
    MIME_UU_MORE,   /* the input is used up */
    MIME_UU_DATA,   /* `out` holds decoded bytes */
    MIME_UU_BEGIN,  /* a file begins: *span_out is its name, until the next call */
    MIME_UU_END,    /* it ends */
    MIME_UU_BESIDE, /* *span_out is text outside of files, in the input or in u->line */
};

void mime_uu_init(struct mime_uu *u);
/*
 * Reads from *in, which advances. `finished`: nothing follows the input, so that a last line needs
 * no line end; END is then given for a file that is still open.
 */
enum mime_uu_status mime_uu_next(struct mime_uu *u, struct span *in, bool finished,
                                 struct writer *out, struct span *span_out);

#endif
