/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DETECT_DETECT_H
#define PROTO_DETECT_DETECT_H

#include "proto/base/span.h"

/* Which protocol two hosts speak, by what they say first and not by their ports. */
enum detect_protocol {
    DETECT_UNDECIDED, /* more bytes may tell */
    DETECT_SMTP,
    DETECT_POP3,
    DETECT_IMAP,
    DETECT_TLS,
    DETECT_OTHER,
};

enum { DETECT_MAX = 1024 }; /* bytes of a direction after which there is an answer */

/* "smtp", "unknown" */
const char *detect_name(enum detect_protocol protocol);

/*
 * `client` and `server`: the first bytes of each direction as far as they are known, either may be
 * empty. Pure: the answer is a function of the two. A server that has said DETECT_MAX bytes without
 * a sign makes it OTHER; a client that has, as soon as the server has said a line. Bound: one pass
 * over each.
 */
enum detect_protocol detect(struct span client, struct span server);

/* No more bytes will come: a command that several protocols have is that of the server's port. */
enum detect_protocol detect_last(struct span client, uint16_t server_port);

/*
 * Octets of a PROXY protocol header (haproxy.org's proxy-protocol.txt, sections 2.1 and 2.2) that a
 * balancer puts in front of the client's bytes; 0: there is none. False: more bytes may tell.
 */
bool detect_prelude(struct span client, size_t *len_out);

#endif
