/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_TOP_H
#define PROTO_POP3_POP3_TOP_H

#include "proto/pop3/pop3_command.h"

/*
 * How much of a message TOP sends (RFC 1939 section 7): the header, the blank line, and so many
 * lines of the body. Resumable, without a copy; the result does not depend on how the message is
 * cut.
 */
struct pop3_top {
    uint32_t left; /* private */
    uint8_t held;  /* bytes of an unfinished line, 2 for more */
    bool cr;       /* and its last one is CR */
    bool body;
    bool done; /* nothing more is to be sent */
};

/* POP3_LINES_ALL: the whole message. */
void pop3_top_init(struct pop3_top *top, uint32_t lines);
/* What of `bytes`, the next ones of the message, is to be sent: all, or with `done` a part. */
struct span pop3_top_take(struct pop3_top *top, struct span bytes);

#endif
