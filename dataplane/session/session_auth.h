/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_AUTH_H
#define DATAPLANE_SESSION_SESSION_AUTH_H

#include "dataplane/session/session.h"

/*
 * A login by SASL, the same for every protocol: the exchange lies in a chunk behind session_more,
 * taken when it begins; its questions are jobs; a refusal may be held back. Each step has an
 * outcome, and what that is answered with is the protocol's business.
 */
enum session_auth_outcome {
    SESSION_AUTH_WAITS,     /* for control, or for the end of a delay */
    SESSION_AUTH_CHALLENGE, /* session_auth_challenge() is to be sent */
    SESSION_AUTH_KNOWN,     /* the client has logged in */
#define SESSION_AUTH(name, smtp, pop3, imap) SESSION_AUTH_##name,
#include "dataplane/session/session_auth.def"
#undef SESSION_AUTH
    SESSION_AUTH_OUTCOMES
};

/* What the connection has that mechanisms need: bits of enum sasl_need. */
uint32_t session_auth_has(const struct session *s);

/* An exchange begins; one that was not ended is forgotten. `initial` has no data where there is no
 * initial response. */
enum session_auth_outcome session_auth_begin(struct sessions *ss, struct session *s,
                                             struct span mechanism, struct span initial);
/* A name and a password that the protocol has a command for: as an exchange that needs no line. */
enum session_auth_outcome session_auth_password(struct sessions *ss, struct session *s,
                                                struct span user, struct span password);
/* The client's next line. */
enum session_auth_outcome session_auth_line(struct sessions *ss, struct session *s,
                                            struct span line);
/* Control has answered. */
enum session_auth_outcome session_auth_answer(struct sessions *ss, struct session *s,
                                              const struct job *job);
/* The deadline has passed until which a refusal was held back: *outcome_out. False: none was. */
bool session_auth_due(const struct session *s, enum session_auth_outcome *outcome_out);
/* Valid until the exchange goes on. */
struct span session_auth_challenge(const struct session *s);

/* Asks what could not be asked for want of a job. */
void session_auth_pursue(struct sessions *ss, struct session *s);
/* Control has the word, or a refusal is held back. */
bool session_auth_waits(const struct session *s);
/* Nothing of the exchange is with control; otherwise it is told that nobody waits any more. */
bool session_auth_idle(struct session *s);

/* Forgets the exchange, or the login. Nothing of it may be with control. */
void session_auth_end(struct sessions *ss, struct session *s);
/* The session is not counted among those of its account any more: the connection goes. */
void session_auth_leave(struct sessions *ss, struct session *s);
/* Ends an exchange that went well: from here on the session knows who it is, and SESSION_AUTH_KNOWN
 * is returned. Otherwise the exchange is forgotten. */
enum session_auth_outcome session_auth_keep(struct sessions *ss, struct session *s);

/* The account that has logged in; 0: nobody. While an exchange goes on nobody has. */
uint64_t session_auth_account(const struct session *s);
/* The account that an exchange has shown to be the client's: after SESSION_AUTH_KNOWN. */
uint64_t session_auth_claimed(const struct session *s);
/* The key of the address that has logged in, or tries to. */
struct span session_auth_name(const struct session *s);

/* The row for an outcome other than the first three. */
enum smtp_reply_id session_auth_smtp(enum session_auth_outcome outcome);
enum pop3_reply_id session_auth_pop3(enum session_auth_outcome outcome);
enum imap_reply_id session_auth_imap(enum session_auth_outcome outcome);

#endif
