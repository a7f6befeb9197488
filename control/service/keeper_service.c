/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/keeper_service.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"
#include "control/service/defence_store.h"
#include "control/service/greylist_service.h"
#include "control/store/store_collect.h"
#include "control/store/store_erase.h"
#include "control/store/store_quarantine.h"
#include "proto/base/tally.h"

enum {
    STEP = 128,            /* messages or rows that one change removes */
    MAILBOXES = 1024,      /* that are noted at a time */
    GREYLIST = 1000,       /* rows that are looked at while its service waits */
    WAIT_MS = 1000,        /* between two looks at the log */
    PERIOD_MS = 600 * 1000 /* between two rounds over all quarantines */
};

struct keeper_service {
    struct keeper_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* of the next two */
    pthread_cond_t changed;
    bool woken;
    _Atomic bool stop;
    _Atomic uint64_t tombstones, bodies, held_us; /* collected; the thread's alone to write */
    uint64_t told;                                /* the last row of the log that was told */
};

/* ---- expiry ---- */

struct place {
    uint64_t account, mailbox;
};

struct mailboxes {
    uint64_t behind; /* mailboxes up to this account have been gone over */
    uint32_t count;
    struct place at[MAILBOXES];
};

/* In ascending order of accounts. */
static bool note_mailbox(void *context, const struct store_mailbox *m)
{
    struct mailboxes *all = context;

    if (m->place == MESSAGE_QUARANTINE && m->messages > 0 && m->account > all->behind)
        all->at[all->count++] = (struct place){.account = m->account, .mailbox = m->id};
    return all->count < MAILBOXES;
}

struct expired {
    uint64_t before_ms;
    uint32_t count;
    uint32_t uids[STEP];
};

static bool note_expired(void *context, const struct store_entry *entry)
{
    struct expired *e = context;

    if (entry->saved_ms < e->before_ms)
        e->uids[e->count++] = entry->uid;
    return e->count < STEP;
}

static void drop(struct keeper_service *k, uint64_t account, const struct expired *e)
{
    struct store_quarantine q[STEP];
    struct store_change changes[STEP];

    for (uint32_t i = 0; i < e->count; i++) {
        q[i] = (struct store_quarantine){
            .account = account,
            .uid = e->uids[i],
            .action = STORE_AUDIT_EXPIRE,
            .reason = {.who = span_text("engine"), .why = span_text("quarantine.expiry")}};
        changes[i] = (struct store_change){.kind = STORE_DROP, .quarantine = &q[i]};
    }
    store_apply(k->options.store, changes, e->count);
}

static void expire_mailbox(struct keeper_service *k, const struct place *place, uint64_t before_ms)
{
    struct expired e;

    do {
        e = (struct expired){.before_ms = before_ms};
        if (store_entries(k->options.store, place->mailbox, note_expired, &e) != STORE_OK)
            return;
        if (e.count > 0)
            drop(k, place->account, &e);
    } while (e.count == STEP && !atomic_load(&k->stop));
}

static void expire(struct keeper_service *k, uint64_t before_ms)
{
    struct mailboxes *all = malloc(sizeof(*all));

    if (!all)
        return;
    all->behind = 0;
    do {
        all->count = 0;
        if (store_mailboxes(k->options.store, 0, note_mailbox, all) != STORE_OK)
            break;
        for (uint32_t i = 0; i < all->count && !atomic_load(&k->stop); i++)
            expire_mailbox(k, &all->at[i], before_ms);
        if (all->count > 0)
            all->behind = all->at[all->count - 1].account;
    } while (all->count == MAILBOXES && !atomic_load(&k->stop));
    free(all);
}

/* ---- the rest ---- */

static void trim(struct keeper_service *k, uint64_t before_ms)
{
    uint32_t removed = 0;

    do {
        if (store_audit_trim(k->options.store, before_ms, STEP, &removed) != STORE_OK)
            return;
    } while (removed == STEP && !atomic_load(&k->stop));
}

static bool ignore(void *context, const struct store_erasure *erasure)
{
    return true;
}

static void finish_erasures(struct keeper_service *k)
{
    bool done;

    while (!atomic_load(&k->stop) &&
           store_erase_step(k->options.store, ignore, NULL, &done) == STORE_OK)
        continue;
}

