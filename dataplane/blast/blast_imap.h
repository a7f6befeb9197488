/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_IMAP_H
#define DATAPLANE_BLAST_BLAST_IMAP_H

#include "dataplane/blast/blast_session.h"

/*
 * A mailbox of the worker's. While one session appends and others idle in it, the time until they
 * are told is taken: one message at a time, so that each EXISTS is known to be that message's.
 */
struct blast_box {
    uint64_t at;                  /* the last octet of the holder's message was said */
    uint64_t answered;            /* and its answer came; 0: not yet */
    struct blast_session *holder; /* appends, and goes on when all watchers have heard; NULL */
    uint32_t watchers, heard;
    uint32_t appended; /* messages numbered so far */
    bool waits;        /* the holder, for watchers */
    bool mixed;        /* somebody else appended meanwhile: nothing is measured */
};

/* The mailboxes of an IMAP load. False: no memory. */
bool blast_imap_init(struct blast_client *c);
void blast_imap_fini(struct blast_client *c);
void blast_imap_begin(struct blast_client *c, struct blast_session *s);
void blast_imap_run(struct blast_client *c, struct blast_session *s);
/* The session has failed. */
void blast_imap_gone(struct blast_client *c, struct blast_session *s);
/* Its place becomes free: no mailbox knows it any more. */
void blast_imap_release(struct blast_client *c, struct blast_session *s);
/* The load is over for those that watch: they say DONE. Returns how many. */
uint32_t blast_imap_dismiss(struct blast_client *c);

/* ---- blast_imap_say.c: commands ---- */

/* Command `step` begins in the scratch: its tag; answers are counted anew. */
void blast_imap_tag(struct blast_client *c, struct blast_session *s, enum blast_imap_step step);
void blast_imap_say(struct blast_client *c, struct blast_session *s, enum blast_imap_step step);
/* One of the mix, drawn; NOOP where it has nothing to do. */
void blast_imap_act(struct blast_client *c, struct blast_session *s);
/* All messages whole, for one that verifies. */
void blast_imap_say_all(struct blast_client *c, struct blast_session *s);
/* The message of the APPEND under way. False: the session is gone. */
bool blast_imap_message(struct blast_client *c, struct blast_session *s);

static inline struct blast_box *blast_imap_box(struct blast_client *c,
                                               const struct blast_session *s)
{
    return &c->boxes[s->user / c->order->workers];
}

#endif
