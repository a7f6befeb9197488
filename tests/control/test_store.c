/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

static char *folder;
static struct store *store;
static char error[STORE_ERROR];

static enum store_status open_store(void)
{
    struct store_options options = {.path = folder, .sync = false};

    return store_fixture_open(&options, &store, error);
}

static void begin(void)
{
    folder = store_fixture_folder("store");
    CHECK(open_store() == STORE_OK);
}

static void reopen(void)
{
    if (store_fixture_in_memory())
        return;
    store_close(store);
    CHECK(open_store() == STORE_OK);
}

static void end(void)
{
    CHECK(store_scene_healthy(store));
    store_close(store);
    store_fixture_remove(folder);
}

static enum store_status send_one(uint64_t number, uint64_t size, uint64_t account)
{
    struct store_fixture *f = store_fixture_new(number, size, 0, 4096);
    enum store_status status;

    store_fixture_to(f, account, MESSAGE_INBOX);
    status = store_fixture_commit(store, f);
    store_fixture_free(f);
    return status;
}

static void round_trip_of_every_size(void)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     511,
                                     4096,
                                     CHUNK_LARGE_DATA - 1,
                                     CHUNK_LARGE_DATA,
                                     CHUNK_LARGE_DATA + 1,
                                     3 * CHUNK_LARGE_DATA};
    static const uint32_t cuts[] = {1000, 4072, CHUNK_LARGE_DATA};
    uint64_t account, inbox, n = 0;

    begin();
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < 3; j++) {
            struct store_fixture *f = store_fixture_new(++n, sizes[i], 0, cuts[j]);

            store_fixture_to(f, account, MESSAGE_INBOX);
            CHECK(store_fixture_commit(store, f) == STORE_OK);
            CHECK(f->message.delivery[0].uid_out == n);
            CHECK(store_fixture_same(store, inbox, (uint32_t)n, n, 0, sizes[i]));
            store_fixture_free(f);
        }
    }
    reopen();
    for (uint64_t i = 1; i <= n; i++)
        CHECK(store_fixture_same(store, inbox, (uint32_t)i, i, 0, sizes[(i - 1) / 3]));
    end();
}

static void rows_written_ahead(void)
{
    uint64_t size = 20 << 20, account, inbox;
    uint32_t rows = (uint32_t)(size / CHUNK_LARGE_DATA);
    struct store_fixture *f = store_fixture_new(1, size, rows, CHUNK_LARGE_DATA);
    struct store_health h;

    begin();
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    store_fixture_to(f, account, MESSAGE_INBOX);
    CHECK(store_fixture_write(store, f) == STORE_OK);
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 0 && h.orphans == 0 && h.rows == rows);
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    CHECK(store_fixture_same(store, inbox, 1, 1, 0, size));
    reopen();
    CHECK(store_fixture_same(store, inbox, 1, 1, 0, size));
    store_fixture_free(f);
    end();
}

static void rows_out_of_order_are_refused(void)
{
    struct store_fixture *f = store_fixture_new(1, 3 * CHUNK_LARGE_DATA, 2, CHUNK_LARGE_DATA);
    struct span row = span_of(f->bytes, CHUNK_LARGE_DATA);

    begin();
    store_fixture_to(f, store_fixture_account(store, "a@example.org", 0), MESSAGE_INBOX);
    CHECK(store_write(store, &f->message.id, 1, row) == STORE_FAILED);
    CHECK(store_write(store, &f->message.id, 0, span_head(row, 100)) == STORE_FAILED);
    CHECK(store_write(store, &f->message.id, 0, row) == STORE_OK);
    CHECK(store_fixture_commit(store, f) == STORE_FAILED);
    f->message.rows_written = 1;
    CHECK(store_fixture_commit(store, f) == STORE_FAILED);
    store_fixture_free(f);
    end();
}

