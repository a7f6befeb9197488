/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_REPLY_H
#define PROTO_POP3_POP3_REPLY_H

#include "proto/base/line.h"
#include "proto/base/writer.h"

/* A row of pop3_reply.def. POP3_REPLY_NONE is no reply at all. */
enum pop3_reply_id {
    POP3_REPLY_NONE,
#define POP3_REPLY(name, counter, status, response_code, text) POP3_REPLY_##name,
#include "proto/pop3/pop3_reply.def"
#undef POP3_REPLY
    POP3_REPLY_COUNT,
};

enum { POP3_REPLY_MAX = 512 }; /* octets of the first line of a reply (RFC 2449 section 4) */

struct pop3_reply {
    const char *counter; /* name of the row's counter, [a-z_]+ */
    const char *status;  /* "+OK" or "-ERR" */
    const char *response_code;
    const char *text;
};

/* The row of a reply; never NULL. POP3_REPLY_NONE and unknown ids have empty texts. */
const struct pop3_reply *pop3_reply_row(enum pop3_reply_id id);

/* True for "-ERR". */
bool pop3_reply_refuses(enum pop3_reply_id id);

/* The row that refuses a line end; POP3_REPLY_NONE for LINE_FORM_GOOD. */
enum pop3_reply_id pop3_reply_for_form(enum line_form form);

/* Writes the row as one line with its CRLF. */
void pop3_reply_put(struct writer *w, enum pop3_reply_id id);

#endif
