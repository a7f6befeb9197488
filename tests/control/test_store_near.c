/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "control/store/store_collect.h"
#include "control/store/store_erase.h"
#include "control/store/store_near.h"
#include "control/store/store_quarantine.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/*
 * A near store asked by many at once: workers commit, sessions read and delete, control lists,
 * releases, erases and checks. A ledger knows of each delivery whether it was accepted and whether
 * it was removed; at the end the mailboxes and the ledger say the same, and all memory is back.
 */
enum {
    WORKERS = 3,
    READERS = 2,
    ACCOUNTS = 12,
    MESSAGES = 3000, /* of a worker */
    RECIPIENTS = 3,
    MEMORY = 128 << 20,
    QUOTA = 1500000,
};

static struct store *store;
static uint64_t accounts[ACCOUNTS], inboxes[ACCOUNTS], quarantines[ACCOUNTS], own[WORKERS];
static _Atomic uint64_t doomed;
static _Atomic uint8_t accepted[WORKERS][MESSAGES + 1], removed[WORKERS][MESSAGES + 1];
static _Atomic uint32_t working, wrong, near_done, left_to_control, refused, shown, deleted;
static const struct store_reason reason = {.who = {(const uint8_t *)"test", 4},
                                           .why = {(const uint8_t *)"stress", 6}};

/* As CHECK, on any thread; the first ones are told. */
static void expect_at(bool ok, const char *what, int line)
{
    if (!ok && atomic_fetch_add(&wrong, 1) < 5)
        printf("# line %d: %s\n", line, what);
}
#define expect(ok) expect_at(ok, #ok, __LINE__)

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t number_of(uint32_t worker, uint32_t i)
{
    return (uint64_t)(worker + 1) << 32 | i;
}

static uint64_t size_of(uint64_t number)
{
    uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) >> 20;

    if (x % 16 == 0)
        return x / 16 % 200000;
    return x / 16 % (x % 2 ? 1000 : 9000);
}

static uint64_t number_in(const struct id128 *id)
{
    uint64_t number = 0;

    for (int i = 8; i < 16; i++)
        number = number << 8 | id->bytes[i];
    return number;
}

/* The ledger's place of a delivery of ours. */
static _Atomic uint8_t *place_in(_Atomic uint8_t ledger[WORKERS][MESSAGES + 1], uint64_t number)
{
    return &ledger[(number >> 32) - 1][number & UINT32_MAX];
}

static void note_removed(uint64_t number, uint16_t delivery)
{
    uint8_t bit = (uint8_t)(1u << delivery);

    expect((atomic_load(place_in(accepted, number)) & bit) != 0);
    expect((atomic_fetch_or(place_in(removed, number), bit) & bit) == 0);
}

/* ---- workers ---- */

static enum store_status commit(uint16_t worker, struct store_fixture *f, uint8_t bits)
{
    _Atomic uint8_t *noted = place_in(accepted, number_in(&f->message.id));
    enum store_status status;

    for (uint32_t row = 0; row < f->message.rows_written; row++) {
        struct span bytes = span_of(f->bytes + (uint64_t)row * CHUNK_LARGE_DATA, CHUNK_LARGE_DATA);

        expect(store_write_near(store, worker, &f->message.id, row, bytes, &status));
        if (status != STORE_OK)
            return status;
    }
    /* Before others can see it. */
    atomic_store(noted, bits);
    if (store_commit_near(store, worker, &f->message, &status)) {
        atomic_fetch_add(&near_done, 1);
    } else {
        atomic_fetch_add(&left_to_control, 1);
        status = store_fixture_commit(store, f);
    }
    if (status != STORE_OK)
        atomic_store(noted, 0);
    return status;
}

/* An account that is erased again and again: it gets the message, or there is none. */
static void commit_to_doomed(uint16_t worker, uint64_t number)
{
    struct store_fixture *f = store_fixture_new(number, 700, 0, 4072);
    enum store_status status;

    store_fixture_to(f, atomic_load(&doomed), MESSAGE_INBOX);
    expect(store_commit_near(store, worker, &f->message, &status));
    expect(status == STORE_OK || status == STORE_NONE);
    store_fixture_free(f);
}

