/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_service.h"

#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_digest.h"
#include "control/mail/mail_recent.h"
#include "control/mail/mail_run.h"
#include "control/mail/mail_saved.h"
#include "control/mail/mail_verb.h"
#include "control/service/service_thread.h"

enum {
    BOXES = 4096,  /* places of the table */
    CHANGED = 256, /* mailboxes that changed, noted apart; more: all are looked at */
};

/* Mailboxes that the store says have changed: written on its threads, read on ours. */
struct changed {
    _Atomic uint64_t ids[CHANGED];
    _Atomic bool all;
    _Atomic bool any;
};

struct mail_service {
    struct service_thread thread;
    struct mail_service_options options;
    struct mail_box *boxes[BOXES]; /* selected by somebody, or opening, by id */
    /* How many are in each place: also read by threads of the store's. */
    _Atomic uint32_t watched[BOXES];
    struct changed changed;
    struct mail_recent *recent;
    struct mail_tallies *tallies;
    struct mail_digests *digests;
    _Atomic(struct imap_session *) resumed; /* whose commands go on: put by the index's thread */
    _Atomic uint32_t held;                  /* commands that wait for the index */
};

struct store *mail_service_store(const struct mail_service *service)
{
    return service->options.store;
}

struct mail_index *mail_service_index(const struct mail_service *service)
{
    return service->options.index;
}

_Atomic size_t *mail_service_staged(struct mail_service *service)
{
    return service->options.staged;
}

struct mail_digests *mail_service_digests(const struct mail_service *service)
{
    return service->digests;
}

/* ---- mailboxes ---- */

static struct mail_box **place_of(struct mail_service *service, uint64_t id)
{
    struct mail_box **at = &service->boxes[id % BOXES];

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* Nobody has it any more. */
static void drop(struct mail_service *service, struct mail_box *box)
{
    struct mail_box **place = place_of(service, box->id);
    struct mail_tally tally;

    mail_recent_set(service->recent, box->id, box->recent_from);
    if (!box->opening && mail_box_tally(service->options.store, box, &tally) == STORE_OK)
        mail_tallies_keep(service->tallies, &tally);
    *place = box->next;
    atomic_fetch_sub(&service->watched[box->id % BOXES], 1);
    mail_box_close(service->options.store, box);
}

/* Watched first, so that nothing is missed. */
static enum store_status begin_box(struct mail_service *service, uint64_t mailbox,
                                   struct mail_box **place)
{
    enum store_status status;

    atomic_fetch_add(&service->watched[mailbox % BOXES], 1);
    status = mail_box_open(service->options.store, mailbox, place);
    if (status == STORE_OK) {
        (*place)->recent_from = mail_recent_get(service->recent, mailbox);
        return STORE_OK;
    }
    *place = NULL;
    atomic_fetch_sub(&service->watched[mailbox % BOXES], 1);
    return status;
}

enum store_status mail_service_open(struct mail_service *service, uint64_t mailbox,
                                    struct mail_box **box_out)
{
    struct mail_box **place = place_of(service, mailbox);
    enum store_status status = *place ? STORE_OK : begin_box(service, mailbox, place);

    if (status != STORE_OK)
        return status;
    (*place)->openers++;
    *box_out = *place;
    return STORE_OK;
}

void mail_service_leave(struct mail_service *service, struct mail_box *box)
{
    box->openers--;
    if (!box->openers && !box->views)
        drop(service, box);
}

enum store_status mail_service_select(struct imap_session *s, struct mail_box *box, bool read_only)
{
    /* Up to what is told as HIGHESTMODSEQ all is to be known. */
    enum store_status status = mail_box_refresh(s->service->options.store, box);

