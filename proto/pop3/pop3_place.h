/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_PLACE_H
#define PROTO_POP3_POP3_PLACE_H

#include "proto/base/span.h"

/* Where in the lines of a multi-line response (RFC 1939 section 3) a cut lies: for who adds the
 * dots and for who takes them out. */
enum pop3_place {
    POP3_PLACE_START, /* at the start of a line */
    POP3_PLACE_MIDDLE,
    POP3_PLACE_CR,  /* behind a CR */
    POP3_PLACE_OWN, /* the first that a user names */
};

/* The number of bytes up to and with the next CRLF that a dot follows; all of them when there is
 * none. `after_cr`: a CR came right before. */
size_t pop3_place_run(struct span s, bool after_cr);
/* Behind bytes, of which there is at least one. */
enum pop3_place pop3_place_behind(struct span s, bool after_cr);

#endif
