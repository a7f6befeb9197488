/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "control/store/store_key.h"
#include "control/store/store_row.h"
#include "tests/control/store_backdoor.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

static char *folder;
static char error[STORE_ERROR];

static struct store *open_store(void)
{
    struct store_options options = {.path = folder, .sync = false};
    struct store *store = NULL;

    store_rocks_open(&options, &store, error);
    return store;
}

static uint64_t account, inbox;

/* A store with one message. */
static void make(void)
{
    struct store_fixture *f = store_fixture_new(1, 200, 0, 100);
    struct store *store;

    folder = store_fixture_folder("damage");
    store = open_store();
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    store_fixture_to(f, account, MESSAGE_INBOX);
    CHECK(store_fixture_commit(store, f) == STORE_OK);
    store_fixture_free(f);
    store_close(store);
}

static void a_later_schema_is_refused(void)
{
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_backdoor b;
    struct store *store;

    make();
    b = store_backdoor_enter(folder);
    store_row_put_number(&w, 4);
    store_backdoor_put(&b, BACKDOOR_META, span_text("schema"), writer_span(&w));
    store_backdoor_leave(&b);
    CHECK(!open_store());
    CHECK_TEXT(span_text(error), "the store has schema version 4, this program knows up to 3: a "
                                 "later version of wirepost wrote it");
    w.len = 0;
    store_row_put_number(&w, 3);
    b = store_backdoor_enter(folder);
    store_backdoor_put(&b, BACKDOOR_META, span_text("schema"), writer_span(&w));
    store_backdoor_leave(&b);
    store = open_store();
    CHECK(store && store_fixture_same(store, inbox, 1, 1, 0, 200));
    store_close(store);
    store_fixture_remove(folder);
}

static void a_part_of_a_later_version_is_refused(void)
{
    struct store_backdoor b;
    rocksdb_column_family_handle_t *extra;
    char *problem = NULL;

    make();
    b = store_backdoor_enter(folder);
    extra = rocksdb_create_column_family(b.db, b.options, "future", &problem);
    rocksdb_column_family_handle_destroy(extra);
    store_backdoor_leave(&b);
    CHECK(!open_store());
    CHECK_TEXT(span_text(error), "the store has a part \"future\" of a later version of wirepost");
    store_fixture_remove(folder);
}

static void a_last_batch_without_its_rows_is_taken_back(void)
{
    uint64_t size = 2 * CHUNK_LARGE_DATA + 9;
    struct store_fixture *f[3];
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    struct store_health h;
    struct store_key key;
    struct store_backdoor b;
    struct store *store;
    char *problem = NULL;

    make();
    store = open_store();
    for (int i = 0; i < 3; i++) {
        f[i] = store_fixture_new((uint64_t)i + 2, size, 2, 4096);
        store_fixture_to(f[i], account, MESSAGE_INBOX);
        CHECK(i == 2 || store_fixture_write(store, f[i]) == STORE_OK);
        CHECK(i == 2 || store_fixture_commit(store, f[i]) == STORE_OK);
    }
    store_close(store);
    b = store_backdoor_enter(folder);
    key = store_key_row(2, &f[1]->message.id, 1); /* the second incarnation's */
    rocksdb_delete_cf(b.db, w, b.family[BACKDOOR_BODY], (const char *)key.bytes, key.len, &problem);
    store_backdoor_leave(&b);
    store = open_store();
    CHECK(store && store_check(store, &h) == STORE_OK && h.bodies == 2 && h.bodiless == 0 &&
          h.orphans == 0 && h.counts == 0);
    CHECK(store_fixture_same(store, inbox, 2, 2, 0, size));
    CHECK(store_fixture_write(store, f[2]) == STORE_OK);
    CHECK(store_fixture_commit(store, f[2]) == STORE_OK && f[2]->message.delivery[0].uid_out == 4);
    store_close(store);
    rocksdb_writeoptions_destroy(w);
    for (int i = 0; i < 3; i++)
        store_fixture_free(f[i]);
    store_fixture_remove(folder);
}

/* ---- every row damaged, in every way that one byte allows ---- */

static bool any_mailbox(void *context, const struct store_mailbox *m)
{
    return true;
}

static bool any_entry(void *context, const struct store_entry *e)
{
    return true;
}