static void several_recipients_share_a_body(void)
{
    struct store_fixture *f = store_fixture_new(5, 10000, 0, 4000);
    uint64_t accounts[3], number = 5;
    struct store_health h;

    begin();
    for (int i = 0; i < 3; i++) {
        char name[] = "0@example.org";

        name[0] = (char)('a' + i);
        accounts[i] = store_fixture_account(store, name, 0);
        store_fixture_to(f, accounts[i], i == 2 ? MESSAGE_QUARANTINE : MESSAGE_INBOX);
    }
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    for (uint32_t i = 0; i < 3; i++) {
        enum message_place place = i == 2 ? MESSAGE_QUARANTINE : MESSAGE_INBOX;
        struct store_mailbox m;
        uint64_t id = store_fixture_mailbox(store, accounts[i], place, &m);

        CHECK(store_fixture_same(store, id, 1, number, i, 10000));
        CHECK(m.messages == 1 && m.octets == 10000 + strlen(f->prefixes[i]) && m.uid_next == 2);
    }
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 1 && h.entries == 3);
    CHECK(store_fixture_commit(store, f) == STORE_FAILED); /* the id is taken */
    store_fixture_free(f);
    end();
}

static bool see_entry(void *context, const struct store_entry *e)
{
    uint32_t *seen = context;

    ++*seen;
    CHECK(e->uid == *seen && e->place == MESSAGE_QUARANTINE && e->modseq == *seen + 1);
    CHECK(e->flags == 0 && e->keywords.len == 0 && e->retention == 0 && e->uidl.len == 0);
    CHECK(e->internal_ms == UINT64_C(1700000000000) + *seen && e->saved_ms > 0);
    CHECK_TEXT(e->verdict, "rule-7");
    return true;
}

static bool see_message(void *context, const struct store_message *m)
{
    *(bool *)context = true;
    CHECK_TEXT(m->envelope.sender, "sender@example.org");
    CHECK_TEXT(m->envelope.helo, "client.example.org");
    CHECK_TEXT(m->envelope.envid, "envelope-id");
    CHECK_TEXT(m->envelope.authenticated, "somebody");
    CHECK(m->envelope.client_port == 4321 && m->envelope.body == MESSAGE_BODY_8BITMIME);
    CHECK(m->envelope.ret == 2 && m->envelope.require_tls && m->envelope.tls_optional &&
          !m->envelope.smtputf8);
    CHECK(m->envelope.priority == -3 && m->envelope.deliver_by_ms == 1800000000000);
    CHECK(m->envelope.hold_until_ms == 1750000000000);
    CHECK_TEXT(m->tree, "encoded tree");
    CHECK(m->deliveries == 1 && m->delivery[0].notify == 6);
    CHECK_TEXT(m->delivery[0].recipient, "Somebody@Example.org");
    CHECK_TEXT(m->delivery[0].orcpt, "rfc822;somebody@example.org");
    CHECK(m->size == 100 && m->rows == 1);
    return true;
}

static void everything_known_is_shown(void)
{
    uint64_t account, quarantine;
    struct id128 id = store_fixture_id(2), none = store_fixture_id(99);
    uint32_t seen = 0;
    bool shown = false;

    begin();
    account = store_fixture_account(store, "a@example.org", 0);
    quarantine = store_fixture_mailbox(store, account, MESSAGE_QUARANTINE, NULL);
    for (uint64_t n = 1; n <= 3; n++) {
        struct store_fixture *f = store_fixture_new(n, 100, 0, 100);

        store_fixture_to(f, account, MESSAGE_QUARANTINE);
        CHECK(store_fixture_commit(store, f) == STORE_OK);
        store_fixture_free(f);
    }
    CHECK(store_entries(store, quarantine, see_entry, &seen) == STORE_OK && seen == 3);
    seen = 1;
    CHECK(store_entry_find(store, quarantine, 2, see_entry, &seen) == STORE_OK && seen == 2);
    seen = 1;
    CHECK(store_places(store, &id, see_entry, &seen) == STORE_OK && seen == 2);
    CHECK(store_entry_find(store, quarantine, 9, see_entry, &seen) == STORE_NONE);
    CHECK(store_places(store, &none, see_entry, &seen) == STORE_NONE);
    CHECK(store_entries(store, 12345, see_entry, &seen) == STORE_NONE);
    CHECK(store_message_show(store, &id, see_message, &shown) == STORE_OK && shown);
    CHECK(store_message_show(store, &none, see_message, &shown) == STORE_NONE);
    end();
}

