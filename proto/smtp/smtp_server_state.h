/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_SERVER_STATE_H
#define PROTO_SMTP_SMTP_SERVER_STATE_H

#include "proto/smtp/smtp_server.h"

/* Private to the SMTP server's machine. */
enum smtp_server_state {
    STATE_CONNECT,  /* before the greeting */
    STATE_REFUSED,  /* the client was refused by 554 and may only say QUIT (RFC 5321 section 3.1) */
    STATE_GREET,    /* waits for EHLO or HELO */
    STATE_READY,    /* no transaction */
    STATE_EXCHANGE, /* the same, and the next line is one of an authentication exchange */
    STATE_MAIL,     /* from here on a transaction is open: a sender, no recipient */
    STATE_RCPT,     /* at least one recipient */
    STATE_DATA,     /* the message is being read, or its END waits */
    STATE_SWALLOW,  /* the message is refused and read to its end */
    STATE_CHUNK,    /* a chunk of the message is being read, or its END waits */
    STATE_CHUNKS,   /* between the chunks of a message */
    STATE_FAILED,   /* a chunk was refused, and with it those that follow, up to LAST or RSET */
    STATE_VERDICTS, /* the message was read, and each recipient is answered */
};

#endif
