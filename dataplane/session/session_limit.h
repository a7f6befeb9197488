/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_LIMIT_H
#define DATAPLANE_SESSION_SESSION_LIMIT_H

#include "dataplane/session/session.h"

/*
 * Limits of the client's address, of its network, of the sender and the sender's domain, and of the
 * account that has logged in (dataplane/handoff/limits.h), counted over all workers. What is
 * refused is not counted, so a client that keeps trying gets its share all the same. A scope that
 * has no limit is not counted. Who is banned (ban_table.h) is refused first.
 */

struct transaction;

/* A limit that was reached. */
struct limit_reached {
    uint8_t smtp, pop3, imap; /* rows; 0: none was */
};

/* The client of the session, whatever stands between: all limits and lists go by it. */
void session_client(const struct session *s, struct ip_address *client_out);
/* It lies in a network that is trusted. */
bool session_limit_trusted(const struct sessions *ss, const struct session *s);

/* It is banned, and not trusted. */
bool session_limit_banned(const struct sessions *ss, const struct session *s);
/* A connection that has just begun is banned, and was reset: as configured, or because nothing can
 * be said before a handshake (`implicit`) that is not worth its price. */
bool session_limit_resets(struct sessions *ss, struct session *s, bool implicit);

/* The session begins: counts it, unless a limit says that it may not. */
struct limit_reached session_limit_enter(struct sessions *ss, struct session *s);
/* It is over, or its client turned out to be somebody else, who is to enter then. Once more does no
 * harm. While the connection is there. */
void session_limit_leave(struct sessions *ss, struct session *s);
/* The connection goes: the same, and what was counted of its account. */
void session_limit_gone(struct sessions *ss, struct session *s);
/* A command was refused for good, a password was wrong. */
struct limit_reached session_limit_error(struct sessions *ss, struct session *s);

/* The session has logged in to an account: counts it there, unless a limit says that it may not.
 * What is counted is given back once, with the same two. */
struct limit_reached session_limit_login(struct sessions *ss, uint64_t account, bool *counted_out);
void session_limit_logout(struct sessions *ss, uint64_t account, bool *counted);

/* SMTP_REPLY_NONE, or the row to answer: before MAIL from `sender` is accepted, and RCPT. */
enum smtp_reply_id session_limit_mail(struct sessions *ss, struct session *s,
                                      struct transaction *tx, const struct address *sender);
enum smtp_reply_id session_limit_rcpt(struct sessions *ss, struct session *s,
                                      const struct transaction *tx);
/* The transaction is over: its octets count, whatever came of it. */
void session_limit_bytes(struct sessions *ss, const struct transaction *tx);

#endif
