/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/store/store_backup.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

static char *folder; /* of everything below */
static char path[256], backups[256], again[256], error[STORE_ERROR];
static struct store *store;
static uint64_t account;
static struct store_mailbox inbox;

static struct store *open_at(const char *where)
{
    struct store_options options = {.path = where, .sync = true, .memtable_bytes = 1 << 20};
    struct store *opened = NULL;

    CHECK(store_rocks_open(&options, &opened, error) == STORE_OK);
    return opened;
}

static void begin(void)
{
    folder = store_fixture_folder("backup");
    snprintf(path, sizeof(path), "%s/store", folder);
    snprintf(backups, sizeof(backups), "%s/backups", folder);
    snprintf(again, sizeof(again), "%s/again", folder);
    store = open_at(path);
    account = store_fixture_account(store, "a@example.org", 0);
    store_fixture_mailbox(store, account, MESSAGE_INBOX, &inbox);
}

static void end(void)
{
    store_close(store);
    store_fixture_remove(folder);
}

static uint64_t size_of(uint64_t number)
{
    return number % 16 == 0 ? 3 * CHUNK_LARGE_DATA + number : 500 + number % 6000;
}

/* 0: not committed. */
static uint32_t send(struct store *to, uint64_t number)
{
    uint32_t rows = (uint32_t)(size_of(number) / CHUNK_LARGE_DATA), uid = 0;
    struct store_fixture *f = store_fixture_new(number, size_of(number), rows, 4096);

    store_fixture_to(f, account, MESSAGE_INBOX);
    if (store_fixture_write(to, f) == STORE_OK && store_fixture_commit(to, f) == STORE_OK)
        uid = f->message.delivery[0].uid_out;
    store_fixture_free(f);
    return uid;
}

static bool sound(const struct store_health *h)
{
    return !h->bad && !h->bodiless && !h->orphans && !h->counts;
}

static void note_id(void *context, const struct store_backup *b)
{
    uint32_t *ids = context;

    CHECK(b->bytes > 0 && b->files > 0 && b->made_s > 1700000000);
    ids[++ids[0]] = b->id;
}

static void backups_are_listed_verified_and_purged(void)
{
    uint32_t ids[8] = {0}, id = 0;

    begin();
    CHECK(store_backup_list(backups, note_id, ids, error) == STORE_FAILED);
    for (uint64_t i = 1; i <= 3; i++)
        CHECK(send(store, i) && store_backup_create(store, backups, &id, error) == STORE_OK &&
              id == i);
    CHECK(store_backup_list(backups, note_id, ids, error) == STORE_OK);
    CHECK(ids[0] == 3 && ids[1] == 1 && ids[3] == 3);
    CHECK(store_backup_verify(backups, 2, error) == STORE_OK);
    CHECK(store_backup_verify(backups, 9, error) == STORE_FAILED && error[0]);
    CHECK(store_backup_purge(backups, 0, error) == STORE_FAILED);
    CHECK(store_backup_purge(backups, 1, error) == STORE_OK);
    ids[0] = 0;
    CHECK(store_backup_list(backups, note_id, ids, error) == STORE_OK && ids[0] == 1 &&
          ids[1] == 3);
    end();
}

static bool add_validity(void *context, const struct store_mailbox *m)
{
    uint32_t *validity = context;

    CHECK(m->uid_validity != validity[0] && m->uid_validity != validity[1]);
    validity[m->place] = m->uid_validity;
    return true;
}

static void a_restored_store_never_gives_a_name_twice(void)
{
    uint32_t id, validity[2] = {0}, highest = 0;
    struct store_health h;
    struct store_mailbox m;
    uint64_t late, other;

    begin();
    for (uint64_t i = 1; i <= 20; i++)
        CHECK(send(store, i) == i);
    CHECK(store_backup_create(store, backups, &id, error) == STORE_OK);
    CHECK(send(store, 21) == 21); /* a client has seen it */
    late = store_fixture_account(store, "late@example.org", 0);
    store_mailboxes(store, 0, add_validity, validity);
    highest = validity[0] > validity[1] ? validity[0] : validity[1];

    CHECK(store_backup_restore(backups, 0, path, &h, error) == STORE_FAILED); /* in use */
    CHECK(store_backup_restore(backups, 7, again, &h, error) == STORE_FAILED);
    CHECK(access(again, F_OK) != 0);
    CHECK(mkdir(again, 0700) == 0);
    CHECK(store_backup_restore(backups, id, again, &h, error) == STORE_OK);
    CHECK(sound(&h) && h.entries == 20);
    store_close(store);
    store = open_at(again);
    for (uint32_t uid = 1; uid <= 20; uid++)
        CHECK(store_fixture_same(store, inbox.id, uid, uid, 0, size_of(uid)));
    store_fixture_mailbox(store, account, MESSAGE_INBOX, &m);
    CHECK(m.id == inbox.id && m.uid_validity > highest && m.uid_next == 21);
    other = store_fixture_account(store, "other@example.org", 0);
    CHECK(other > late);
    CHECK(send(store, 22) == 21); /* the same UID, but under another UIDVALIDITY */
    end();
}

