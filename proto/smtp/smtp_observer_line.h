/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_OBSERVER_LINE_H
#define PROTO_SMTP_SMTP_OBSERVER_LINE_H

#include "proto/smtp/smtp_command.h"

/* What an observer makes of a command line that some server may have taken. */
struct smtp_observed_line {
    struct smtp_command command; /* of a BDAT: good only if `good` */
    bool good;                   /* as our own server would take it */
    bool lmtp;                   /* an EHLO spelled LHLO (RFC 2033 section 4.1) */
    struct span name; /* HELO, EHLO: the name; MAIL, RCPT: the path as spelled, without brackets and
                         source route; AUTH: the mechanism */
    struct span initial; /* AUTH: the initial response; empty: none */
    uint32_t secret;     /* bytes of the line from here on may be a secret */
};

/* Spans point into the line. Bound: one pass. */
void smtp_observer_line_read(struct span line, struct smtp_observed_line *line_out);

#endif
