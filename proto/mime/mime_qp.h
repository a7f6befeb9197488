/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_QP_H
#define PROTO_MIME_MIME_QP_H

#include "proto/base/writer.h"

/*
 * A resumable decoder of quoted-printable bodies (RFC 2045 section 6.7). Soft line breaks and
 * blanks before a line's end vanish, line ends stay as they are, a broken escape stays as it is,
 * with the character behind its "=", and is noted. Up to MIME_QP_HELD undecided bytes are kept: a
 * longer run of blanks is given as it stands. The result does not depend on how the input was cut.
 */
enum { MIME_QP_HELD = 80 };

struct mime_qp {
    uint8_t held[MIME_QP_HELD]; /* blanks, CR or the begin of an escape, of which the next bytes
                                   decide */
    uint8_t count;
    bool bad;  /* a broken escape was seen */
    bool stop; /* end before the byte that breaks an escape: see mime_qp_feed() */
    bool drop; /* the "=" of a broken escape vanishes */
};

void mime_qp_init(struct mime_qp *q);
/*
 * Decodes from *in, which advances, into `out` until the input is used up or fewer than
 * MIME_QP_HELD + 1 bytes of room are left. True when it ended before a byte that breaks an escape,
 * because of `stop`.
 */
bool mime_qp_feed(struct mime_qp *q, struct span *in, struct writer *out);
/* The input has ended: what was held is decided. Needs MIME_QP_HELD bytes of room. */
void mime_qp_finish(struct mime_qp *q, struct writer *out);

#endif