/* Deletes the entries of `bits` from the account's inbox. */
static enum store_status delete_bits(uint64_t account, uint8_t bits)
{
    const struct pop3_mailbox *view;
    struct store_change change = {.kind = STORE_DELETE, .marked = &bits};

    if (store_view_open(store, account, &view) != STORE_OK)
        return STORE_FAILED;
    change.view = view;
    store_apply(store, &change, 1);
    store_view_close(store, view);
    return change.status_out;
}

static bool see_tombstone(void *context, const struct store_entry *e)
{
    uint32_t *sum = context;

    *sum = *sum * 10 + e->uid;
    return true;
}

static void deletion_leaves_tombstones_and_no_garbage(void)
{
    struct store_fixture *f = store_fixture_new(1, 30 * CHUNK_LARGE_DATA, 0, CHUNK_LARGE_DATA);
    struct store_health h;
    struct store_mailbox m;
    uint64_t a, b, inbox;
    uint32_t uids = 0;

    begin();
    a = store_fixture_account(store, "a@example.org", 0);
    b = store_fixture_account(store, "b@example.org", 0);
    inbox = store_fixture_mailbox(store, a, MESSAGE_INBOX, NULL);
    store_fixture_to(f, a, MESSAGE_INBOX);
    store_fixture_to(f, b, MESSAGE_INBOX);
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    CHECK(send_one(2, 100, a) == STORE_OK && send_one(3, 100, a) == STORE_OK);
    CHECK(delete_bits(a, 5) == STORE_OK); /* UIDs 1 and 3 */
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 2 && h.entries == 2);
    CHECK(store_fixture_same(store, store_fixture_mailbox(store, b, MESSAGE_INBOX, NULL), 1, 1, 1,
                             30 * CHUNK_LARGE_DATA));
    CHECK(store_tombstones(store, inbox, 0, see_tombstone, &uids) == STORE_OK && uids == 13);
    uids = 0;
    CHECK(store_tombstones(store, inbox, 6, see_tombstone, &uids) == STORE_OK && uids == 3);
    CHECK(delete_bits(b, 1) == STORE_OK);
    CHECK(store_check(store, &h) == STORE_OK && h.bodies == 1 && h.rows == 1);
    store_fixture_mailbox(store, a, MESSAGE_INBOX, &m);
    CHECK(m.messages == 1 && m.uid_next == 4 && m.modseq == 6);
    reopen();
    CHECK(send_one(4, 100, a) == STORE_OK);
    CHECK(store_fixture_same(store, inbox, 4, 4, 0, 100)); /* UIDs don't come again */
    store_fixture_free(f);
    end();
}

static void view_stands_still(void)
{
    const struct pop3_mailbox *view, *other;
    uint64_t account, offset = 0;
    struct span bytes;
    uint8_t body[5000];
    void *pin;

    begin();
    account = store_fixture_account(store, "a@example.org", 0);
    CHECK(send_one(1, 5000, account) == STORE_OK);
    CHECK(store_view_open(store, account, &view) == STORE_OK);
    CHECK(store_view_open(store, account, &other) == STORE_BUSY);
    CHECK(send_one(2, 10, account) == STORE_OK);
    CHECK(view->count == 1 && view->entries[0].uid == 1 && view->uid_validity > 0);
    {
        struct store_change change = {
            .kind = STORE_DELETE, .view = view, .marked = (const uint8_t[]){1}};

        store_apply(store, &change, 1);
        CHECK(change.status_out == STORE_OK);
    }
    store_fixture_bytes(1, body, sizeof(body));
    while (offset < view->entries[0].size) {
        uint64_t prefix = view->entries[0].size - sizeof(body);

        CHECK(store_view_read(store, view, 0, offset, &bytes, &pin) == STORE_OK);
        if (!CHECK(bytes.len > 0))
            break;
        if (offset >= prefix)
            CHECK(memcmp(bytes.data, body + offset - prefix, bytes.len) == 0);
        offset += bytes.len > 700 ? 700 : bytes.len;
        store_unpin(store, &pin, 1);
    }
    CHECK(store_view_read(store, view, 0, offset, &bytes, &pin) == STORE_OK && bytes.len == 0);
    CHECK(store_view_read(store, view, 1, 0, &bytes, &pin) == STORE_NONE);
    store_view_close(store, view);
    CHECK(store_view_open(store, account, &view) == STORE_OK);
    CHECK(view->count == 1 && view->entries[0].uid == 2);
    store_view_close(store, view);
    end();
}