static void folders_are_in_a_backup(void)
{
    uint32_t id, uid = 1, copied;
    struct store_copy copy = {.uids = &uid, .count = 1, .uids_out = &copied};
    struct store_change change = {.kind = STORE_COPY, .copy = &copy};
    struct store_health h;
    uint64_t folder_id = 0, found = 0;

    begin();
    CHECK(send(store, 1) == 1);
    CHECK(store_mailbox_create(store, account, span_text("Sent"), STORE_USE_SENT, &folder_id) ==
          STORE_OK);
    copy.from = inbox.id;
    copy.to = folder_id;
    store_apply(store, &change, 1);
    CHECK(change.status_out == STORE_OK && copied == 1);
    CHECK(store_subscribe(store, account, span_text("Sent"), true) == STORE_OK);
    CHECK(store_backup_create(store, backups, &id, error) == STORE_OK);
    CHECK(store_backup_restore(backups, id, again, &h, error) == STORE_OK);
    CHECK(sound(&h) && h.entries == 2 && h.bodies == 1);
    store_close(store);
    store = open_at(again);
    CHECK(store_mailbox_find(store, account, span_text("Sent"), &found) == STORE_OK);
    CHECK(found == folder_id && store_fixture_same(store, found, 1, 1, 0, size_of(1)));
    end();
}

static void an_interrupted_restoring_is_begun_anew(void)
{
    char unfinished[300], file[320];
    struct store_health h;
    uint32_t id = 0;
    FILE *f;

    begin();
    CHECK(send(store, 1) == 1 && store_backup_create(store, backups, &id, error) == STORE_OK);
    snprintf(unfinished, sizeof(unfinished), "%s.restoring", again);
    snprintf(file, sizeof(file), "%s/CURRENT", unfinished);
    CHECK(mkdir(unfinished, 0700) == 0 && (f = fopen(file, "w")) && fclose(f) == 0);
    CHECK(store_backup_restore(backups, id, again, &h, error) == STORE_OK && h.entries == 1);
    CHECK(access(unfinished, F_OK) != 0);
    end();
}

static void a_store_in_memory_has_none(void)
{
    struct store_options options = {.node = 0};
    struct store *memory;
    uint32_t id;

    begin();
    CHECK(store_memory_open(&options, &memory, error) == STORE_OK);
    CHECK(store_backup_create(memory, backups, &id, error) == STORE_FAILED);
    CHECK_TEXT(span_text(error), "a store in memory has no backups");
    store_close(memory);
    end();
}

/* ---- under load ---- */

enum { BACKUPS = 4 };

static _Atomic uint64_t acknowledged;
static _Atomic bool ended;

static void *keep_sending(void *arg)
{
    for (uint64_t n = 1; !ended; n++) {
        if (send(store, n) != n)
            return NULL;
        acknowledged = n;
    }
    return arg;
}

static void what_was_acknowledged_is_in_the_backup(void)
{
    uint64_t before[BACKUPS], after[BACKUPS];
    uint32_t id[BACKUPS];
    struct store_health h;
    pthread_t sender;
    void *all = NULL;

    begin();
    CHECK(pthread_create(&sender, NULL, keep_sending, store) == 0);
    for (int i = 0; i < BACKUPS; i++) {
        usleep(200000);
        before[i] = acknowledged;
        CHECK(store_backup_create(store, backups, &id[i], error) == STORE_OK);
        after[i] = acknowledged + 1; /* one may be under way */
    }
    ended = true;
    pthread_join(sender, &all);
    CHECK(all);
    for (int i = 0; i < BACKUPS; i++) {
        struct store *restored;

        CHECK(store_backup_verify(backups, id[i], error) == STORE_OK);
        CHECK(store_backup_restore(backups, id[i], again, &h, error) == STORE_OK);
        CHECK(sound(&h) && h.entries >= before[i] && h.entries <= after[i]);
        restored = open_at(again);
        for (uint32_t uid = 1; uid <= h.entries; uid++)
            CHECK(store_fixture_same(restored, inbox.id, uid, uid, 0, size_of(uid)));
        store_close(restored);
        store_fixture_remove(strdup(again));
        printf("# backup %u: %llu acknowledged before it, %llu in it, %llu when it was made\n",
               id[i], (unsigned long long)before[i], (unsigned long long)h.entries,
               (unsigned long long)after[i]);
    }
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(backups_are_listed_verified_and_purged);
    CHECK_CASE(a_restored_store_never_gives_a_name_twice);
    CHECK_CASE(folders_are_in_a_backup);
    CHECK_CASE(an_interrupted_restoring_is_begun_anew);
    CHECK_CASE(a_store_in_memory_has_none);
    CHECK_CASE(what_was_acknowledged_is_in_the_backup);
    return check_end();
}