static bool any_message(void *context, const struct store_message *m)
{
    return true;
}

static bool any_bytes(void *context, struct span bytes)
{
    return true;
}

/* Everything that reads; returns whether any of it noticed. */
static bool use(struct store *store)
{
    struct store_fixture *f = store_fixture_new(2, 50, 0, 50);
    const struct pop3_mailbox *view;
    struct id128 id = store_fixture_id(1);
    struct store_change del = {.kind = STORE_DELETE, .marked = (const uint8_t[]){1}};
    struct store_health h;
    struct span bytes;
    bool bad = false;
    void *pin;

    bad |= store_mailboxes(store, 0, any_mailbox, NULL) != STORE_OK;
    bad |= store_entries(store, inbox, any_entry, NULL) != STORE_OK;
    bad |= store_places(store, &id, any_entry, NULL) != STORE_OK;
    bad |= store_message_show(store, &id, any_message, NULL) != STORE_OK;
    bad |= store_export(store, inbox, 1, any_bytes, NULL) != STORE_OK;
    bad |= store_check(store, &h) != STORE_OK || h.bad || h.bodiless || h.orphans || h.counts;
    store_fixture_to(f, account, MESSAGE_INBOX);
    bad |= store_fixture_commit(store, f) != STORE_OK;
    store_fixture_free(f);
    if (store_view_open(store, account, &view) != STORE_OK)
        return true;
    for (uint64_t at = 0; view->count && at < view->entries[0].size; at += bytes.len) {
        bad |= store_view_read(store, view, 0, at, &bytes, &pin) != STORE_OK;
        store_unpin(store, &pin, 1);
        if (bytes.len == 0)
            break;
    }
    del.view = view;
    store_apply(store, &del, 1);
    bad |= del.status_out != STORE_OK;
    store_view_close(store, view);
    return bad;
}

struct row {
    uint8_t key[1100], value[4096];
    size_t key_len, value_len;
    int family;
};

static size_t collect(struct row *rows, size_t max)
{
    struct store_backdoor b = store_backdoor_enter(folder);
    rocksdb_readoptions_t *r = rocksdb_readoptions_create();
    size_t n = 0;

    for (int family = 0; family < BACKDOOR_FAMILIES; family++) {
        rocksdb_iterator_t *it = rocksdb_create_iterator_cf(b.db, r, b.family[family]);

        for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it) && n < max;
             rocksdb_iter_next(it), n++) {
            const char *key = rocksdb_iter_key(it, &rows[n].key_len);
            const char *value = rocksdb_iter_value(it, &rows[n].value_len);

            memcpy(rows[n].key, key, rows[n].key_len);
            memcpy(rows[n].value, value, rows[n].value_len);
            rows[n].family = family;
        }
        rocksdb_iter_destroy(it);
    }
    rocksdb_readoptions_destroy(r);
    store_backdoor_leave(&b);
    return n;
}

enum damage { CUT, LONGER, VERSION, ALL_ONES, DAMAGES };

static struct span damaged(const struct row *row, enum damage damage, uint8_t *out)
{
    size_t len = row->value_len;

    memcpy(out, row->value, len);
    out[len] = 0;
    if (damage == CUT)
        return span_of(out, len - 1);
    if (damage == LONGER)
        return span_of(out, len + 1);
    if (damage == VERSION)
        out[0] ^= 0x40;
    else
        memset(out + 1, 0xff, len - 1);
    return span_of(out, len);
}

/*
 * Not noticed: other numbers, and a part tree of another length (its own reader's matter). Not read
 * by use(): values of references, the last batch's number, domains, names but those of mailboxes.
 */
static bool must_notice(const struct row *row, enum damage damage)
{
    if (damage == ALL_ONES)
        return false;
    if (row->family == BACKDOOR_INDEX && row->key[0] == STORE_TABLE_TREE)
        return damage == VERSION;
    if (row->family == BACKDOOR_INDEX)
        return row->key[0] != STORE_TABLE_REFERENCE && row->key[0] != STORE_TABLE_DOMAIN;
    return row->family == BACKDOOR_FLAGS || row->family == BACKDOOR_BODY ||
           (row->family == BACKDOOR_NAMES && row->key[0] == 'M');
}

