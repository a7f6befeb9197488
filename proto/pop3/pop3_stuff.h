/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_STUFF_H
#define PROTO_POP3_POP3_STUFF_H

#include "proto/base/span.h"

/*
 * Byte-stuffing of a multi-line response (RFC 1939 section 3), resumable and without a copy: the
 * output is spans of the input with static dots between them. A zeroed struct is at the start of a
 * message.
 */
struct pop3_stuff {
    uint8_t at; /* private */
};

/*
 * The next span to send for the message bytes *in, which moves behind what was taken. False when
 * *in is used up. The span is part of the input or static. The result does not depend on how the
 * message is cut.
 */
bool pop3_stuff_next(struct pop3_stuff *stuff, struct span *in, struct span *out);

/* What ends the message: ".CRLF", with a CRLF before it when the message does not end in one.
 * Static. */
struct span pop3_stuff_end(struct pop3_stuff *stuff);

#endif
