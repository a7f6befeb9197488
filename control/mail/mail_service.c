/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_service.h"

#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_digest.h"
#include "control/mail/mail_index.h"
#include "control/mail/mail_recent.h"
#include "control/mail/mail_run.h"
#include "control/mail/mail_saved.h"
#include "control/mail/mail_verb.h"
#include "control/service/read_service.h"
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
    struct handoff *handoff;
    struct store *store;
    struct read_service *reader;
    struct mail_box *boxes[BOXES]; /* selected by somebody, by id */
    struct changed changed;
    struct mail_recent *recent;
    struct mail_tallies *tallies;
    struct mail_special specials[MAIL_SPECIALS];
    uint8_t special_names[MAIL_SPECIALS][MAIL_SPECIAL_NAME];
    uint32_t special_count;
    struct mail_digests *digests;
    size_t staged; /* octets, of all sessions */
    struct mail_index *index;
    _Atomic(struct imap_session *) resumed; /* whose commands go on: put by the index's thread */
    _Atomic uint32_t held;                  /* commands that wait for the index */
};

struct store *mail_service_store(const struct mail_service *service)
{
    return service->store;
}

struct mail_index *mail_service_index(const struct mail_service *service)
{
    return service->index;
}

size_t *mail_service_staged(struct mail_service *service)
{
    return &service->staged;
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

enum store_status mail_service_select(struct mail_service *service, uint64_t mailbox,
                                      struct imap_session *s, bool read_only)
{
    struct mail_box **place = place_of(service, mailbox);
    enum store_status status = STORE_OK;

    if (!*place) {
        status = mail_box_open(service->store, mailbox, place);
        if (status != STORE_OK)
            *place = NULL;
        else
            (*place)->recent_from = mail_recent_get(service->recent, mailbox);
    } else {
        /* Up to what is told as HIGHESTMODSEQ all is to be known. */
        status = mail_box_refresh(service->store, *place);
    }
    if (status == STORE_OK)
        mail_view_open(&s->view, *place, read_only);
    return status;
}

enum store_status mail_service_box(struct mail_service *service, uint64_t mailbox,
                                   const struct mail_box **box_out)
{
    struct mail_box *box = *place_of(service, mailbox);

    *box_out = box;
    return box && box->news ? mail_box_refresh(service->store, box) : STORE_OK;
}

struct mail_tallies *mail_service_tallies(struct mail_service *service)
{
    return service->tallies;
}

void mail_service_unselect(struct imap_session *s)
{
    struct mail_box *box = s->view.box;
    struct mail_box **place;
    struct mail_tally tally;

    if (!box)
        return;
    mail_saved_clear(s);
    mail_view_close(&s->view);
    if (box->views)
        return;
    mail_recent_set(s->service->recent, box->id, box->recent_from);
    if (mail_box_tally(s->service->store, box, &tally) == STORE_OK)
        mail_tallies_keep(s->service->tallies, &tally);
    place = place_of(s->service, box->id);
    *place = box->next;
    mail_box_close(s->service->store, box);
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
            notice_send(service->handoff, s->worker,
                        &(struct notice){.kind = NOTICE_MAIL,
                                         .argument = (uint64_t)s->generation << 32 | s->place});
    }
}

/* ---- what others change ---- */

/* On threads of the store's, workers among them: no lock, no system call but the doorbell's, and
 * that only once until we look. */
static void on_change(void *context, uint64_t mailbox)
{
    struct mail_service *service = context;
    struct changed *c = &service->changed;
    uint64_t none = 0;
    size_t at = mailbox % CHANGED;

    if (!atomic_compare_exchange_strong(&c->ids[at], &none, mailbox) && none != mailbox)
        atomic_store(&c->all, true);
    if (!atomic_exchange(&c->any, true))
        service_wake(service->handoff, SERVICE_IMAP);
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
    mail_special_make(service->store, job->imap.account, service->specials, service->special_count);
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
    job_answer(service->handoff, job, status);
}

void mail_service_resume(struct imap_session *s)
{
    struct mail_service *service = s->service;
    struct imap_session *next = atomic_load(&service->resumed);

    do
        s->resumed = next;
    while (!atomic_compare_exchange_weak(&service->resumed, &next, s));
    service_wake(service->handoff, SERVICE_IMAP);
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

/* The configuration that they come from may be replaced. */
static void copy_specials(struct mail_service *s, const struct mail_service_options *o)
{
    for (uint32_t i = 0; i < o->special_count && i < MAIL_SPECIALS; i++) {
        struct span name = span_head(o->specials[i].name, MAIL_SPECIAL_NAME);

        memcpy(s->special_names[i], name.data, name.len);
        s->specials[i] = o->specials[i];
        s->specials[i].name = span_of(s->special_names[i], name.len);
        s->special_count++;
    }
}

static void woken(void *context)
{
    take_changes(context);
    go_on(context);
}

struct mail_service *mail_service_start(const struct mail_service_options *o)
{
    struct mail_service *s = calloc(1, sizeof(*s));

    if (!s) {
        mail_index_halt(o->index);
        mail_index_free(o->index);
        return NULL;
    }
    s->index = o->index;
    s->handoff = o->handoff;
    s->store = o->store;
    copy_specials(s, o);
    s->thread.handoff = o->handoff;
    s->thread.service = SERVICE_IMAP;
    s->thread.name = "imap";
    s->thread.serve = serve;
    s->thread.context = s;
    s->thread.woken = woken;
    s->recent = mail_recent_new();
    s->tallies = mail_tallies_new();
    s->digests = mail_digests_new(MAIL_DIGESTS_MAX);
    s->reader = read_service_start(o->handoff, o->store);
    store_watch(o->store, on_change, s);
    if (s->recent && s->tallies && s->digests && s->reader && service_thread_start(&s->thread))
        return s;
    store_watch(o->store, NULL, NULL);
    if (s->reader)
        read_service_stop(s->reader);
    mail_tallies_free(s->tallies);
    mail_recent_free(s->recent);
    mail_index_halt(o->index);
    mail_index_free(o->index);
    mail_digests_free(s->digests);
    free(s);
    return NULL;
}

void mail_service_stop(struct mail_service *s)
{
    mail_index_halt(s->index);
    while (atomic_load(&s->held) > 0) {
        service_wake(s->handoff, SERVICE_IMAP);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    service_thread_stop(&s->thread);
    store_watch(s->store, NULL, NULL);
    read_service_stop(s->reader);
    mail_tallies_free(s->tallies);
    mail_recent_free(s->recent);
    mail_index_free(s->index);
    mail_digests_free(s->digests);
    free(s);
}