static void discard(uint16_t worker, const struct store_fixture *f)
{
    struct store_change change = {.kind = STORE_DISCARD, .discarded = f->message.id};

    if (f->message.rows_written && !store_discard_near(store, worker, &f->message.id))
        store_apply(store, &change, 1);
}

/* What was accepted is in a view that is opened afterwards; of an account that nobody else has. */
static void commit_and_look(uint16_t worker, uint64_t number)
{
    struct store_fixture *f = store_fixture_new(number, 700, 0, 4072);
    const struct pop3_mailbox *view;
    enum store_status status;
    uint8_t marked = 1;
    struct store_change change = {.kind = STORE_DELETE, .marked = &marked};

    store_fixture_to(f, own[worker], MESSAGE_INBOX);
    expect(store_commit_near(store, worker, &f->message, &status) && status == STORE_OK);
    expect(store_view_open(store, own[worker], &view) == STORE_OK);
    expect(view->count == 1 && view->entries[0].uid == f->message.delivery[0].uid_out);
    change.view = view;
    store_apply(store, &change, 1);
    expect(change.status_out == STORE_OK);
    store_view_close(store, view);
    atomic_fetch_add(&shown, 1);
    store_fixture_free(f);
}

static void *work(void *context)
{
    uint16_t worker = (uint16_t)(uintptr_t)context;
    uint64_t random = worker + 1u;

    urcu_qsbr_register_thread();
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        uint64_t number = number_of(worker, i), size = size_of(number);
        struct store_fixture *f =
            store_fixture_new(number, size, (uint32_t)(size / CHUNK_LARGE_DATA), 4072);
        uint32_t recipients = 1 + (uint32_t)(draw(&random) % RECIPIENTS);
        uint64_t first = draw(&random);

        for (uint32_t r = 0; r < recipients; r++)
            store_fixture_to(f, accounts[(first + r) % ACCOUNTS],
                             draw(&random) % 8 ? MESSAGE_INBOX : MESSAGE_QUARANTINE);
        if (commit(worker, f, (uint8_t)((1u << recipients) - 1)) == STORE_OK) {
            commit_and_look(worker, number | UINT64_C(1) << 31);
        } else {
            discard(worker, f);
            atomic_fetch_add(&refused, 1);
        }
        store_fixture_free(f);
        commit_to_doomed(worker, number | UINT64_C(1) << 30);
        urcu_qsbr_quiescent_state();
    }
    urcu_qsbr_unregister_thread();
    atomic_fetch_sub(&working, 1);
    return NULL;
}

/* ---- sessions ---- */

struct known {
    uint64_t number;
    uint16_t delivery;
};

static bool know(void *context, const struct store_entry *entry)
{
    *(struct known *)context =
        (struct known){.number = number_in(&entry->message), .delivery = entry->delivery};
    return false;
}

static bool reads_right(const struct pop3_mailbox *view, uint32_t index, const struct known *known)
{
    uint64_t size = size_of(known->number), at = 0;
    uint8_t *bytes = malloc(64 + size);
    bool same = true;

    store_fixture_prefix(known->number, known->delivery, (char *)bytes);
    at = strlen((char *)bytes);
    store_fixture_bytes(known->number, bytes + at, size);
    same = view->entries[index].size == at + size;
    for (at = 0; same && at < view->entries[index].size;) {
        struct span piece;
        void *pin;

        same = store_view_read(store, view, index, at, &piece, &pin) == STORE_OK && piece.len > 0 &&
               memcmp(piece.data, bytes + at, piece.len) == 0;
        at += piece.len;
        store_unpin(store, &pin, 1);
    }
    free(bytes);
    return same;
}

