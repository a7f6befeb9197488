/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/powerloss/powerloss_drive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/store/store_mailbox.h"
#include "tests/control/powerloss/powerloss_log.h"
#include "tests/control/powerloss/powerloss_rebuild.h"
#include "tests/control/store_fixture.h"

enum { COMMITTERS = 2, GATHERED = 6, UIDS = 65536, MARKED_MAX = 8192 };

struct account {
    uint64_t id, inbox, quarantine, folder;
    _Atomic bool good[UIDS]; /* in the inbox: answered, so that the deleter may take it */
};

static struct {
    struct store *store;
    void (*mark)(const void *, size_t);
    struct account accounts[DRIVE_ACCOUNTS];
    _Atomic uint64_t number;
    _Atomic bool failed, done;
    unsigned rounds;
} drive;

struct committer {
    pthread_t thread;
    uint64_t dice;
};

const char *drive_account_name(unsigned account, char *out)
{
    snprintf(out, 32, "user%u@example.org", account);
    return out;
}

static void mark(const struct drive_mark *m)
{
    drive.mark(m, sizeof(*m));
}

static struct account *account_of(uint64_t id)
{
    for (int i = 0; i < DRIVE_ACCOUNTS; i++)
        if (drive.accounts[i].id == id)
            return &drive.accounts[i];
    abort();
}

static uint64_t roll_size(uint64_t *dice)
{
    uint64_t sort = powerloss_roll(dice) >> 8 & 15;

    if (sort == 0)
        return CHUNK_LARGE_DATA + powerloss_roll(dice) % (3 * CHUNK_LARGE_DATA);
    return sort < 4 ? 4096 + powerloss_roll(dice) % 30000 : powerloss_roll(dice) % 3000;
}

static struct store_fixture *roll_message(uint64_t *dice)
{
    uint64_t size = roll_size(dice), number = atomic_fetch_add(&drive.number, 1);
    uint32_t ahead = (uint32_t)(size / CHUNK_LARGE_DATA);
    struct store_fixture *f = store_fixture_new(number, size, ahead, 4072);
    uint64_t first = powerloss_roll(dice) >> 8,
             count = 1 + (powerloss_roll(dice) >> 8) % DRIVE_PLACES;

    for (uint64_t i = 0; i < count; i++)
        store_fixture_to(f, drive.accounts[(first + i) % DRIVE_ACCOUNTS].id,
                         (powerloss_roll(dice) >> 8) % 5 == 0 ? MESSAGE_QUARANTINE : MESSAGE_INBOX);
    return f;
}

static void mark_commit(enum drive_kind kind, const struct message *m, uint64_t number)
{
    struct drive_mark d = {.kind = kind, .number = number, .size = m->size, .count = m->deliveries};

    for (uint32_t i = 0; i < m->deliveries; i++) {
        const struct account *a = account_of(m->delivery[i].account);

        d.place[i].mailbox = m->delivery[i].place == MESSAGE_INBOX ? a->inbox : a->quarantine;
        d.place[i].uid = m->delivery[i].uid_out;
    }
    mark(&d);
    for (uint32_t i = 0; kind == DRIVE_COMMIT_GOOD && i < m->deliveries; i++)
        if (m->delivery[i].place == MESSAGE_INBOX)
            account_of(m->delivery[i].account)->good[m->delivery[i].uid_out % UIDS] = true;
}

static uint64_t number_of(const struct message *m)
{
    uint64_t n = 0;

    for (int i = 8; i < 16; i++)
        n = n << 8 | m->id.bytes[i];
    return n;
}

static void commit_round(uint64_t *dice)
{
    struct store_fixture *f[GATHERED];
    struct store_change changes[GATHERED];
    uint32_t count = 1 + (uint32_t)(powerloss_roll(dice) >> 8) % GATHERED;

    for (uint32_t i = 0; i < count; i++) {
        f[i] = roll_message(dice);
        mark_commit(DRIVE_COMMIT_BEGUN, &f[i]->message, number_of(&f[i]->message));
        if (store_fixture_write(drive.store, f[i]) != STORE_OK)
            drive.failed = true;
        changes[i] = (struct store_change){.kind = STORE_COMMIT, .message = &f[i]->message};
        /* Some are given up after their rows were written. */
        if (f[i]->message.rows_written && (powerloss_roll(dice) >> 8) % 4 == 0)
            changes[i] =
                (struct store_change){.kind = STORE_DISCARD, .discarded = f[i]->message.id};
    }
    store_apply(drive.store, changes, count);
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].status_out != STORE_OK)
            drive.failed = true;
        else if (changes[i].kind == STORE_COMMIT)
            mark_commit(DRIVE_COMMIT_GOOD, &f[i]->message, number_of(&f[i]->message));
        store_fixture_free(f[i]);
    }
}

static void *commit_thread(void *arg)
{
    struct committer *c = arg;

    for (unsigned i = 0; i < drive.rounds; i++)
        commit_round(&c->dice);
    return NULL;
}

static void mark_deletes(enum drive_kind kind, const struct pop3_mailbox *view, uint64_t mailbox,
                         const uint8_t *marked)
{
    for (uint32_t i = 0; i < view->count; i++) {
        struct drive_mark d = {.kind = kind, .count = 1};

        d.place[0] = (struct drive_place){.mailbox = mailbox, .uid = view->entries[i].uid};
        if (marked[i / 8] & 1u << i % 8)
            mark(&d);
    }
}

