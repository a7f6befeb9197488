/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/* Defined here, they are what RocksDB calls too. The next `sync_errors` syncs, or `write_errors`
 * writes of files, fail with `code`. */
static _Atomic int sync_errors, write_errors, code;

int fdatasync(int fd)
{
    if (sync_errors > 0 && atomic_fetch_sub(&sync_errors, 1) > 0) {
        errno = code;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd > 2 && write_errors > 0 && atomic_fetch_sub(&write_errors, 1) > 0) {
        errno = code;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, len);
}

static char *folder;
static struct store *store;
static uint64_t account, inbox;

static void begin(void)
{
    struct store_options options = {.sync = true};
    char error[STORE_ERROR];

    folder = store_fixture_folder("errors");
    options.path = folder;
    CHECK(store_rocks_open(&options, &store, error) == STORE_OK);
    account = store_fixture_account(store, "a@example.org", 0);
    inbox = store_fixture_mailbox(store, account, MESSAGE_INBOX, NULL);
}

static void end(void)
{
    struct store_health h;

    CHECK(store_check(store, &h) == STORE_OK && h.bad == 0 && h.bodiless == 0 && h.orphans == 0 &&
          h.counts == 0);
    store_close(store);
    store_fixture_remove(folder);
}

/* The status of one message of 1000 bytes; *uid_out is its UID then. */
static enum store_status send_one(uint64_t number, uint32_t *uid_out)
{
    struct store_fixture *f = store_fixture_new(number, 1000, 0, 500);
    enum store_status status;

    store_fixture_to(f, account, MESSAGE_INBOX);
    status = store_fixture_commit(store, f);
    *uid_out = f->message.delivery[0].uid_out;
    store_fixture_free(f);
    return status;
}

static uint64_t messages(void)
{
    struct store_mailbox m = {0};

    store_fixture_mailbox(store, account, MESSAGE_INBOX, &m);
    return m.messages;
}

static void a_failed_sync_is_made_good(void)
{
    uint32_t uid;

    begin();
    code = EIO;
    sync_errors = 1;
    CHECK(send_one(1, &uid) == STORE_OK); /* read back from the log, and a file of its own by now */
    CHECK(store_fixture_same(store, inbox, uid, 1, 0, 1000));
    CHECK(send_one(2, &uid) == STORE_OK && messages() == 2);
    end();
}

static void a_failed_write_is_refused_and_nothing_is_there(void)
{
    uint32_t uid;

    begin();
    CHECK(send_one(1, &uid) == STORE_OK);
    code = EIO;
    write_errors = 1;
    CHECK(send_one(2, &uid) == STORE_FAILED);
    CHECK(messages() == 1);
    CHECK(send_one(3, &uid) == STORE_OK && messages() == 2);
    CHECK(store_fixture_same(store, inbox, uid, 3, 0, 1000));
    end();
}

/*
 * After "no space" RocksDB repairs itself in a thread of its own: it makes files of what it has in
 * memory and begins a new log, so that the refused batch is gone for good. Its first attempt comes
 * at once, the next five seconds after. The store opens again when the next change comes. Which of
 * both is first is left to chance, so each case makes sure of its own.
 */
enum { ATTEMPT_MS = 4000 };

static uint64_t log_bytes(void)
{
    struct stat st;
    uint64_t sum = 0;
    char *pattern = NULL;
    glob_t found;

    if (asprintf(&pattern, "%s/*.log", folder) < 0 || glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        sum += stat(found.gl_pathv[i], &st) == 0 ? (uint64_t)st.st_size : 0;
    globfree(&found);
    free(pattern);
    return sum;
}

static void what_was_refused_is_taken_back(void)
{
    uint32_t uid;
    int ms = 0;

    begin();
    CHECK(send_one(1, &uid) == STORE_OK);
    code = ENOSPC;
    sync_errors = 1000;
    CHECK(send_one(2, &uid) == STORE_DISK_FULL); /* but it is in the log */
    while (sync_errors > 998 && ms++ < ATTEMPT_MS)
        usleep(1000);
    CHECK(ms < ATTEMPT_MS); /* RocksDB tried, and failed */
    sync_errors = 0;
    CHECK(send_one(3, &uid) == STORE_OK && messages() == 2);
    CHECK(uid == 3 && store_fixture_same(store, inbox, uid, 3, 0, 1000));
    CHECK(!store_fixture_same(store, inbox, 2, 2, 0, 1000));
    CHECK(send_one(2, &uid) == STORE_OK && uid == 4);
    end();
}

static void what_was_refused_and_is_gone_leaves_no_gap(void)
{
    uint32_t uid;
    int ms = 0;

    begin();
    CHECK(send_one(1, &uid) == STORE_OK);
    code = ENOSPC;
    sync_errors = 1;
    CHECK(send_one(2, &uid) == STORE_DISK_FULL);
    while (log_bytes() > 0 && ms++ < ATTEMPT_MS)
        usleep(1000);
    CHECK(ms < ATTEMPT_MS); /* RocksDB repaired itself: its new log is empty */
    CHECK(send_one(3, &uid) == STORE_OK && messages() == 2);
    CHECK(uid == 2 &&
          store_fixture_same(store, inbox, uid, 3, 0, 1000)); /* told to nobody before */
    CHECK(send_one(2, &uid) == STORE_OK && uid == 3);
    end();
}

static void an_open_view_outlives_the_reopening(void)
{
    const struct pop3_mailbox *view;
    struct span bytes;
    void *pin;
    uint32_t uid;

    begin();
    CHECK(send_one(1, &uid) == STORE_OK);
    CHECK(store_view_open(store, account, &view) == STORE_OK);
    CHECK(store_view_read(store, view, 0, 0, &bytes, &pin) == STORE_OK);
    code = EIO;
    write_errors = 1;
    CHECK(send_one(2, &uid) == STORE_FAILED); /* the pin keeps it from opening again */
    CHECK(send_one(3, &uid) == STORE_FAILED);
    CHECK(bytes.len > 0 && memcmp(bytes.data, "Delivered-To:", 13) == 0);
    store_unpin(store, &pin, 1);
    for (int i = 0; i < 30 && send_one(3, &uid) != STORE_OK; i++)
        usleep(100000);
    CHECK(messages() == 2);
    CHECK(store_view_read(store, view, 0, 0, &bytes, &pin) == STORE_OK && bytes.len > 0);
    store_unpin(store, &pin, 1);
    store_view_close(store, view);
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_failed_sync_is_made_good);
    CHECK_CASE(a_failed_write_is_refused_and_nothing_is_there);
    CHECK_CASE(what_was_refused_is_taken_back);
    CHECK_CASE(what_was_refused_and_is_gone_leaves_no_gap);
    CHECK_CASE(an_open_view_outlives_the_reopening);
    return check_end();
}