static void visit(uint64_t *random, bool all)
{
    uint64_t a = draw(random) % ACCOUNTS;
    const struct pop3_mailbox *view;
    struct store_change change = {.kind = STORE_DELETE};
    struct known *known;
    uint8_t *marked;

    if (store_view_open(store, accounts[a], &view) != STORE_OK)
        return;
    known = calloc(view->count + 1u, sizeof(*known));
    marked = calloc(1, view->count / 8 + 1u);
    for (uint32_t i = 0; i < view->count; i++) {
        expect(store_entry_find(store, inboxes[a], view->entries[i].uid, know, &known[i]) ==
               STORE_OK);
        if (all || draw(random) % 2)
            marked[i / 8] |= (uint8_t)(1u << i % 8);
    }
    change.view = view;
    change.marked = marked;
    store_apply(store, &change, 1);
    expect(change.status_out == STORE_OK);
    /* Deleted or not, it can be read until the session ends. */
    for (uint32_t i = 0; i < view->count; i++) {
        expect(reads_right(view, i, &known[i]));
        if (marked[i / 8] & 1u << i % 8) {
            note_removed(known[i].number, known[i].delivery);
            atomic_fetch_add(&deleted, 1);
        }
    }
    store_view_close(store, view);
    free(known);
    free(marked);
}

static void *read_mail(void *context)
{
    uint64_t random = 1000 + (uintptr_t)context;

    while (atomic_load(&working) > 0)
        visit(&random, draw(&random) % 4 == 0);
    return NULL;
}

/* ---- control ---- */

struct found {
    uint32_t uid;
    struct known known;
};

static bool find_first(void *context, const struct store_entry *entry)
{
    struct found *found = context;

    found->uid = entry->uid;
    return know(&found->known, entry);
}

/* Some of a quarantine are released, some are dropped. */
static void empty_quarantine(uint64_t a, uint64_t *random)
{
    struct found found = {.uid = 0};
    struct store_quarantine q = {.account = accounts[a], .reason = reason};
    struct store_change change = {.quarantine = &q};

    store_entries(store, quarantines[a], find_first, &found);
    if (!found.uid)
        return;
    q.uid = found.uid;
    change.kind = draw(random) % 2 ? STORE_RELEASE : STORE_DROP;
    q.action = change.kind == STORE_DROP ? STORE_AUDIT_DELETE : STORE_AUDIT_RELEASE;
    store_apply(store, &change, 1);
    expect(change.status_out == STORE_OK ||
           (change.kind == STORE_RELEASE && change.status_out == STORE_FULL));
    if (change.kind == STORE_DROP)
        note_removed(found.known.number, found.known.delivery);
}

static bool ignore_erasure(void *context, const struct store_erasure *erasure)
{
    return true;
}

/* An account that comes and goes, with what is in it. */
static void erase_doomed(uint64_t *number)
{
    struct store_fixture *f;
    uint64_t id = store_fixture_account(store, "doomed@example.org", 0);
    bool done = false;

    atomic_store(&doomed, id);
    for (int i = 0; i < 20; i++) {
        f = store_fixture_new(++*number, 3000, 0, 1000);
        store_fixture_to(f, id, MESSAGE_INBOX);
        expect(store_fixture_commit(store, f) == STORE_OK);
        store_fixture_free(f);
    }
    expect(store_erase(store, span_text("doomed@example.org"), &reason, &id) == STORE_OK);
    while (!done)
        expect(store_erase_step(store, ignore_erasure, NULL, &done) == STORE_OK);
}

static void *control(void *context)
{
    const struct store_collect limits = {.tombstones_max = 50};
    uint64_t random = 77, number = UINT64_C(1) << 48;
    uint32_t rounds = 0;

    while (atomic_load(&working) > 0) {
        struct store_collected collected = {0};

        empty_quarantine(draw(&random) % ACCOUNTS, &random);
        if (rounds++ % 8)
            continue;
        erase_doomed(&number);
        store_collect(store, &limits, &collected);
        expect(store_scene_healthy(store));
    }
    return NULL;
}

/* ---- the end ---- */

struct tally {
    uint32_t entries;
    uint32_t uid;
    uint64_t mailbox;
};

