/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_REPLY_H
#define PROTO_SMTP_SMTP_REPLY_H

#include "proto/base/line.h"
#include "proto/base/writer.h"

/* A row of smtp_reply.def. SMTP_REPLY_NONE is no reply at all. */
enum smtp_reply_id {
    SMTP_REPLY_NONE,
#define SMTP_REPLY(name, counter, code, enhanced, text) SMTP_REPLY_##name,
#include "proto/smtp/smtp_reply.def"
#undef SMTP_REPLY
    SMTP_REPLY_COUNT,
};

enum {
    SMTP_REPLY_MAX = 512
}; /* octets of a reply line, CRLF included (RFC 5321 section 4.5.3.1.5) */

struct smtp_reply {
    const char *counter;  /* name of the row's counter, [a-z_]+ */
    const char *enhanced; /* "" where there is none */
    const char *text;
    uint16_t code;
};

/* The row of a reply; never NULL. SMTP_REPLY_NONE and unknown ids have code 0 and empty texts. */
const struct smtp_reply *smtp_reply_row(enum smtp_reply_id id);

/* True for 4xx and 5xx. */
bool smtp_reply_refuses(enum smtp_reply_id id);

/* The row that refuses a line end; SMTP_REPLY_NONE for LINE_FORM_GOOD. */
enum smtp_reply_id smtp_reply_for_form(enum line_form form);

/*
 * Writes one reply line with its CRLF: code, enhanced code, and `own` in place of the row's text
 * unless it is empty. `own` is made printable ASCII and cut so that the line stays within
 * SMTP_REPLY_MAX octets.
 */
void smtp_reply_put(struct writer *w, enum smtp_reply_id id, struct span own);

#endif