static void damaged_rows_are_errors(void)
{
    static struct row rows[64];
    static uint8_t bytes[4200];
    size_t count;

    make();
    count = collect(rows, 64);
    CHECK(count > 15 && count < 64);
    store_fixture_remove(folder);
    for (size_t i = 0; i < count; i++) {
        for (int damage = 0; damage < DAMAGES; damage++) {
            struct store_backdoor b;
            struct store *store;
            bool noticed = true;

            make();
            b = store_backdoor_enter(folder);
            store_backdoor_put(&b, rows[i].family, span_of(rows[i].key, rows[i].key_len),
                               damaged(&rows[i], (enum damage)damage, bytes));
            store_backdoor_leave(&b);
            store = open_store();
            if (store) {
                noticed = use(store);
                store_close(store);
            }
            if (must_notice(&rows[i], (enum damage)damage) && !CHECK(noticed))
                printf("# family %d, row '%c', damage %d\n", rows[i].family, rows[i].key[0],
                       damage);
            store_fixture_remove(folder);
        }
    }
}

/* ---- a full disk ---- */

static enum store_status send(struct store *store, uint64_t number, uint64_t size)
{
    struct store_fixture *f = store_fixture_new(number, size, 0, CHUNK_LARGE_DATA);
    enum store_status status;

    store_fixture_to(f, account, MESSAGE_INBOX);
    status = store_fixture_commit(store, f);
    store_fixture_free(f);
    return status;
}

/* Leaves no room on the disk, through a file of the name. */
static void fill(const char *path)
{
    static char zeros[1 << 20];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    close(fd);
}

/* In a mount namespace of its own: exit status 0 when all went well, 1 when not, 2 when there is no
 * right to mount. */
static int on_a_small_disk(void)
{
    char ballast[256];
    struct store *store;
    uint64_t sent = 0, refused = 0;
    enum store_status status = STORE_OK;
    struct store_options options = {.path = folder, .sync = true, .memtable_bytes = 1 << 20};

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=64m") != 0)
        return 2;
    snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
    if (asprintf((char **)(uintptr_t)&options.path, "%s/store", folder) < 0 ||
        store_rocks_open(&options, &store, error) != STORE_OK)
        return 1;
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
    if (send(store, ++sent, 100000) != STORE_OK)
        return 1;
    fill(ballast);
    for (int i = 0; i < 200 && status == STORE_OK; i++) {
        status = send(store, sent + 1, 100000);
        sent += status == STORE_OK;
    }
    printf("# %llu messages before the disk was full, then: %s\n", (unsigned long long)sent,
           store_status_name(status));
    if (status != STORE_DISK_FULL || send(store, 9999, 100) != STORE_DISK_FULL ||
        !store_fixture_same(store, inbox, (uint32_t)sent, sent, 0, 100000))
        return 1;
    unlink(ballast);
    /* Heals by itself, at most a second after the last attempt. */
    while ((status = send(store, sent + 2, 100)) != STORE_OK && ++refused < 40)
        usleep(100000);
    printf("# %llu refused before it was in order again\n", (unsigned long long)refused);
    for (uint64_t i = 1; i <= sent; i++)
        if (!store_fixture_same(store, inbox, (uint32_t)i, i, 0, 100000))
            return 1;
    if (status != STORE_OK ||
        !store_fixture_same(store, inbox, (uint32_t)sent + 1, sent + 2, 0, 100))
        return 1;
    store_close(store);
    return 0;
}

static void a_full_disk_heals_when_there_is_room_again(void)
{
    int status = -1;
    pid_t child;

    folder = store_fixture_folder("full");
    fflush(stdout);
    child = fork();
    if (child == 0) {
        status = on_a_small_disk();
        fflush(stdout);
        _exit(status);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        check_skip("no right to mount");
    else
        CHECK(WEXITSTATUS(status) == 0);
    store_fixture_remove(folder);
}

int main(void)
{
    check_begin();
    /* Hundreds of stores are made and thrown away. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    CHECK_CASE(a_later_schema_is_refused);
    CHECK_CASE(a_part_of_a_later_version_is_refused);
    CHECK_CASE(a_last_batch_without_its_rows_is_taken_back);
    CHECK_CASE(damaged_rows_are_errors);
    CHECK_CASE(a_full_disk_heals_when_there_is_room_again);
    return check_end();
}