    if (status == STORE_OK)
        mail_view_open(&s->view, box, read_only);
    mail_service_leave(s->service, box);
    return status;
}

enum store_status mail_service_box(struct mail_service *service, uint64_t mailbox,
                                   const struct mail_box **box_out)
{
    struct mail_box *box = *place_of(service, mailbox);

    *box_out = box && !box->opening ? box : NULL;
    return *box_out && box->news ? mail_box_refresh(service->options.store, box) : STORE_OK;
}

struct mail_tallies *mail_service_tallies(struct mail_service *service)
{
    return service->tallies;
}

void mail_service_unselect(struct imap_session *s)
{
    struct mail_box *box = s->view.box;

    if (!box)
        return;
    mail_saved_clear(s);
    mail_view_close(&s->view);
    if (!box->views && !box->openers)
        drop(s->service, box);
}

uint32_t mail_service_recent(struct mail_service *service, uint64_t mailbox)
{
    const struct mail_box *box = *place_of(service, mailbox);

    return box ? box->recent_from : mail_recent_get(service->recent, mailbox);
}

static struct imap_session *session_of(struct mail_view *view)
{
    return (struct imap_session *)((uint8_t *)view - offsetof(struct imap_session, view));
}

static bool has_news(const struct mail_view *v)
{
    const struct mail_box *box = v->box;

    return box->news || v->slots != box->count || v->losses != box->losses ||
           box->changed > v->modseq;
}

void mail_service_tell(struct mail_service *service, struct mail_box *box)
{
    for (struct mail_view *v = box->views; v; v = v->next) {
        struct imap_session *s = session_of(v);

        if (!s->idling || s->told || s->run || !has_news(v))
            continue;
        s->told =
            notice_send(service->options.handoff, s->worker,
                        &(struct notice){.kind = NOTICE_MAIL,
                                         .argument = (uint64_t)s->generation << 32 | s->place});
    }
}

/* ---- what others change ---- */

static void wake(struct mail_service *service)
{
    service_wake(service->options.handoff, service->thread.service);
}

/* On threads of the store's, workers among them: no lock, no system call but the doorbell's, and
 * that only once until we look. */
void mail_service_changed(struct mail_service *service, uint64_t mailbox)
{
    struct changed *c = &service->changed;
    uint64_t none = 0;
    size_t at = mailbox % CHANGED;

    if (atomic_load(&service->watched[mailbox % BOXES]) == 0)
        return;
    if (!atomic_compare_exchange_strong(&c->ids[at], &none, mailbox) && none != mailbox)
        atomic_store(&c->all, true);
    if (!atomic_exchange(&c->any, true))
        wake(service);
}

static void note(struct mail_service *service, struct mail_box *box)
{
    box->news = true;
    mail_service_tell(service, box);
}

static void note_all(struct mail_service *service)
{
    for (size_t i = 0; i < BOXES; i++)
        for (struct mail_box *box = service->boxes[i]; box; box = box->next)
            note(service, box);
}

static void take_changes(void *context)
{
    struct mail_service *service = context;
    struct changed *c = &service->changed;

    if (!atomic_exchange(&c->any, false))
        return;
    for (size_t i = 0; i < CHANGED; i++) {
        uint64_t id = atomic_exchange(&c->ids[i], 0);
        struct mail_box *box = id ? *place_of(service, id) : NULL;

        if (box)
            note(service, box);
    }
    if (atomic_exchange(&c->all, false))
        note_all(service);
}

void mail_service_look(struct mail_service *service)
{
    take_changes(service);
}

/* ---- jobs ---- */

static enum job_status open_session(struct mail_service *service, struct job *job)
{
    struct imap_session *s = calloc(1, sizeof(*s));

    if (!s)
        return JOB_FAILED;
    mail_special_make(service->options.store, job->imap.account, service->options.specials,
                      service->options.special_count);
    s->service = service;
    s->account = job->imap.account;
    s->worker = job->worker;
    s->place = job->session;
    s->generation = job->generation;
    job->imap.session = s;
    return JOB_OK;
}

static void close_session(struct imap_session *s)
{
    mail_run_drop(s);
    mail_service_unselect(s);
    free(s->idle_tag);
    free(s);
}

/* Chunks are the worker's: it reads what control wrote into them. */
static enum job_status answer(struct imap_session *s, struct job *job, bool begun)
{
    struct mail_box *box = s->view.box;

