/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/store/store_collect.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_backdoor.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/* Garbage is collected; a store of the older schema is migrated. */
static char *folder;
static char error[STORE_ERROR];
static struct store *store;
static uint64_t account, inbox;

static void open_store(void)
{
    struct store_options options = {.path = folder, .sync = false};

    if (!CHECK(store_fixture_open(&options, &store, error) == STORE_OK))
        printf("# %s\n", error);
}

static void begin(void)
{
    folder = store_fixture_folder("collect");
    open_store();
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
}

static void end(void)
{
    CHECK(store_scene_healthy(store));
    store_close(store);
    store_fixture_remove(folder);
}

/* Delivers `count` messages and deletes them: as many tombstones. */
static void deliver_and_delete(uint64_t first, uint32_t count)
{
    struct store_change del = {.kind = STORE_DELETE};
    const struct pop3_mailbox *view;
    uint8_t *marked = calloc(1, count / 8 + 1);

    for (uint32_t i = 0; i < count; i++) {
        struct store_fixture *f = store_fixture_new(first + i, 10, 0, 100);

        store_fixture_to(f, account, MESSAGE_INBOX);
        CHECK(store_fixture_commit(store, f) == STORE_OK);
        store_fixture_free(f);
        marked[i / 8] |= (uint8_t)(1u << i % 8);
    }
    CHECK(store_view_open(store, account, &view) == STORE_OK && view->count == count);
    del.view = view;
    del.marked = marked;
    store_apply(store, &del, 1);
    CHECK(del.status_out == STORE_OK);
    store_view_close(store, view);
    free(marked);
}

struct seen {
    uint32_t count;
    uint64_t first, last_ms;
};

static bool see(void *context, const struct store_entry *e)
{
    struct seen *s = context;

    if (s->count++ == 0)
        s->first = e->modseq;
    s->last_ms = e->saved_ms;
    return true;
}

static struct seen tombstones(uint64_t since)
{
    struct seen s = {0};

    CHECK(store_tombstones(store, inbox, since, see, &s) == STORE_OK);
    return s;
}

/* A whole round. */
static struct store_collected collect(struct store_collect limits)
{
    struct store_collected c = {.done = false};
    int steps = 0;

    while (!c.done && steps++ < 1000 && CHECK(store_collect(store, &limits, &c) == STORE_OK))
        continue;
    CHECK(c.done);
    return c;
}

static void too_many_tombstones_go(void)
{
    struct store_collected c;
    struct seen s;

    begin();
    deliver_and_delete(1, 1000);
    CHECK(collect((struct store_collect){.tombstones_max = 1000}).tombstones == 0);
    c = collect((struct store_collect){.tombstones_max = 300});
    CHECK(c.tombstones == 700 && c.bodies == 0);
    printf("# changes were held back for %llu us at most\n", (unsigned long long)c.held_us);
    CHECK(store_tombstones(store, inbox, 1, see, &s) == STORE_TOO_OLD);
    CHECK(store_tombstones(store, inbox, 1701, see, &s) == STORE_TOO_OLD);
    s = tombstones(1702); /* behind the 1000 deliveries and the 700 */
    CHECK(s.count == 300 && s.first == 1702);
    CHECK(collect((struct store_collect){.tombstones_max = 300}).tombstones == 0);
    if (!store_fixture_in_memory()) {
        store_close(store);
        open_store();
        CHECK(store_tombstones(store, inbox, 1701, see, &s) == STORE_TOO_OLD);
    }
    end();
}

static void old_tombstones_go(void)
{
    uint64_t day = 24 * 3600 * 1000;
    struct seen s;

    begin();
    deliver_and_delete(1, 20);
    s = tombstones(0);
    CHECK(s.count == 20 && s.last_ms > 1700000000000);
    CHECK(collect((struct store_collect){.now_ms = s.last_ms + day - 60000, .tombstone_ms = day})
              .tombstones == 0);
    CHECK(collect((struct store_collect){.now_ms = s.last_ms + day + 1, .tombstone_ms = day})
              .tombstones == 20);
    CHECK(store_tombstones(store, inbox, 21, see, &s) == STORE_TOO_OLD);
    CHECK(tombstones(42).count == 0);
    end();
}

static struct span key_span(const struct store_key *key)
{
    return span_of(key->bytes, key->len);
}

/* One body lost all that led to it, the other only its reference: that one is needed. */
static void bodies_without_an_owner_go(void)
{
    struct store_fixture *f[2];
    struct store_key key;
    struct store_backdoor b;
    struct store_health h;

    begin();
    for (uint64_t i = 0; i < 2; i++) {
        f[i] = store_fixture_new(i + 1, 100, 0, 100);
        store_fixture_to(f[i], account, MESSAGE_INBOX);
        CHECK(store_fixture_commit(store, f[i]) == STORE_OK);
    }
    store_close(store);
    b = store_backdoor_enter(folder);
    for (uint32_t i = 0; i < 2; i++) {
        key = store_key_reference(&f[i]->message.id, inbox, i + 1);
        store_backdoor_delete(&b, BACKDOOR_INDEX, key_span(&key));
    }
    key = store_key_entry(STORE_TABLE_ENTRY, inbox, 1);
    store_backdoor_delete(&b, BACKDOOR_INDEX, key_span(&key));
    store_backdoor_leave(&b);
    open_store();
    CHECK(collect((struct store_collect){.now_ms = 0}).bodies == 1);
    CHECK(store_fsck(store, &(struct store_fsck){.repair = true}, &h) == STORE_OK);
    CHECK(h.bodies == 1 && h.rows == 1 && h.bodiless == 1); /* the reference, made good */
    CHECK(store_fixture_same(store, inbox, 2, 2, 0, 100));
    store_fixture_free(f[0]);
    store_fixture_free(f[1]);
    end();
}