static void delete_round(uint64_t *dice)
{
    struct account *a = &drive.accounts[(powerloss_roll(dice) >> 8) % DRIVE_ACCOUNTS];
    uint8_t marked[MARKED_MAX / 8] = {0};
    const struct pop3_mailbox *view;
    struct store_change change = {.kind = STORE_DELETE, .marked = marked};

    if (store_view_open(drive.store, a->id, &view) != STORE_OK || view->count > MARKED_MAX) {
        drive.failed = true;
        return;
    }
    for (uint32_t i = 0; i < view->count; i++)
        if (a->good[view->entries[i].uid % UIDS] && (powerloss_roll(dice) >> 8) % 3 == 0)
            marked[i / 8] |= (uint8_t)(1u << i % 8);
    change.view = view;
    mark_deletes(DRIVE_DELETE_BEGUN, view, a->inbox, marked);
    store_apply(drive.store, &change, 1);
    if (change.status_out == STORE_OK)
        mark_deletes(DRIVE_DELETE_GOOD, view, a->inbox, marked);
    else
        drive.failed = true;
    store_view_close(drive.store, view);
}

static void *delete_thread(void *arg)
{
    uint64_t *dice = arg;

    while (!drive.done)
        delete_round(dice);
    return NULL;
}

/* Flags of some messages, with no sync of their own. */
static void flag_round(struct account *a, uint64_t *dice)
{
    struct store_mark_row rows[DRIVE_FLAGGED];
    struct store_mark flags = {.mailbox = a->inbox, .rows = rows};
    struct store_change change = {.kind = STORE_MARK, .mark = &flags};
    struct drive_mark d = {.kind = DRIVE_FLAGS_GOOD, .count = 1};
    uint32_t uid = 1 + (uint32_t)((powerloss_roll(dice) >> 8) % 400);

    for (; flags.count < DRIVE_FLAGGED && uid < UIDS; uid += 1 + powerloss_roll(dice) % 7)
        rows[flags.count++] = (struct store_mark_row){
            .uid = uid, .flags = (uint32_t)powerloss_roll(dice) % (2 * STORE_FLAG_DRAFT)};
    store_apply(drive.store, &change, 1);
    d.place[0].mailbox = a->inbox;
    d.number = flags.modseq_out;
    if (change.status_out == STORE_OK)
        mark(&d);
    else
        drive.failed = true;
}

/* A message into the folder, and what was there out again. */
static void copy_round(struct account *a, uint64_t *dice)
{
    uint32_t uid = 1 + (uint32_t)((powerloss_roll(dice) >> 8) % 400), copied;
    struct store_copy copy = {
        .from = a->inbox, .to = a->folder, .uids = &uid, .count = 1, .uids_out = &copied};
    struct store_expunge expunge = {.mailbox = a->folder, .uids = &copied, .count = 1};
    struct store_change change = {.kind = STORE_COPY, .copy = &copy};

    store_apply(drive.store, &change, 1);
    if (change.status_out != STORE_OK)
        drive.failed = true;
    if (change.status_out != STORE_OK || !copied || copied < 4)
        return;
    copied -= 3;
    change = (struct store_change){.kind = STORE_EXPUNGE, .expunge = &expunge};
    store_apply(drive.store, &change, 1);
    if (change.status_out != STORE_OK)
        drive.failed = true;
}

static void *flag_thread(void *arg)
{
    uint64_t *dice = arg;

    while (!drive.done) {
        struct account *a = &drive.accounts[(powerloss_roll(dice) >> 8) % DRIVE_ACCOUNTS];

        for (int i = 0; i < 4; i++)
            flag_round(a, dice);
        copy_round(a, dice);
    }
    return NULL;
}

static bool make_accounts(void)
{
    for (unsigned i = 0; i < DRIVE_ACCOUNTS; i++) {
        struct account *a = &drive.accounts[i];
        struct drive_mark d = {.kind = DRIVE_ACCOUNT_READY, .number = i};
        char name[32];

        a->id = store_fixture_account(drive.store, drive_account_name(i, name), 0);
        a->inbox = store_fixture_mailbox(drive.store, a->id, MESSAGE_INBOX, NULL);
        a->quarantine = store_fixture_mailbox(drive.store, a->id, MESSAGE_QUARANTINE, NULL);
        d.place[0].mailbox = a->inbox;
        d.place[1].mailbox = a->quarantine;
        if (!a->id || !a->inbox || !a->quarantine ||
            store_mailbox_create(drive.store, a->id, span_text("folder"), 0, &a->folder) !=
                STORE_OK)
            return false;
        mark(&d);
    }
    return true;
}

bool powerloss_drive(const char *folder, bool sync, unsigned rounds, uint64_t seed)
{
    struct store_options options = {.path = folder, .sync = sync, .memtable_bytes = DRIVE_MEMTABLE};
    struct committer committers[COMMITTERS];
    uint64_t delete_dice = seed * 3 + 1, flag_dice = seed * 5 + 2;
    pthread_t deleter, flagger;
    char error[STORE_ERROR];

    /* The recorder is loaded into this process and into no other. */
    *(void **)&drive.mark = dlsym(RTLD_DEFAULT, "powerloss_mark");
    drive.rounds = rounds;
    drive.number = 1;
    if (!drive.mark || store_rocks_open(&options, &drive.store, error) != STORE_OK ||
        !make_accounts())
        return false;
    pthread_create(&deleter, NULL, delete_thread, &delete_dice);
    pthread_create(&flagger, NULL, flag_thread, &flag_dice);
    for (unsigned i = 0; i < COMMITTERS; i++) {
        committers[i].dice = seed + 1000 * (i + 1);
        pthread_create(&committers[i].thread, NULL, commit_thread, &committers[i]);
    }
    for (unsigned i = 0; i < COMMITTERS; i++)
        pthread_join(committers[i].thread, NULL);
    drive.done = true;
    pthread_join(deleter, NULL);
    pthread_join(flagger, NULL);
    store_close(drive.store);
    return !drive.failed;
}
