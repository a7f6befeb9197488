/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/base/clock.h"
#include "control/log/log.h"
#include "control/mail/mail_index_part.h"
#include "control/service/service_thread.h"

enum {
    SLICE_NS = 20 * 1000 * 1000,   /* of a question, */
    HURRY_NS = 10 * 1000 * 1000,   /* of indexing while somebody asks, */
    STEP_NS = 1000 * 1000 * 1000,  /* and while nobody does */
    WAIT_MS = 1000,
    DEADLINE_MS = 5000, /* after that what was not looked for is read */
};

/* ---- what is told by others ---- */

static void wake(struct mail_index *index)
{
    if (atomic_exchange(&index->asleep, false))
        sem_post(&index->wake);
}

/* Somebody waits for the thread. */
static void hurry(struct mail_index *index)
{
    atomic_store(&index->hurry, true);
    wake(index);
}

/* On threads of the store's: no lock, and no system call but where we sleep. */
static void on_change(void *context, uint64_t mailbox)
{
    struct mail_index *index = context;
    uint64_t none = 0;

    if (!atomic_compare_exchange_strong(&index->noted[mailbox % INDEX_NOTED], &none, mailbox) &&
        none != mailbox)
        atomic_store(&index->noted_all, true);
    atomic_store(&index->noted_any, true);
    wake(index);
}

static void take_noted(struct mail_index *index)
{
    if (!atomic_exchange(&index->noted_any, false))
        return;
    for (uint32_t i = 0; i < INDEX_NOTED; i++) {
        uint64_t mailbox = atomic_exchange(&index->noted[i], 0);

        if (mailbox)
            index_feed_put(index, mailbox, 0);
    }
    index->scan |= atomic_exchange(&index->noted_all, false);
}

static void take_asked(struct mail_index *index)
{
    struct mail_index_query *asked;
    struct index_call *calls;

    atomic_store(&index->hurry, false);
    pthread_mutex_lock(&index->lock);
    asked = index->asked;
    calls = index->calls;
    index->asked = NULL;
    index->asked_end = &index->asked;
    index->calls = NULL;
    pthread_mutex_unlock(&index->lock);
    if (asked) {
        *index->queries_end = asked;
        while (*index->queries_end)
            index->queries_end = &(*index->queries_end)->next;
    }
    while (calls) {
        struct index_call *call = calls;

        calls = call->next;
        call->run(index, call);
        pthread_mutex_lock(&index->lock);
        call->done = true;
        pthread_cond_broadcast(&index->called);
        pthread_mutex_unlock(&index->lock);
    }
}

/* ---- the thread ---- */

/* Until the next thing is due, as far as it is known. */
static uint64_t rest_ms(const struct mail_index *index)
{
    uint64_t now = clock_monotonic_ms(), due = now + WAIT_MS;

    if (index->pending_count > 0 || index->scan)
        due = index->pending_count > 0 ? index->pause_until : index->scan_from;
    if (due < index->pause_until)
        due = index->pause_until;
    if (due > now + WAIT_MS)
        return WAIT_MS;
    return due > now ? due - now : 0;
}

static void rest(struct mail_index *index)
{
    uint64_t ms = rest_ms(index);
    struct timespec until;

    atomic_store(&index->asleep, true);
    pthread_mutex_lock(&index->lock);
    if (index->asked || index->calls)
        atomic_store(&index->asleep, false);
    pthread_mutex_unlock(&index->lock);
    if (atomic_load(&index->noted_any) || atomic_load(&index->stop) ||
        !atomic_load(&index->asleep))
        ms = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (ms > 0 && sem_timedwait(&index->wake, &until) != 0 && errno == EINTR)
        continue;
    atomic_store(&index->asleep, false);
}

/* True: there was something to do. */
static bool turn(struct mail_index *index)
{
    uint64_t now = clock_monotonic_ms();
    bool asked, may = now >= index->pause_until;

    take_noted(index);
    take_asked(index);
    asked = index->queries != NULL;
    if (asked)
        index_query_slice(index, clock_monotonic_ns() + SLICE_NS);
    if (may && index->pending_count == 0 && index->scan && now >= index->scan_from)
        index_feed_scan(index);
    if (may && index->pending_count > 0) {
        index_feed_step(index, clock_monotonic_ns() + (index->queries ? HURRY_NS : STEP_NS));
        return true;
    }
    atomic_store(&index->caught_up, index->pending_count == 0 && !index->scan);
    return asked;
}

