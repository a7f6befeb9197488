/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_TEXT_H
#define PROTO_MIME_MIME_TEXT_H

#include "proto/mime/mime_reader.h"

/*
 * The text of a body as UTF-8, while it arrives: its bytes behind the transfer encoding, by the
 * charset that its part names. Text that says nothing, or UTF-8, or US-ASCII, stays as it is and is
 * none of this. A charset of several bytes is read line by line, a longer line in pieces of
 * MIME_TEXT_LINE bytes; the result does not depend on how the input was cut.
 */
enum { MIME_TEXT_LINE = 320, MIME_TEXT_CHARSET = 40 };
enum { MIME_TEXT_ROOM = 3 * MIME_TEXT_LINE + 8 }; /* bytes of room that mime_text_next() needs */

enum mime_text_kind {
    MIME_TEXT_NONE,    /* stays as it is */
    MIME_TEXT_SINGLE,  /* a byte a character, the lower half as in US-ASCII */
    MIME_TEXT_LINES,   /* several bytes a character */
    MIME_TEXT_UNITS,   /* UTF-16 */
    MIME_TEXT_UNKNOWN, /* a charset that nobody knows: stays as it is */
};

struct mime_text {
    const struct mime_charset *charsets;
    uint8_t kind; /* enum mime_text_kind */
    uint8_t charset_len;
    bool begun;
    uint16_t len; /* of the line under way */
    uint8_t charset[MIME_TEXT_CHARSET];
    uint8_t line[MIME_TEXT_LINE];
};

/* A part begins. `charsets` may be NULL; kept until the part ends. */
void mime_text_begin(struct mime_text *t, const struct mime_part *part,
                     const struct mime_charset *charsets);
/*
 * Text from *in, which advances. *text_out lies in the input or in `out`. False when the input is
 * used up; `finished` then gives what was kept, too.
 */
bool mime_text_next(struct mime_text *t, struct span *in, bool finished, struct writer *out,
                    struct span *text_out);

#endif