static void quota_counts_the_inbox_alone(void)
{
    struct store_fixture *f = store_fixture_new(9, 800, 0, 800);
    uint64_t account;

    begin();
    account = store_fixture_account(store, "a@example.org", 1000);
    store_fixture_to(f, account, MESSAGE_QUARANTINE);
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    CHECK(send_one(1, 800, account) == STORE_OK);
    CHECK(send_one(2, 800, account) == STORE_FULL);
    CHECK(delete_bits(account, 1) == STORE_OK);
    CHECK(send_one(2, 800, account) == STORE_OK);
    CHECK(store_fixture_account(store, "a@example.org", 5000) == account);
    CHECK(send_one(3, 800, account) == STORE_OK);
    store_fixture_free(f);
    end();
}

static void one_impossible_message_fails_alone(void)
{
    struct store_fixture *f[4];
    struct store_change changes[4];
    uint64_t a, b;

    begin();
    a = store_fixture_account(store, "a@example.org", 0);
    b = store_fixture_account(store, "b@example.org", 1500);
    for (uint64_t i = 0; i < 4; i++) {
        f[i] = store_fixture_new(i + 1, 1000, 0, 300);
        store_fixture_to(f[i], a, MESSAGE_INBOX);
        changes[i] = (struct store_change){.kind = STORE_COMMIT, .message = &f[i]->message};
    }
    store_fixture_to(f[1], b, MESSAGE_INBOX);
    store_fixture_to(f[2], b, MESSAGE_INBOX);   /* together over the quota */
    store_fixture_to(f[3], 777, MESSAGE_INBOX); /* nobody */
    store_apply(store, changes, 4);
    CHECK(changes[0].status_out == STORE_OK && changes[1].status_out == STORE_OK);
    CHECK(changes[2].status_out == STORE_FULL && changes[3].status_out == STORE_NONE);
    CHECK(f[1]->message.delivery[0].uid_out == 2 && f[1]->message.delivery[1].uid_out == 1);
    CHECK(send_one(5, 10, a) == STORE_OK);
    CHECK(store_fixture_same(store, store_fixture_mailbox(store, a, MESSAGE_INBOX, NULL), 3, 5, 0,
                             10));
    for (int i = 0; i < 4; i++)
        store_fixture_free(f[i]);
    end();
}

static void rows_of_an_older_incarnation_go(void)
{
    struct store_fixture *kept = store_fixture_new(1, 2 * CHUNK_LARGE_DATA + 5, 2, 4096);
    struct store_fixture *lost = store_fixture_new(2, 40 * CHUNK_LARGE_DATA, 40, 4096);
    struct store_fixture *given_up = store_fixture_new(3, 3 * CHUNK_LARGE_DATA, 3, 4096);
    struct store_change discard = {.kind = STORE_DISCARD, .discarded = store_fixture_id(3)};
    struct store_health h;
    uint64_t account;

    begin();
    account = store_fixture_account(store, "a@example.org", 0);
    store_fixture_to(kept, account, MESSAGE_INBOX);
    store_fixture_to(lost, account, MESSAGE_INBOX);
    CHECK(store_fixture_write(store, kept) == STORE_OK);
    CHECK(store_fixture_write(store, lost) == STORE_OK);
    CHECK(store_fixture_write(store, given_up) == STORE_OK);
    CHECK(store_fixture_commit(store, kept) == STORE_OK);
    store_apply(store, &discard, 1);
    CHECK(store_check(store, &h) == STORE_OK && h.rows == 3 + 40 && h.orphans == 0);
    reopen();
    CHECK(store_check(store, &h) == STORE_OK && h.rows == 3);
    CHECK(store_fixture_commit(store, lost) == STORE_FAILED);
    CHECK(store_fixture_write(store, lost) == STORE_OK);
    CHECK(store_fixture_commit(store, lost) == STORE_OK);
    CHECK(store_fixture_same(store, store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL), 2,
                             2, 0, 40 * CHUNK_LARGE_DATA));
    store_fixture_free(kept);
    store_fixture_free(lost);
    store_fixture_free(given_up);
    end();
}