static void *run(void *arg)
{
    struct mail_index *index = arg;

    /* Whoever delivers or reads mail goes first when woken. It is no less than they are for the rest:
     * somebody waits for what it finds. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0});
    pthread_setname_np(pthread_self(), "index");
    pthread_mutex_lock(&index->lock);
    index->ready = true;
    pthread_cond_broadcast(&index->called);
    while (!index->begun && !atomic_load(&index->stop))
        pthread_cond_wait(&index->called, &index->lock);
    pthread_mutex_unlock(&index->lock);
    while (!atomic_load(&index->stop))
        if (!turn(index))
            rest(index);
    take_asked(index);
    index_query_cancel(index);
    index_folder_close(index);
    return NULL;
}

/* ---- begin and end ---- */

static bool make_folder(struct mail_index *index, const char *path)
{
    char whole[PATH_MAX];

    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || !realpath(path, whole))
        return false;
    errno = ENAMETOOLONG;
    return snprintf(index->path, sizeof(index->path), "%s", whole) < (int)sizeof(index->path);
}

static void release(struct mail_index *index)
{
    pthread_cond_destroy(&index->called);
    pthread_mutex_destroy(&index->lock);
    sem_destroy(&index->wake);
    free(index->open);
    free(index->pending);
    free(index->text.data);
    free(index);
}

/* It has done what a filter of system calls may not allow later. */
static bool start_thread(struct mail_index *index)
{
    errno = service_thread_create(&index->thread, run, index);
    if (errno != 0)
        return false;
    pthread_mutex_lock(&index->lock);
    while (!index->ready)
        pthread_cond_wait(&index->called, &index->lock);
    pthread_mutex_unlock(&index->lock);
    return true;
}

struct mail_index *mail_index_start(const struct mail_index_options *options)
{
    struct mail_index *index = calloc(1, sizeof(*index));
    bool ok;

    if (!index)
        return NULL;
    index->options = *options;
    index->queries_end = &index->queries;
    index->asked_end = &index->asked;
    sem_init(&index->wake, 0, 0);
    pthread_mutex_init(&index->lock, NULL);
    pthread_cond_init(&index->called, NULL);
    index->open = calloc(options->files + 1, sizeof(*index->open));
    index->pending = calloc(INDEX_PENDING, sizeof(*index->pending));
    ok = index->open && index->pending && make_folder(index, options->path);
    if (ok) {
        /* After a fault it is tried again. */
        index_folder_open(index);
        store_watch_all(options->store, on_change, index);
    }
    if (ok && start_thread(index))
        return index;
    LOG(ERROR, "search index %s: %s", options->path, strerror(errno));
    store_watch_all(options->store, NULL, NULL);
    index_folder_close(index);
    release(index);
    return NULL;
}

void mail_index_begin(struct mail_index *index)
{
    if (!index)
        return;
    pthread_mutex_lock(&index->lock);
    index->begun = true;
    pthread_cond_broadcast(&index->called);
    pthread_mutex_unlock(&index->lock);
}

void mail_index_halt(struct mail_index *index)
{
    if (!index)
        return;
    pthread_mutex_lock(&index->lock);
    if (index->halted) {
        pthread_mutex_unlock(&index->lock);
        return;
    }
    index->halted = true;
    atomic_store(&index->stop, true);
    pthread_cond_broadcast(&index->called);
    pthread_mutex_unlock(&index->lock);
    wake(index);
    pthread_join(index->thread, NULL);
    store_watch_all(index->options.store, NULL, NULL);
}

void mail_index_free(struct mail_index *index)
{
    if (index)
        release(index);
}

/* ---- asking ---- */

bool mail_index_ask(struct mail_index *index, struct mail_index_query *query)
{
    bool taken;

    if (!index)
        return false;
    query->deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    pthread_mutex_lock(&index->lock);
    taken = index->begun && !index->halted;
    if (taken) {
        *index->asked_end = query;
        index->asked_end = &query->next;
    }
    pthread_mutex_unlock(&index->lock);
    if (taken)
        hurry(index);
    return taken;
}