    if (!begun)
        return JOB_FAILED;
    job->imap.state_out = s->view.box ? IMAP_EXECUTED_SELECTED : IMAP_EXECUTED_AUTH;
    mail_run_pump(s, &job->imap);
    if (box && s->view.box == box)
        mail_service_tell(s->service, box);
    return JOB_OK;
}

static enum job_status do_job(struct mail_service *service, struct job *job)
{
    struct imap_session *s = job->imap.session;

    switch (job->kind) {
    case JOB_IMAP_OPEN:
        return open_session(service, job);
    case JOB_IMAP_COMMAND:
        s->append_max = job->imap.append_max;
        return answer(s, job,
                      job->imap.done ? mail_run_done(s, job->imap.command)
                                     : mail_run_begin(s, job->imap.command));
    case JOB_IMAP_APPEND:
        if (!s->run || !s->run->waits)
            return JOB_FAILED;
        job->imap.stored_out = mail_append_message(s, s->run, &job->imap);
        return answer(s, job, true);
    case JOB_IMAP_MORE:
        return answer(s, job, s->run != NULL);
    case JOB_IMAP_NEWS:
        s->told = false;
        return answer(s, job, mail_run_news(s));
    case JOB_IMAP_CLOSE:
        close_session(s);
        return JOB_OK;
    default:
        return JOB_FAILED;
    }
}

/* Answers it, unless its command waits for the index. The session stays meanwhile, since its worker
 * waits for the answer before anything else. */
static void finish_job(struct mail_service *service, struct imap_session *s, struct job *job,
                       enum job_status status)
{
    if (s && s->run && s->run->asked) {
        atomic_fetch_add(&service->held, 1);
        s->held = job;
        return;
    }
    job_answer(service->options.handoff, job, status);
}

void mail_service_resume(struct imap_session *s)
{
    struct mail_service *service = s->service;
    struct imap_session *next = atomic_load(&service->resumed);

    do
        s->resumed = next;
    while (!atomic_compare_exchange_weak(&service->resumed, &next, s));
    wake(service);
}

static void go_on(struct mail_service *service)
{
    struct imap_session *s = atomic_exchange(&service->resumed, NULL), *next;

    for (; s; s = next) {
        struct job *job = s->held;

        next = s->resumed;
        s->held = NULL;
        s->run->asked = false;
        job->imap.more_out = false;
        finish_job(service, s, job, answer(s, job, true));
        atomic_fetch_sub(&service->held, 1);
    }
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct mail_service *service = context;

    take_changes(service);
    go_on(service);
    for (uint32_t i = 0; i < count; i++) {
        /* The session of a CLOSE is gone when it was done. */
        struct imap_session *s =
            jobs[i]->kind == JOB_IMAP_CLOSE ? NULL : jobs[i]->imap.session;
        enum job_status status = do_job(service, jobs[i]);

        finish_job(service, s, jobs[i], status);
    }
    take_changes(service);
    return 0;
}

static void woken(void *context)
{
    take_changes(context);
    go_on(context);
}

struct mail_service *mail_service_start(const struct mail_service_options *o)
{
    struct mail_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->options = *o;
    s->thread.handoff = o->handoff;
    s->thread.service = o->lane;
    s->thread.name = "imap";
    s->thread.serve = serve;
    s->thread.context = s;
    s->thread.woken = woken;
    s->recent = mail_recent_new();
    s->tallies = mail_tallies_new();
    s->digests = mail_digests_new(MAIL_DIGESTS_MAX);
    if (s->recent && s->tallies && s->digests && service_thread_start(&s->thread))
        return s;
    mail_service_free(s);
    return NULL;
}

void mail_service_halt(struct mail_service *s)
{
    while (atomic_load(&s->held) > 0) {
        wake(s);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    service_thread_stop(&s->thread);
}

void mail_service_free(struct mail_service *s)
{
    mail_tallies_free(s->tallies);
    mail_recent_free(s->recent);
    mail_digests_free(s->digests);
    free(s);
}