static void ids_stay(void)
{
    struct store_mailbox before, after;
    uint64_t a, b, found = 0;

    begin();
    a = store_fixture_account(store, "a@example.org", 0);
    b = store_fixture_account(store, "b@example.org", 0);
    CHECK(a && b && a != b);
    store_fixture_mailbox(store, a, MESSAGE_INBOX, &before);
    reopen();
    CHECK(store_fixture_account(store, "b@example.org", 0) == b);
    CHECK(store_fixture_account(store, "a@example.org", 0) == a);
    CHECK(store_account_find(store, span_text("a@example.org"), &found) == STORE_OK && found == a);
    CHECK(store_account_find(store, span_text("x@example.org"), &found) == STORE_NONE);
    store_fixture_mailbox(store, a, MESSAGE_INBOX, &after);
    CHECK(before.id == after.id && before.uid_validity == after.uid_validity);
    CHECK(store_fixture_account(store, "c@example.org", 0) > b);
    end();
}

static void nothing_is_too_odd_to_be_refused(void)
{
    struct store_fixture *f = store_fixture_new(1, 100, 0, 100);
    uint64_t id;

    begin();
    CHECK(store_tenant_put(store, span_of(NULL, 0), &id) == STORE_FAILED);
    CHECK(store_tenant_put(store, span_of(error, 0), &id) == STORE_FAILED);
    CHECK(store_fixture_commit(store, f) == STORE_FAILED); /* no recipient */
    store_fixture_to(f, store_fixture_account(store, "a@example.org", 0), MESSAGE_INBOX);
    f->message.size = 101;
    CHECK(store_fixture_commit(store, f) == STORE_FAILED);
    f->message.size = 100;
    f->message.delivery[0].place = 9;
    CHECK(store_fixture_commit(store, f) == STORE_FAILED);
    f->message.delivery[0].place = MESSAGE_INBOX;
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    store_fixture_free(f);
    end();
}

static void a_full_memory_says_so(void)
{
    struct store_options options = {
        .path = folder, .memtable_bytes = 1 << 20, .memory_bytes = 24 << 20};
    struct store_change discard = {.kind = STORE_DISCARD, .discarded = store_fixture_id(1000)};
    static uint8_t bytes[CHUNK_LARGE_DATA];
    enum store_status status = STORE_OK;
    uint64_t account, inbox;
    uint32_t sent = 0, row = 0;

    CHECK(store_memory_open(&options, &store, error) == STORE_OK);
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    while (sent < 100 && (status = send_one(sent + 1, 1 << 20, account)) == STORE_OK)
        sent++;
    CHECK(status == STORE_DISK_FULL && sent > 8 && sent < 30);
    do
        status = store_write(store, &discard.discarded, row++, span_of(bytes, sizeof(bytes)));
    while (status == STORE_OK && row < 100);
    CHECK(status == STORE_DISK_FULL && row < 100);
    store_apply(store, &discard, 1);
    CHECK(discard.status_out == STORE_OK);
    for (uint32_t uid = 1; uid <= sent; uid++)
        CHECK(store_fixture_same(store, inbox, uid, uid, 0, 1 << 20));
    CHECK(store_scene_healthy(store));
    store_close(store);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(round_trip_of_every_size);
    CHECK_CASE(rows_written_ahead);
    CHECK_CASE(rows_out_of_order_are_refused);
    CHECK_CASE(several_recipients_share_a_body);
    CHECK_CASE(everything_known_is_shown);
    CHECK_CASE(deletion_leaves_tombstones_and_no_garbage);
    CHECK_CASE(view_stands_still);
    CHECK_CASE(quota_counts_the_inbox_alone);
    CHECK_CASE(one_impossible_message_fails_alone);
    if (store_fixture_in_memory()) {
        CHECK_CASE(a_full_memory_says_so);
    } else {
        CHECK_CASE(rows_of_an_older_incarnation_go);
        CHECK_CASE(ids_stay);
    }
    CHECK_CASE(nothing_is_too_odd_to_be_refused);
    return check_end();
}