static enum store_status call(struct mail_index *index, struct index_call *c)
{
    pthread_mutex_lock(&index->lock);
    if (!index->begun || index->halted) {
        pthread_mutex_unlock(&index->lock);
        return STORE_BUSY;
    }
    c->next = index->calls;
    index->calls = c;
    pthread_mutex_unlock(&index->lock);
    hurry(index);
    pthread_mutex_lock(&index->lock);
    while (!c->done)
        pthread_cond_wait(&index->called, &index->lock);
    pthread_mutex_unlock(&index->lock);
    return c->status;
}

/* ---- looking after it ---- */

struct mail_index_status mail_index_status(const struct mail_index *index)
{
    return (struct mail_index_status){.caught_up = atomic_load(&index->caught_up),
                                      .accounts = atomic_load(&index->accounts),
                                      .indexed = atomic_load(&index->indexed),
                                      .lag = atomic_load(&index->lag),
                                      .mailboxes = atomic_load(&index->waiting),
                                      .bytes = atomic_load(&index->bytes)};
}

struct account_look {
    struct mail_index *index;
    struct mail_index_status *found;
    uint32_t seen;
};

static bool add_mailbox(void *context, const struct store_mailbox *m)
{
    struct account_look *look = context;
    struct mail_index_known k = {0};

    look->seen++;
    if (m->place == MESSAGE_QUARANTINE)
        return true;
    if (look->index->catalogue)
        mail_index_catalogue_find(look->index->catalogue, m->id, &k);
    look->found->indexed += k.indexed;
    look->found->lag += m->messages > k.indexed ? m->messages - k.indexed : 0;
    look->found->mailboxes += k.uid_validity != m->uid_validity || k.uid_next != m->uid_next ||
                              k.messages != m->messages;
    return true;
}

static void run_status(struct mail_index *index, struct index_call *c)
{
    struct account_look look = {.index = index, .found = &c->found};

    c->status = store_mailboxes(index->options.store, c->account, add_mailbox, &look);
    if (c->status == STORE_OK && look.seen == 0)
        c->status = STORE_NONE;
    if (index->catalogue)
        c->found.bytes = mail_index_catalogue_bytes(index->catalogue, c->account);
    c->found.accounts = c->found.bytes > 0;
    c->found.caught_up = c->found.mailboxes == 0;
}

enum store_status mail_index_status_of(struct mail_index *index, uint64_t account,
                                       struct mail_index_status *status_out)
{
    struct index_call c = {.run = run_status, .account = account};
    enum store_status status = call(index, &c);

    *status_out = c.found;
    return status;
}

static void run_rebuild(struct mail_index *index, struct index_call *c)
{
    if (c->account == 0) {
        index_folder_drop_all(index);
        c->status = STORE_OK;
        return;
    }
    c->status = index_feed_account(index, c->account);
    if (c->status == STORE_OK)
        index_folder_drop(index, c->account);
}

enum store_status mail_index_rebuild(struct mail_index *index, uint64_t account)
{
    struct index_call c = {.run = run_rebuild, .account = account};

    return call(index, &c);
}

void mail_index_counters(const struct mail_index *index, const struct counter_sink *sink)
{
    static const struct mail_index none;
    const struct mail_index *i = index ? index : &none;
    char name[64];

    sink->put(sink->user, "index_accounts", atomic_load(&i->accounts));
    sink->put(sink->user, "index_documents", atomic_load(&i->indexed));
    sink->put(sink->user, "index_bytes", atomic_load(&i->bytes));
    sink->put(sink->user, "index_lag", atomic_load(&i->lag));
    sink->put(sink->user, "index_mailboxes_waiting", atomic_load(&i->waiting));
    sink->put(sink->user, "index_added", atomic_load(&i->added));
    sink->put(sink->user, "index_removed", atomic_load(&i->removed));
    sink->put(sink->user, "index_searches", atomic_load(&i->searches));
    sink->put(sink->user, "index_searches_unanswered", atomic_load(&i->unanswered));
    for (int f = MAIL_INDEX_FINE + 1; f < MAIL_INDEX_FAULTS; f++) {
        snprintf(name, sizeof(name), "index_errors_%s", mail_index_faults[f].name);
        sink->put(sink->user, name, atomic_load(&i->faults[f]));
    }
}
