/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/store/store_collect.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_backdoor.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/* Faults made behind the store's back: each is named, those that are safe to make good are. */
static char *folder;
static char error[STORE_ERROR];
static struct store *store;
static uint64_t account, inbox;

static void open_store(void)
{
    struct store_options options = {.path = folder, .sync = false};

    CHECK(store_rocks_open(&options, &store, error) == STORE_OK);
}

static enum store_status send(uint64_t number, uint64_t size)
{
    struct store_fixture *f = store_fixture_new(number, size, 0, 4096);
    enum store_status status;

    store_fixture_to(f, account, MESSAGE_INBOX);
    if (number == 1)
        store_fixture_to(f, account, MESSAGE_QUARANTINE);
    status = store_fixture_commit(store, f);
    store_fixture_free(f);
    return status;
}

/* A store with three messages, the first of them in two mailboxes. */
static void make(void)
{
    folder = store_fixture_folder("fsck");
    open_store();
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    for (uint64_t i = 1; i <= 3; i++)
        CHECK(send(i, i * 1000) == STORE_OK);
    store_close(store);
}

static void remove_store(void)
{
    store_close(store);
    store_fixture_remove(folder);
}

static struct span key_span(const struct store_key *key)
{
    return span_of(key->bytes, key->len);
}

static bool sound(const struct store_health *h)
{
    return !h->bad && !h->bodiless && !h->orphans && !h->counts;
}

static void count_fault(void *context, const struct store_fault *fault)
{
    uint32_t *counts = context;

    counts[fault->class]++;
    CHECK(!store_faults[fault->class].repair || fault->repaired);
}

/* Exactly `count` faults of the class, and no others; then it is repaired. */
static void expect(enum store_fault_class class, uint64_t count)
{
    uint32_t told[STORE_FAULTS] = {0};
    struct store_fsck repairing = {.repair = true, .visit = count_fault, .context = told};
    struct store_health h;

    open_store();
    CHECK(store_check(store, &h) == STORE_OK);
    for (int i = 0; i < STORE_FAULTS; i++)
        if (!CHECK(h.faults[i] == (i == (int)class ? count : 0)))
            printf("# %s: %llu of %s\n", store_faults[class].name, (unsigned long long)h.faults[i],
                   store_faults[i].name);
    CHECK(store_fsck(store, &repairing, &h) == STORE_OK && told[class] == count);
    CHECK(h.repaired == (store_faults[class].repair ? count : 0));
    CHECK(store_check(store, &h) == STORE_OK && sound(&h) == store_faults[class].repair);
    CHECK(send(99, 100) == STORE_OK);
}

