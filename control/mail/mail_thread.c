/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_digest.h"
#include "control/mail/mail_match.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_thread.h"

/*
 * THREAD (RFC 5256 section 3, draft-ietf-morg-inthread): in steps as SORT is, so that others get
 * their turn.
 */
enum {
    READ_STEP = 64,     /* digests that had to be made */
    LOOKED_STEP = 4096, /* or were remembered */
    WORK_STEP = 1 << 14,
    NODES_MORE = 8,        /* ids spoken of, of a message on the average; links of more are left */
    NODES_SPARE = 1 << 16, /* ... beyond so many */
};

enum stage { FINDING, READING, THREADING, TELLING };

struct thread {
    struct mail_match match;
    enum imap_thread_how how;
    struct mail_box *held;
    struct imap_thread_message *messages;
    struct imap_thread_node *nodes;
    uint32_t *order;
    struct imap_thread threads;
    uint64_t ids;  /* of all messages read */
    uint32_t read; /* messages that are */
    uint8_t stage; /* enum stage */
    bool begun;    /* to be told */
};

void mail_thread_end(struct mail_run *r)
{
    struct thread *f = r->state;

    if (!f)
        return;
    if (f->held)
        mail_digests_release(f->held);
    mail_match_fini(&f->match);
    free(f->messages);
    free(f->nodes);
    free(f->order);
    free(f);
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct thread *f = calloc(1, sizeof(*f));

    r->state = f;
    if (!f) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!mail_match_init(&f->match, s, r))
        return false;
    if (!imap_thread_parse(&r->args, &f->how, &f->match.program)) {
        mail_run_bad(r);
        return false;
    }
    r->goal = 2 * s->view.exists;
    return mail_match_ready(&f->match, r);
}

/* ---- what threads are made of ---- */

static unsigned parts_of(enum imap_thread_how how)
{
    unsigned subject = 1u << MAIL_DIGEST_SUBJECT, ids = 1u << MAIL_DIGEST_IDS;

    return 1u << MAIL_DIGEST_SENT | (how == IMAP_THREAD_REFS             ? ids
                                     : how == IMAP_THREAD_ORDEREDSUBJECT ? subject
                                                                         : subject | ids);
}

static bool prepare(struct thread *f)
{
    struct imap_session *s = f->match.session;

    f->messages = malloc((f->match.count + 1) * sizeof(*f->messages));
    if (!f->messages)
        return false;
    f->held = s->view.box;
    mail_digests_hold(mail_service_digests(s->service), f->held);
    return true;
}

/* STORE_OK: all are read, or *more. */
static enum store_status read_some(struct thread *f, const struct mail_run *r, bool *more)
{
    struct imap_session *s = f->match.session;
    struct mail_box *box = s->view.box;
    uint32_t made = 0, looked = 0;

    for (*more = true; f->read < f->match.count; f->read++) {
        const struct mail_found *found = &f->match.found[f->read];
        const struct mail_message *m = &box->messages[found->slot];
        const struct mail_digest *g;
        enum store_status status;
        bool read;

        if (made == READ_STEP || looked++ == LOOKED_STEP)
            return STORE_OK;
        status = mail_digest_get(mail_service_digests(s->service), f->match.store, box, found->slot,
                                 parts_of(f->how), &g, &read);
        if (status != STORE_OK)
            return status;
        made += read;
        f->ids += g->ids;
        f->messages[f->read] = (struct imap_thread_message){
            .number = r->uid ? m->uid : found->number,
            .reply = g->reply,
            .date = g->dated ? g->sent : (int64_t)(m->internal_ms / 1000),
            .subject = g->subject,
            .ids = mail_digest_ids(g),
            .id_count = g->ids};
    }
    *more = false;
    return STORE_OK;
}

/* A node for each message, one that stands above each, and one for each id that is spoken of. */
static bool begin_threads(struct thread *f)
{
    uint64_t count = f->match.count, spoken = f->ids, most = NODES_MORE * count + NODES_SPARE;
    uint32_t cap = (uint32_t)(2 * count + 1 + (spoken < most ? spoken : most));

    f->nodes = malloc(cap * sizeof(*f->nodes));
    f->order = malloc((2 * count + 1) * sizeof(*f->order));
    return f->nodes && f->order &&
           imap_thread_init(&f->threads, f->how, f->messages, (uint32_t)count, f->nodes, cap,
                            f->order);
}

/* ---- stage by stage ---- */

static enum mail_step read_messages(struct thread *f, struct mail_run *r)
{
    bool more;
    enum store_status status = read_some(f, r, &more);

    r->progress = f->match.session->view.exists + f->read;
    if (status == STORE_LIMIT)
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "too much to be threaded at once");
    if (status != STORE_OK)
        return mail_run_failed(r, status);
    if (more)
        return MAIL_STEP_YIELD;
    if (!begin_threads(f))
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "no memory for that many");
    f->stage = THREADING;
    return MAIL_STEP_YIELD;
}

static enum mail_step tell(struct thread *f, struct mail_run *r)
{
    struct imap_thread next;
    bool more = true;
    size_t mark;

    if (f->begun && f->threads.walk == 0)
        return mail_run_ok(r);
    do {
        mark = mail_text_mark(&r->text);
        next = f->threads;
        if (!f->begun)
            writer_text(&r->text.w, f->match.count ? "* THREAD " : "* THREAD");
        more = imap_thread_put(&next, &r->text.w);
        if (!more)
            writer_text(&r->text.w, "\r\n");
    } while (!mail_text_fits(&r->text, mark));
    f->threads = next;
    f->begun = true;
    return MAIL_STEP_AGAIN;
}

enum mail_step mail_thread(struct imap_session *s, struct mail_run *r)
{
    struct thread *f = r->state;

    if (!f && !begin(s, r))
        return MAIL_STEP_OVER;
    f = r->state;
    switch ((enum stage)f->stage) {
    case FINDING:
        if (!mail_match_step(&f->match, r))
            return MAIL_STEP_YIELD;
        if (!prepare(f))
            return mail_run_end(r, MAIL_NO, "[LIMIT]", "no memory for that many");
        f->stage = READING;
        return MAIL_STEP_AGAIN;
    case READING:
        return read_messages(f, r);
    case THREADING:
        if (!imap_thread_step(&f->threads, WORK_STEP))
            return MAIL_STEP_YIELD;
        f->stage = TELLING;
        return MAIL_STEP_AGAIN;
    case TELLING:
        break;
    }
    return tell(f, r);
}
