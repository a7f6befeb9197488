/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <urcu-qsbr.h>

#include "control/store/store_mailbox.h"
#include "control/store/store_near.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/*
 * Workers bring mail into an inbox that somebody watches, who marks, copies and moves what comes,
 * and reads it; pins are given back by the workers. Whoever misses one piece of news waits for
 * ever.
 */
enum { WORKERS = 2, MESSAGES = 2000, SIZE = 900, SLOTS = 64 };

static struct store *store;
static uint64_t account, inbox, folder;
static _Atomic uint32_t news, wrong;
static _Atomic bool ended;
static void *_Atomic slots[SLOTS]; /* pins on their way back */

static void hear(void *context, uint64_t mailbox)
{
    if (mailbox == inbox)
        atomic_fetch_add(&news, 1);
}

static void give_back(uint32_t i)
{
    void *pin = atomic_exchange(&slots[i % SLOTS], NULL);

    if (pin)
        store_unpin(store, &pin, 1);
}

static void *work(void *context)
{
    uint16_t worker = (uint16_t)(uintptr_t)context;

    rcu_register_thread();
    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct store_fixture *f =
            store_fixture_new((uint64_t)(worker + 1) << 32 | i, SIZE, 0, 4072);
        enum store_status status;

        store_fixture_to(f, account, MESSAGE_INBOX);
        if (!store_commit_near(store, worker, &f->message, &status) || status != STORE_OK)
            atomic_fetch_add(&wrong, 1);
        store_fixture_free(f);
        give_back(i);
        rcu_quiescent_state();
    }
    for (uint32_t i = 0; !atomic_load(&ended); i++) {
        give_back(i);
        rcu_quiescent_state();
        sched_yield();
    }
    rcu_unregister_thread();
    return NULL;
}

static enum store_status apply(enum store_change_kind kind, void *operand)
{
    struct store_change change = {.kind = (uint8_t)kind, .mark = operand};

    store_apply(store, &change, 1);
    return change.status_out;
}

struct found {
    uint32_t uids[256], count;
};

static bool see(void *context, const struct store_entry *e)
{
    struct found *f = context;

    f->uids[f->count++] = e->uid;
    return f->count < 256;
}

static void read_one(uint32_t uid, uint32_t slot)
{
    const struct store_reading *reading;
    struct span bytes;
    void *pin;

    if (store_reading_open(store, inbox, uid, &reading) != STORE_OK) {
        atomic_fetch_add(&wrong, 1);
        return;
    }
    if (store_reading_read(store, reading, reading->prefix.len, &bytes, &pin) != STORE_OK ||
        bytes.len == 0)
        atomic_fetch_add(&wrong, 1);
    pin = atomic_exchange(&slots[slot % SLOTS], pin);
    if (pin)
        store_unpin(store, &pin, 1);
    store_reading_close(store, reading);
}

/* What is in the inbox now: marked, read, copied once within it and then all of it moved. */
static uint32_t take_all(void)
{
    struct found f = {.count = 0};
    uint32_t moved[256];
    struct store_mark_row rows[256];
    struct store_mark mark = {.mailbox = inbox, .rows = rows};
    struct store_copy move = {.from = inbox, .to = folder, .uids = f.uids, .uids_out = moved};

    store_entries(store, inbox, see, &f);
    for (uint32_t i = 0; i < f.count; i++) {
        rows[i] = (struct store_mark_row){.uid = f.uids[i], .flags = STORE_FLAG_SEEN};
        read_one(f.uids[i], f.uids[i]);
    }
    mark.count = move.count = f.count;
    move.move = true;
    if (f.count > 0 &&
        (apply(STORE_MARK, &mark) != STORE_OK || apply(STORE_COPY, &move) != STORE_OK))
        atomic_fetch_add(&wrong, 1);
    for (uint32_t i = 0; i < f.count; i++)
        if (rows[i].gone_out || !moved[i])
            atomic_fetch_add(&wrong, 1);
    return f.count;
}

static bool keep(void *context, const struct store_mailbox *m)
{
    *(uint64_t *)context = m->messages;
    return true;
}

static void news_of_workers_are_not_missed(void)
{
    struct store_options options = {.memory_bytes = 64 << 20};
    uint32_t taken = 0, heard = 0, more;
    char error[STORE_ERROR];
    pthread_t workers[WORKERS];
    struct store_health h;
    uint64_t messages = 0;

    CHECK(store_memory_open(&options, &store, error) == STORE_OK);
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    CHECK(store_mailbox_create(store, account, span_text("folder"), 0, &folder) == STORE_OK);
    store_watch(store, hear, NULL);
    CHECK(store_mailbox_watch(store, inbox, true));
    for (uintptr_t i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, work, (void *)i);
    while (taken < WORKERS * MESSAGES) {
        while (atomic_load(&news) == heard)
            sched_yield();
        heard = atomic_load(&news);
        while ((more = take_all()) > 0)
            taken += more;
    }
    atomic_store(&ended, true);
    for (uint32_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    for (uint32_t i = 0; i < SLOTS; i++)
        give_back(i);
    CHECK(wrong == 0 && store_scene_healthy(store));
    CHECK(store_mailbox_show(store, folder, keep, &messages) == STORE_OK && messages == taken);
    CHECK(store_mailbox_show(store, inbox, keep, &messages) == STORE_OK && messages == 0);
    CHECK(store_mailbox_delete(store, folder) == STORE_OK);
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 0 && h.entries == 0 && h.rows == 0);
    store_close(store);
}

int main(void)
{
    check_begin();
    CHECK_CASE(news_of_workers_are_not_missed);
    return check_end();
}