static void each_fault_is_named_and_made_good(void)
{
    const struct id128 nobody = store_fixture_id(77), first = store_fixture_id(1);
    const struct {
        enum store_fault_class class;
        int family;
        struct store_key key;
        const char *value; /* NULL: the row is deleted */
        size_t len;
    } cases[] = {
        {STORE_FAULT_ENTRY_UNREFERRED, BACKDOOR_INDEX, store_key_reference(&first, inbox, 1), NULL,
         0},
        {STORE_FAULT_ENTRY_INCOMPLETE, BACKDOOR_FLAGS, store_key_flags(inbox, 1), NULL, 0},
        {STORE_FAULT_BODY_INCOMPLETE, BACKDOOR_BODY, store_key_row(1, &first, 0), NULL, 0},
        {STORE_FAULT_REFERENCE_LOST, BACKDOOR_INDEX, store_key_reference(&first, inbox, 50), "\1",
         1},
        {STORE_FAULT_PREFIX_LOST, BACKDOOR_INDEX, store_key_entry(STORE_TABLE_PREFIX, inbox, 50),
         "\1\0\0\0\0\0\0\0x", 9},
        {STORE_FAULT_COMPANION_LOST, BACKDOOR_INDEX, store_key_message(STORE_TABLE_TREE, &nobody),
         "\1\0\0\0\0\0\0\0x", 9},
        {STORE_FAULT_ROWS_UNUSED, BACKDOOR_BODY, store_key_row(1, &nobody, 0), "\1\0\0\0\0\0\0\0x",
         9},
        {STORE_FAULT_UNREADABLE, BACKDOOR_INDEX, store_key_id(STORE_TABLE_ENTRY, 12345), "x", 1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_backdoor b;

        make();
        b = store_backdoor_enter(folder);
        if (cases[i].value)
            store_backdoor_put(&b, cases[i].family, key_span(&cases[i].key),
                               span_of(cases[i].value, cases[i].len));
        else
            store_backdoor_delete(&b, cases[i].family, key_span(&cases[i].key));
        store_backdoor_leave(&b);
        expect(cases[i].class, 1);
        remove_store();
    }
}

/* The key of a mailbox's name, in the family of names. */
static struct span name_key(uint8_t bytes[64], const char *name)
{
    struct store_key key = store_key_id((enum store_table)'M', account);
    struct writer w = writer_of(bytes, 64);

    writer_span_put(&w, key_span(&key));
    writer_text(&w, name);
    return writer_span(&w);
}

static void names_and_mailboxes_find_each_other(void)
{
    uint8_t bytes[64], number[STORE_ROW_SMALL];
    struct writer w = writer_of(number, sizeof(number));
    uint64_t made = 0, found = 0;
    char name[32];
    struct store_backdoor b;

    make();
    b = store_backdoor_enter(folder);
    store_row_put_number(&w, 777);
    store_backdoor_put(&b, BACKDOOR_NAMES, name_key(bytes, "gone"), writer_span(&w));
    store_backdoor_leave(&b);
    expect(STORE_FAULT_NAME_LOST, 1);
    CHECK(store_mailbox_find(store, account, span_text("gone"), &found) == STORE_NONE);
    remove_store();
    make();
    open_store();
    CHECK(store_mailbox_create(store, account, span_text("f"), 0, &made) == STORE_OK);
    store_close(store);
    b = store_backdoor_enter(folder);
    store_backdoor_delete(&b, BACKDOOR_NAMES, name_key(bytes, "f"));
    store_backdoor_leave(&b);
    expect(STORE_FAULT_MAILBOX_NAMELESS, 1);
    snprintf(name, sizeof(name), "Recovered-%llu", (unsigned long long)made);
    CHECK(store_mailbox_find(store, account, span_text(name), &found) == STORE_OK && found == made);
    remove_store();
}

/* Deleted, but the row that says that it is to be emptied is lost: then it is emptied later. */
static void a_deleted_mailbox_is_emptied_at_last(void)
{
    struct store_row_mailbox gone = {.account = account, .place = STORE_ROW_GONE};
    uint8_t row[STORE_ROW_SMALL];
    struct writer w = writer_of(row, sizeof(row));
    struct store_collected c = {.done = false};
    struct store_key key;
    struct store_backdoor b;
    struct store_health h;

    make();
    gone.account = account;
    key = store_key_id(STORE_TABLE_MAILBOX, 4711);
    store_row_put_mailbox(&w, &gone);
    b = store_backdoor_enter(folder);
    store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&key), writer_span(&w));
    store_backdoor_leave(&b);
    expect(STORE_FAULT_MAILBOX_NAMELESS, 1);
    while (!c.done &&
           CHECK(store_collect(store, &(struct store_collect){.now_ms = 0}, &c) == STORE_OK))
        continue;
    store_close(store);
    b = store_backdoor_enter(folder);
    CHECK(store_backdoor_count(&b, BACKDOOR_INDEX, key_span(&key)) == 0);
    store_backdoor_leave(&b);
    open_store();
    CHECK(store_check(store, &h) == STORE_OK && sound(&h));
    remove_store();
}

static void an_entry_without_a_mailbox_is_named(void)
{
    struct store_key key;
    struct store_backdoor b;
    struct store_health h;

    make();
    key = store_key_id(STORE_TABLE_MAILBOX, inbox);
    b = store_backdoor_enter(folder);
    store_backdoor_delete(&b, BACKDOOR_INDEX, key_span(&key));
    store_backdoor_leave(&b);
    open_store();
    CHECK(store_check(store, &h) == STORE_OK);
    CHECK(h.faults[STORE_FAULT_ENTRY_HOMELESS] == 3 && h.faults[STORE_FAULT_NAME_LOST] == 1);
    remove_store();
}

static void put_state(uint32_t uid_next, uint64_t messages, uint64_t octets)
{
    struct store_key key = store_key_id(STORE_TABLE_STATE, inbox);
    struct store_row_state state = {
        .uid_next = uid_next, .modseq = 9, .messages = messages, .octets = octets};
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_backdoor b = store_backdoor_enter(folder);

    store_row_put_state(&w, &state);
    store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&key), writer_span(&w));
    store_backdoor_leave(&b);
}

static void counters_become_right(void)
{
    struct store_mailbox m;

    make();
    put_state(2, 7, 5);
    expect(STORE_FAULT_MAILBOX_COUNT, 1);
    store_fixture_mailbox(store, account, MESSAGE_INBOX, &m);
    CHECK(m.messages == 4 && m.uid_next == 5); /* with the one that came after the repair */
    remove_store();
}

static void a_quota_counter_becomes_right(void)
{
    struct store_key key;
    struct store_row_usage usage = {.messages = 100, .octets = 1};
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_backdoor b;

    make();
    key = store_key_id(STORE_TABLE_USAGE, account);
    b = store_backdoor_enter(folder);
    store_row_put_usage(&w, &usage);
    store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&key), writer_span(&w));
    store_backdoor_leave(&b);
    expect(STORE_FAULT_ACCOUNT_COUNT, 1);
    remove_store();
}