static bool tell(void *context, const struct store_audit *row)
{
    struct keeper_service *k = context;

    k->told = row->sequence;
    return k->options.tell(k->options.context, row);
}

static void tell_new(struct keeper_service *k)
{
    store_audit(k->options.store, k->told, tell, k);
}

/* Garbage of the store; other changes come between two steps. */
static void collect(struct keeper_service *k, const struct policy_values *keep)
{
    struct store_collect limits = {.now_ms = clock_wall_ms(),
                                   .tombstone_ms = keep->tombstone_ms,
                                   .tombstones_max = keep->tombstones};
    struct store_collected collected = {.done = false};

    while (!collected.done && !atomic_load(&k->stop) &&
           store_collect(k->options.store, &limits, &collected) == STORE_OK)
        sched_yield();
    tally_add(&k->tombstones, collected.tombstones);
    tally_add(&k->bodies, collected.bodies);
    if (collected.held_us > atomic_load(&k->held_us))
        atomic_store(&k->held_us, collected.held_us);
}

static void sweep_greylist(struct keeper_service *k)
{
    struct greylist_service *greylist = policy_greylist(k->options.policy);

    while (!greylist_service_sweep(greylist, GREYLIST) && !atomic_load(&k->stop))
        sched_yield();
}

static void round_over_all(struct keeper_service *k)
{
    struct policy_values keep = policy_values(k->options.policy);
    uint64_t now = clock_wall_ms();

    finish_erasures(k);
    if (keep.quarantine_ms && now > keep.quarantine_ms)
        expire(k, now - keep.quarantine_ms);
    tell_new(k);
    if (keep.audit_ms && now > keep.audit_ms)
        trim(k, now - keep.audit_ms);
    sweep_greylist(k);
    defence_store_sweep(policy_defence(k->options.policy));
    collect(k, &keep);
}

/* A tenth of the shortest time that is kept, so that little stays much longer than it is to. */
static uint64_t period_ms(struct keeper_service *k)
{
    struct policy_values keep = policy_values(k->options.policy);
    uint64_t period = k->options.period_ms;

    if (keep.quarantine_ms && keep.quarantine_ms / 10 < period)
        period = keep.quarantine_ms / 10;
    if (keep.audit_ms && keep.audit_ms / 10 < period)
        period = keep.audit_ms / 10;
    return period;
}

static void wait_or_wake(struct keeper_service *k)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&k->lock);
    while (!k->woken && pthread_cond_timedwait(&k->changed, &k->lock, &until) == 0)
        continue;
    k->woken = false;
    pthread_mutex_unlock(&k->lock);
}

static void *run(void *arg)
{
    struct keeper_service *k = arg;
    uint64_t last = 0;

    pthread_setname_np(pthread_self(), "keeper");
    while (!atomic_load(&k->stop)) {
        uint64_t now = clock_monotonic_ms();

        if (last == 0 || now - last >= period_ms(k)) {
            round_over_all(k);
            last = now;
        }
        tell_new(k);
        defence_store_write(policy_defence(k->options.policy));
        wait_or_wake(k);
    }
    tell_new(k);
    return NULL;
}

static bool start_thread(struct keeper_service *k)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    bool ok;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_create(&k->thread, NULL, run, k) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct keeper_service *keeper_service_start(const struct keeper_options *options)
{
    struct keeper_service *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->options = *options;
    if (k->options.period_ms == 0)
        k->options.period_ms = PERIOD_MS;
    if (store_audit_last(options->store, &k->told) == STORE_OK && start_thread(k))
        return k;
    free(k);
    return NULL;
}

void keeper_service_wake(struct keeper_service *k)
{
    pthread_mutex_lock(&k->lock);
    k->woken = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void keeper_service_stop(struct keeper_service *k)
{
    atomic_store(&k->stop, true);
    keeper_service_wake(k);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

struct keeper_stats keeper_service_stats(const struct keeper_service *k)
{
    return (struct keeper_stats){.tombstones = atomic_load(&k->tombstones),
                                 .bodies = atomic_load(&k->bodies),
                                 .held_us = atomic_load(&k->held_us)};
}