/* ---- a store of schema 1 ---- */

enum { OLD = 20000 };

static void put_number(struct store_backdoor *b, const char *name, uint64_t number)
{
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    store_row_put_number(&w, number);
    store_backdoor_put(b, BACKDOOR_META, span_text(name), writer_span(&w));
}

/* What the program wrote then: version 1 of a tombstone, {1, message}. */
static void make_old(void)
{
    uint8_t row[1 + sizeof(struct id128)] = {1};
    struct store_backdoor b;

    begin();
    deliver_and_delete(1, 3);
    store_close(store);
    b = store_backdoor_enter(folder);
    for (uint32_t i = 0; i < OLD; i++) {
        struct store_key key = store_key_tombstone(inbox, 5 + i, 1 + i);
        struct id128 id = store_fixture_id(1 + i);

        memcpy(row + 1, id.bytes, sizeof(id.bytes));
        store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&key), span_of(row, sizeof(row)));
    }
    put_number(&b, "schema", 1);
    store_backdoor_leave(&b);
}

static uint64_t number(const char *name)
{
    struct store_backdoor b = store_backdoor_enter(folder);
    rocksdb_readoptions_t *r = rocksdb_readoptions_create();
    char *problem = NULL, *value;
    uint64_t n = 0;
    size_t len;

    value = rocksdb_get_cf(b.db, r, b.family[BACKDOOR_META], name, strlen(name), &len, &problem);
    if (value && !store_row_read_number(span_of(value, len), &n))
        n = UINT64_MAX;
    rocksdb_free(value);
    rocksdb_readoptions_destroy(r);
    store_backdoor_leave(&b);
    return n;
}

static void is_migrated(void)
{
    struct seen s;

    open_store();
    s = tombstones(0);
    CHECK(s.count == OLD && s.first == 5 && s.last_ms > 1700000000000);
    store_close(store);
    CHECK(number("schema") == 3 && number("migrating") == 0);
    open_store();
    deliver_and_delete(100000, 2);
}

/* Of the flags of a message, as an import wrote them. */
static bool has_keyword(void *context, const struct store_mailbox *m)
{
    CHECK(m->keywords.len == 4 + 4 && memcmp(m->keywords.data, "\0\0\0\4word", 8) == 0);
    *(bool *)context = true;
    return true;
}

static void keywords_are_found_by_the_migration(void)
{
    struct store_entry entry = {.modseq = 2, .keywords = span_of("\0\0\0\4word", 8)};
    uint8_t row[STORE_ROW_SMALL + 8];
    struct writer w = writer_of(row, sizeof(row));
    struct store_backdoor b;
    struct store_key key;
    struct store_fixture *f;
    bool seen = false;

    begin();
    deliver_and_delete(1, 1);
    f = store_fixture_new(2, 100, 0, 100);
    store_fixture_to(f, account, MESSAGE_INBOX);
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    store_fixture_free(f);
    store_close(store);
    key = store_key_flags(inbox, 2);
    store_row_put_flags(&w, &entry);
    b = store_backdoor_enter(folder);
    store_backdoor_put(&b, BACKDOOR_FLAGS, key_span(&key), writer_span(&w));
    put_number(&b, "schema", 2);
    store_backdoor_leave(&b);
    open_store();
    CHECK(store_mailbox_show(store, inbox, has_keyword, &seen) == STORE_OK && seen);
    end();
}

static void an_older_schema_is_migrated(void)
{
    make_old();
    is_migrated();
    end();
}

/* A child opens it, and is killed before it is done, again and again. */
static void an_interrupted_migration_goes_on(void)
{
    struct store_backdoor b;
    int killed = 0, status = 0;

    make_old();
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();

        if (child == 0) {
            struct store_options options = {.path = folder};

            store_rocks_open(&options, &store, error);
            _exit(0);
        }
        usleep(5000 + (useconds_t)i * 3000);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        killed += WIFSIGNALED(status);
    }
    printf("# %d of 8 were killed before they were done\n", killed);
    /* And one that stopped in the middle for certain. */
    b = store_backdoor_enter(folder);
    put_number(&b, "schema", 2);
    put_number(&b, "migrating", 1);
    for (uint32_t i = 0; i < OLD; i += 2) {
        struct store_key key = store_key_tombstone(inbox, 5 + i, 1 + i);
        uint8_t row[1 + sizeof(struct id128)] = {1};

        store_backdoor_put(&b, BACKDOOR_INDEX, key_span(&key), span_of(row, sizeof(row)));
    }
    store_backdoor_leave(&b);
    is_migrated();
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(too_many_tombstones_go);
    CHECK_CASE(old_tombstones_go);
    if (!store_fixture_in_memory()) {
        CHECK_CASE(bodies_without_an_owner_go);
        CHECK_CASE(keywords_are_found_by_the_migration);
        CHECK_CASE(an_older_schema_is_migrated);
        CHECK_CASE(an_interrupted_migration_goes_on);
    }
    return check_end();
}
