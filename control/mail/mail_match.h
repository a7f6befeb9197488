/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_MATCH_H
#define CONTROL_MAIL_MAIL_MATCH_H

#include "control/mail/mail_candidates.h"
#include "control/mail/mail_grep.h"
#include "control/mail/mail_session.h"
#include "proto/imap/imap_search.h"

/*
 * What a search program finds of the session's view (RFC 9051 section 6.4.4), for SEARCH, SORT and
 * THREAD: by what the index knows first, and only where that does not decide by the message itself;
 * some messages at a time, so that others get their turn.
 */
struct mail_found {
    uint32_t slot;
    uint32_t number; /* its sequence number */
};

struct mail_match {
    struct imap_search program; /* to be parsed between init and ready */
    struct mail_found *found;   /* in the order of UIDs */
    uint32_t count;
    /* its own */
    struct imap_session *session;
    struct store *store;
    struct mail_needle *needles; /* by node */
    struct mail_candidates candidates;
    const struct store_reading *reading;
    uint32_t slot, number; /* of the message that is judged */
    uint32_t reads;        /* of this step */
    uint64_t octets;       /* ... looked through for texts */
    int64_t now;           /* when it began: OLDER and YOUNGER are of one moment */
    char *code;            /* the response code of a refusal that was made */
    bool opened;           /* reading was tried */
    bool deep;             /* messages may be read */
};

/* Memory for a program of the run's arguments. False: the run is answered. mail_match_fini() in
 * either case. */
bool mail_match_init(struct mail_match *m, struct imap_session *s, struct mail_run *r);
/* The program is read. False: the run is answered: NO to a charset that is none of ours and to too
 * many texts, BAD to keys that IMAP4rev2 does not have. */
bool mail_match_ready(struct mail_match *m, struct mail_run *r);
/* The program asks for modification sequences: the answer tells one (RFC 7162 section 3.1.6). */
static inline bool mail_match_modseq(const struct mail_match *m)
{
    return m->program.kinds & 1u << IMAP_SEARCH_MODSEQ;
}
/* Judges some messages. True: those were all. Tells run->progress. */
bool mail_match_step(struct mail_match *m, struct mail_run *r);
void mail_match_fini(struct mail_match *m);

/* Answers NO; with SAVE among what RETURN asks for, nothing is saved any more (RFC 5182 section
 * 2.1). */
enum mail_step mail_match_refuse(struct mail_match *m, struct mail_run *r, const char *code,
                                 const char *words);

#endif
