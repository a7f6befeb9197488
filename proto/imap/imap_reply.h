/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_REPLY_H
#define PROTO_IMAP_IMAP_REPLY_H

#include "proto/base/writer.h"

/* A row of imap_reply.def. IMAP_REPLY_NONE is no reply at all. */
enum imap_reply_id {
    IMAP_REPLY_NONE,
#define IMAP_REPLY(name, counter, form, status, response_code, text) IMAP_REPLY_##name,
#include "proto/imap/imap_reply.def"
#undef IMAP_REPLY
    IMAP_REPLY_COUNT,
};

enum imap_reply_form { IMAP_FORM_TAGGED, IMAP_FORM_UNTAGGED, IMAP_FORM_CONTINUE, IMAP_FORM_BYE };

struct imap_reply {
    const char *counter; /* name of the row's counter, [a-z_]+ */
    uint8_t form;        /* enum imap_reply_form */
    const char *status;  /* "OK", "NO", "BAD"; of BYE and CONTINUE empty */
    const char *response_code;
    const char *text;
};

/* The row of a reply; never NULL. IMAP_REPLY_NONE and unknown ids have empty texts. */
const struct imap_reply *imap_reply_row(enum imap_reply_id id);
/* True for NO, BAD and BYE but for the one that LOGOUT asks for. */
bool imap_reply_refuses(enum imap_reply_id id);
/*
 * What stands before the text: the tag (of TAGGED; empty: "*"), the status, the response code. The
 * code "[CAPABILITY]" is left to the caller.
 */
void imap_reply_put_head(struct writer *w, enum imap_reply_id id, struct span tag);

#endif