/* The last reference is a lost one: the body goes with it. */
static void a_body_without_an_owner_goes(void)
{
    const struct id128 second = store_fixture_id(2);
    struct store_key rows[] = {store_key_reference(&second, inbox, 2),
                               store_key_entry(STORE_TABLE_ENTRY, inbox, 2),
                               store_key_entry(STORE_TABLE_PREFIX, inbox, 2)};
    struct store_key flags = store_key_flags(inbox, 2), prefix = store_key_row(1, &second, 0);
    struct store_fsck repairing = {.repair = true};
    struct store_backdoor b;
    struct store_health h;

    make();
    b = store_backdoor_enter(folder);
    for (int i = 0; i < 3; i++)
        store_backdoor_delete(&b, BACKDOOR_INDEX, key_span(&rows[i]));
    store_backdoor_delete(&b, BACKDOOR_FLAGS, key_span(&flags));
    store_backdoor_leave(&b);
    open_store();
    CHECK(store_fsck(store, &repairing, &h) == STORE_OK);
    CHECK(h.faults[STORE_FAULT_BODY_UNUSED] == 1 && h.faults[STORE_FAULT_MAILBOX_COUNT] == 1 &&
          h.faults[STORE_FAULT_ACCOUNT_COUNT] == 1 && h.repaired == 3);
    CHECK(store_check(store, &h) == STORE_OK && sound(&h) && h.bodies == 2);
    store_close(store);
    b = store_backdoor_enter(folder);
    CHECK(store_backdoor_count(&b, BACKDOOR_BODY, key_span(&prefix)) == 0);
    store_backdoor_leave(&b);
    open_store();
    remove_store();
}

/* An entry that cannot be read may be the one that the body belongs to. */
static void a_body_stays_while_an_entry_is_unreadable(void)
{
    const struct id128 second = store_fixture_id(2);
    struct store_key reference = store_key_reference(&second, inbox, 2),
                     entry = store_key_entry(STORE_TABLE_ENTRY, inbox, 2);
    struct store_fsck repairing = {.repair = true};
    struct store_backdoor b;
    struct store_health h;

    make();
    b = store_backdoor_enter(folder);
    store_backdoor_delete(&b, BACKDOOR_INDEX, key_span(&reference));
    store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&entry), span_text("damaged"));
    store_backdoor_leave(&b);
    open_store();
    CHECK(store_fsck(store, &repairing, &h) == STORE_OK);
    CHECK(h.faults[STORE_FAULT_UNREADABLE] == 1 && h.faults[STORE_FAULT_BODY_UNUSED] == 1 &&
          h.repaired == 0);
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 3 && h.bodiless == 0);
    remove_store();
}

/* ---- while mail goes on ---- */

static _Atomic bool ended;
static uint64_t slowest_ns;

static void *keep_sending(void *arg)
{
    for (uint64_t n = 1000; !ended && n < 100000; n++) {
        struct timespec a, b;
        uint64_t ns;

        clock_gettime(CLOCK_MONOTONIC, &a);
        if (send(n, 3000) != STORE_OK)
            return NULL;
        clock_gettime(CLOCK_MONOTONIC, &b);
        ns = (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000 + (uint64_t)b.tv_nsec -
             (uint64_t)a.tv_nsec;
        slowest_ns = ns > slowest_ns ? ns : slowest_ns;
    }
    return arg;
}

static void mail_goes_on_meanwhile(void)
{
    struct store_fsck repairing = {.repair = true};
    struct store_health h;
    struct store_mailbox m;
    uint64_t first = 0;
    pthread_t sender;
    void *all = NULL;

    make();
    put_state(4, 7, 5); /* a counter to repair under load */
    open_store();
    CHECK(pthread_create(&sender, NULL, keep_sending, store) == 0);
    CHECK(store_fsck(store, &repairing, &h) == STORE_OK &&
          h.faults[STORE_FAULT_MAILBOX_COUNT] == 1);
    first = h.bodies;
    for (int i = 0; i < 20 || (i < 2000 && h.bodies < first + 10); i++)
        CHECK(store_check(store, &h) == STORE_OK && sound(&h));
    ended = true;
    pthread_join(sender, &all);
    CHECK(all && h.bodies > first);
    CHECK(store_check(store, &h) == STORE_OK && sound(&h));
    store_fixture_mailbox(store, account, MESSAGE_INBOX, &m);
    CHECK(m.messages + 1 == h.entries); /* one is in the quarantine too */
    printf("# %llu messages came meanwhile, the slowest commit took %llu us\n",
           (unsigned long long)(h.bodies - first), (unsigned long long)(slowest_ns / 1000));
    remove_store();
}

int main(void)
{
    make();
    store_fixture_remove(folder); /* ids are the same in every store */
    check_begin();
    CHECK_CASE(each_fault_is_named_and_made_good);
    CHECK_CASE(names_and_mailboxes_find_each_other);
    CHECK_CASE(a_deleted_mailbox_is_emptied_at_last);
    CHECK_CASE(an_entry_without_a_mailbox_is_named);
    CHECK_CASE(counters_become_right);
    CHECK_CASE(a_quota_counter_becomes_right);
    CHECK_CASE(a_body_without_an_owner_goes);
    CHECK_CASE(a_body_stays_while_an_entry_is_unreadable);
    CHECK_CASE(mail_goes_on_meanwhile);
    return check_end();
}
