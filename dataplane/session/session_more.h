/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_MORE_H
#define DATAPLANE_SESSION_SESSION_MORE_H

#include "dataplane/session/session.h"
#include "proto/proxy/proxy_reader.h"

enum { SESSION_NAME_MAX = 255, SESSION_CLIENT_NAME = 128, SESSION_LOGIN = 60 };

/*
 * What few sessions need beyond their 256 bytes: taken from the pool with the first of it, one
 * small chunk a session, given back with the session.
 */
struct session_more {
    struct ip_address client, server; /* session_peer.h: while `relayed` */
    uint16_t client_port, server_port;
    bool relayed;
    uint8_t client_name_len, login_len;
    union {
        uint8_t name[SESSION_NAME_MAX]; /* a name that does not fit in the session */
        struct proxy_reader proxy;      /* before anybody has said a name */
    };
    uint8_t client_name[SESSION_CLIENT_NAME];
    uint8_t login[SESSION_LOGIN];
};

/* The session's block, taken now when it has none; NULL: no chunk is free. */
struct session_more *session_more(struct sessions *ss, struct session *s);
void session_more_give(struct sessions *ss, struct session *s);

/* Who the peer says it is: the name of EHLO, or the user of a POP3 login. Cut to SESSION_NAME_MAX
 * octets. False: no memory, and the name stays what it was. */
bool session_name_set(struct sessions *ss, struct session *s, struct span name);
/* Valid until the next session_name_set(). */
struct span session_name(const struct session *s);

#endif
