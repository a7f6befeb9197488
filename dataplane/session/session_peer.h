/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_PEER_H
#define DATAPLANE_SESSION_SESSION_PEER_H

#include "dataplane/session/session.h"
#include "proto/smtp/smtp_xclient.h"

/*
 * Who the client is: the other end of the connection, or whom a trusted proxy says that it speaks
 * for, by a PROXY header or by XCLIENT. That is what rules, limits, records and Received see; the
 * proxy itself is recorded beside it.
 */

/* The endpoints, while there is a connection; without one, what was said of them. */
void session_peer(const struct session *s, struct record_peer *peer_out);
/* The client's name by reverse look-up and who authenticated at the proxy, as XCLIENT said; empty
 * otherwise. Valid until the next XCLIENT. */
struct span session_peer_name(const struct session *s);
struct span session_peer_login(const struct session *s);

/* The connection comes from one of network.proxy_networks: a PROXY header has to come before
 * anything else. False: no memory for it. */
bool session_peer_proxied(struct sessions *ss, struct session *s, bool *proxied_out);
/* Reads the header. True once the protocol may begin; the session ends when it never may. */
bool session_peer_read(struct sessions *ss, struct session *s);

/* The client may say XCLIENT. */
bool session_peer_trusted(const struct sessions *ss, const struct session *s);
/* Takes over what XCLIENT says: SMTP_REPLY_OK, or the row to refuse with. */
enum smtp_reply_id session_peer_xclient(struct sessions *ss, struct session *s,
                                        const struct smtp_xclient *x);

#endif