static bool compare(void *context, const struct store_entry *entry)
{
    struct tally *tally = context;
    uint64_t number = number_in(&entry->message);
    uint8_t bit = (uint8_t)(1u << entry->delivery);

    tally->entries++;
    expect(entry->uid > tally->uid);
    tally->uid = entry->uid;
    expect((atomic_load(place_in(accepted, number)) & bit) != 0);
    /* From here on it counts as found: twice is wrong. */
    note_removed(number, entry->delivery);
    expect(store_fixture_same(store, entry->mailbox, entry->uid, number, entry->delivery,
                              size_of(number)));
    return true;
}

static void compare_all(void)
{
    struct tally tally = {0};

    for (int a = 0; a < ACCOUNTS; a++) {
        struct store_mailbox box;

        tally.uid = 0;
        expect(store_entries(store, inboxes[a], compare, &tally) == STORE_OK);
        tally.uid = 0;
        expect(store_entries(store, quarantines[a], compare, &tally) == STORE_OK);
        store_fixture_mailbox(store, accounts[a], MESSAGE_INBOX, &box);
        expect(a % 2 || box.octets <= QUOTA);
    }
    for (uint32_t w = 0; w < WORKERS; w++)
        for (uint32_t i = 1; i <= MESSAGES; i++)
            expect(atomic_load(&accepted[w][i]) == atomic_load(&removed[w][i]));
    printf("# %u left in mailboxes\n", tally.entries);
}

static bool drop_all(void *context, const struct store_entry *entry)
{
    struct store_quarantine q = {.account = entry->account,
                                 .uid = entry->uid,
                                 .action = STORE_AUDIT_DELETE,
                                 .reason = reason};
    struct store_change change = {.kind = STORE_DROP, .quarantine = &q};

    store_apply(store, &change, 1);
    expect(change.status_out == STORE_OK);
    return true;
}

static void delete_all(void)
{
    for (int a = 0; a < ACCOUNTS; a++) {
        const struct pop3_mailbox *view;
        struct store_change change = {.kind = STORE_DELETE};
        uint8_t *marked;

        expect(store_entries(store, quarantines[a], drop_all, NULL) == STORE_OK);
        expect(store_view_open(store, accounts[a], &view) == STORE_OK);
        marked = malloc(view->count / 8 + 1u);
        memset(marked, 255, view->count / 8 + 1u);
        change.view = view;
        change.marked = marked;
        store_apply(store, &change, 1);
        store_view_close(store, view);
        free(marked);
    }
}

/* How many rows fit. */
static uint32_t room(void)
{
    struct store_change discard = {.kind = STORE_DISCARD, .discarded = store_fixture_id(5)};
    static uint8_t bytes[CHUNK_LARGE_DATA];
    uint32_t rows = 0;

    while (store_write(store, &discard.discarded, rows, span_of(bytes, sizeof(bytes))) == STORE_OK)
        rows++;
    store_apply(store, &discard, 1);
    return rows;
}

static void begin(void)
{
    struct store_options options = {.memory_bytes = MEMORY};
    char error[STORE_ERROR];

    CHECK(store_memory_open(&options, &store, error) == STORE_OK && store_is_near(store));
    for (int i = 0; i < WORKERS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "own%d@example.org", i);
        own[i] = store_fixture_account(store, name, 0);
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "a%d@example.org", i);
        accounts[i] = store_fixture_account(store, name, i % 2 ? 0 : QUOTA);
        inboxes[i] = store_fixture_mailbox(store, accounts[i], MESSAGE_INBOX, NULL);
        quarantines[i] = store_fixture_mailbox(store, accounts[i], MESSAGE_QUARANTINE, NULL);
    }
}

