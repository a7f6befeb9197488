/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_PACK_H
#define DATAPLANE_SESSION_SESSION_PACK_H

#include "dataplane/session/session.h"

/*
 * COMPRESS=DEFLATE (RFC 4978): a layer between the protocol and TLS or TCP, for as long as the
 * connection. Its states are large, so a session has them during a burst alone: 64 KiB to read, 64
 * KiB to write. At rest it has a small chunk, and what the client may refer back to, which is what
 * it has sent, 32 KiB at most.
 */

enum {
    SESSION_PACK_TURN = 256 * 1024, /* octets that are inflated for a session in one turn */
    SESSION_PACK_SLACK = 64 * 1024, /* and for one command, beyond what it may have */
};

enum session_pack_fault {
    SESSION_PACK_SOUND,
    SESSION_PACK_BROKEN, /* what came is no deflate stream */
    SESSION_PACK_BOMB,   /* a command of more octets than any may have */
};

/* Room for it, without effect yet. False: no chunk is free. */
bool session_pack_new(struct sessions *ss, struct session *s);
/* What is in `out` goes as it is; from here on both directions are compressed. */
void session_pack_begin(struct sessions *ss, struct session *s);
/* The session is over. */
void session_pack_give(struct sessions *ss, struct session *s);

/* For session_stream.c, while s->packed; like the functions there. */
struct span session_pack_peek(struct sessions *ss, struct session *s);
void session_pack_consume(struct sessions *ss, struct session *s, uint32_t n);
bool session_pack_unread(const struct sessions *ss, const struct session *s);
/* `flush`: the peer gets all of it now. False: no memory; the connection has to end. */
bool session_pack_write(struct sessions *ss, struct session *s, struct span text, bool flush);
/* Something was written that the peer does not get yet. */
bool session_pack_held(const struct sessions *ss, const struct session *s);

/* The session runs, for the first time in this turn or not. */
void session_pack_turn(struct sessions *ss, struct session *s);
/* More can be inflated in this turn; otherwise the session is run again. */
bool session_pack_ready(struct sessions *ss, struct session *s);
/* `max`: octets that the command under way may have. */
enum session_pack_fault session_pack_fault(const struct sessions *ss, const struct session *s,
                                           uint64_t max);
/* A command, or a message of it, is over: its octets count no more. */
void session_pack_counted(struct sessions *ss, struct session *s);
/* Nothing is under way: the states are given back. */
void session_pack_rest(struct sessions *ss, struct session *s);

#endif
