/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_BASE64_H
#define PROTO_MIME_MIME_BASE64_H

#include "proto/base/writer.h"

/*
 * A resumable decoder of base64 bodies (RFC 2045 section 6.8). Bytes outside the alphabet are
 * skipped; line ends and blanks among them are expected, the others are noted. Padding ends the
 * data; what stands behind it is left out and noted. A few bytes of state; the result does not
 * depend on how the input was cut.
 */
struct mime_base64 {
    uint32_t bits; /* of the group under way, six a character */
    uint8_t count; /* characters in it, 0 to 3 */
    uint8_t pads;  /* '=' seen behind them */
    bool ended;    /* padding was whole */
    uint8_t flags; /* what was noted, MIME_BASE64_* */
    uint8_t stop;  /* MIME_BASE64_* before whose first byte to stop: see mime_base64_feed() */
    bool further;  /* padding ends nothing, '-' and '_' are '+' and '/' */
};

enum {
    MIME_BASE64_BAD =
        1, /* a byte that is neither of the alphabet nor blank, or padding out of place */
    MIME_BASE64_BEHIND = 2, /* data behind the padding */
    MIME_BASE64_CUT = 4,    /* the last group was not whole and not padded */
    MIME_BASE64_URL = 8,    /* '-' or '_'; noted as MIME_BASE64_BAD */
};

void mime_base64_init(struct mime_base64 *b);
/*
 * Decodes from *in, which advances, into `out` until the input is used up or fewer than 3 bytes of
 * room are left. One pass, about one cycle a byte. It ends too before a byte that would set a flag
 * of `stop`; the flag is then returned, otherwise 0.
 */
uint8_t mime_base64_feed(struct mime_base64 *b, struct span *in, struct writer *out);
/*
 * The input has ended: writes the 1 or 2 bytes of an unfinished group, sets MIME_BASE64_CUT for
 * one.
 */
void mime_base64_finish(struct mime_base64 *b, struct writer *out);

#endif