static void nothing_is_lost_among_many(void)
{
    pthread_t workers[WORKERS], readers[READERS], controller;
    struct store_health h;
    uint32_t before;

    begin();
    before = room();
    working = WORKERS;
    for (uintptr_t i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, work, (void *)i);
    for (uintptr_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_mail, (void *)i);
    pthread_create(&controller, NULL, control, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    pthread_join(controller, NULL);
    printf("# on workers %u, by control %u, refused %u, deleted %u, seen at once %u\n", near_done,
           left_to_control, refused, deleted, shown);
    CHECK(near_done > MESSAGES && shown > 0 && deleted > 0);
    CHECK(store_scene_healthy(store));
    compare_all();
    delete_all();
    CHECK(store_check(store, &h) == STORE_OK);
    CHECK(h.bodies == 0 && h.entries == 0 && h.rows == 0 && h.counts == 0);
    /* But for what each has begun to fill. */
    CHECK(room() + WORKERS + 1 >= before);
    CHECK(wrong == 0);
    store_close(store);
}

/* ---- the edges ---- */

static enum store_status send_empty(uint64_t number)
{
    struct store_fixture *f = store_fixture_new(number, 0, 0, 100);
    enum store_status status;

    store_fixture_to(f, accounts[0], MESSAGE_INBOX);
    CHECK(store_commit_near(store, 0, &f->message, &status));
    store_fixture_free(f);
    return status;
}

static bool show_nothing(void *context, const struct store_message *message)
{
    return true;
}

/* So many ids that lines of their table overflow. */
static void a_memory_full_of_small_ones_is_filled_again(void)
{
    struct store_options options = {.memory_bytes = 1 << 20};
    uint32_t fits[3];
    char error[STORE_ERROR];

    CHECK(store_memory_open(&options, &store, error) == STORE_OK);
    accounts[0] = store_fixture_account(store, "a@example.org", 0);
    for (uint64_t round = 0; round < 3; round++) {
        const struct pop3_mailbox *view;
        struct store_change change = {.kind = STORE_DELETE};
        uint8_t marked[1000];

        fits[round] = 0;
        while (fits[round] < 8000 && send_empty(round << 32 | fits[round]) == STORE_OK)
            fits[round]++;
        CHECK(store_scene_healthy(store));
        for (uint64_t i = 0; i < fits[round]; i++) {
            struct id128 id = store_fixture_id(round << 32 | i);

            CHECK(store_message_show(store, &id, show_nothing, NULL) == STORE_OK);
        }
        CHECK(store_view_open(store, accounts[0], &view) == STORE_OK && view->count == fits[round]);
        memset(marked, 255, sizeof(marked));
        change.view = view;
        change.marked = marked;
        store_apply(store, &change, 1);
        store_view_close(store, view);
    }
    printf("# %u fit\n", fits[0]);
    CHECK(fits[0] > 1000 && fits[0] < 8000 && fits[1] + 200 > fits[0] && fits[2] == fits[1]);
    store_close(store);
}

static void what_does_not_fit_a_segment_is_refused(void)
{
    static uint8_t tree[70000];
    struct store_options options = {.memory_bytes = 1 << 20};
    struct store_fixture *f = store_fixture_new(1, 100, 0, 100);
    enum store_status status;
    char error[STORE_ERROR];

    CHECK(store_memory_open(&options, &store, error) == STORE_OK);
    store_fixture_to(f, store_fixture_account(store, "a@example.org", 0), MESSAGE_INBOX);
    f->message.tree = span_of(tree, sizeof(tree));
    CHECK(store_commit_near(store, 0, &f->message, &status) && status == STORE_FAILED);
    f->message.tree.len = 100;
    f->message.delivery[0].prefix = span_of(tree, sizeof(tree));
    CHECK(store_commit_near(store, 0, &f->message, &status) && status == STORE_FAILED);
    f->message.delivery[0].prefix.len = 100;
    /* Of workers without a lane of their own nothing is done near. */
    CHECK(!store_commit_near(store, 1000, &f->message, &status));
    CHECK(!store_write_near(store, 1000, &f->message.id, 0, f->message.tree, &status));
    CHECK(!store_discard_near(store, 1000, &f->message.id));
    CHECK(store_commit_near(store, 0, &f->message, &status) && status == STORE_OK);
    /* The id is taken: control says so. */
    CHECK(!store_commit_near(store, 0, &f->message, &status));
    CHECK(store_fixture_commit(store, f) == STORE_FAILED);
    CHECK(store_scene_healthy(store));
    store_fixture_free(f);
    store_close(store);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_memory_full_of_small_ones_is_filled_again);
    CHECK_CASE(what_does_not_fit_a_segment_is_refused);
    CHECK_CASE(nothing_is_lost_among_many);
    return check_end();
}
