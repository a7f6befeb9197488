/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/record/record_files.h"
#include "tests/harness/check.h"

static const uint64_t day_ms = UINT64_C(24) * 3600 * 1000;
/* 2026-01-31 12:00 UTC */
static const uint64_t noon = UINT64_C(1769860800000);
static char directory[] = "/tmp/wirepost-files-XXXXXX";

static long size_of(const char *name)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static int files(bool remove_all)
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    int n = 0;

    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.') {
            n++;
            if (remove_all)
                unlinkat(dirfd(d), entry->d_name, 0);
        }
    closedir(d);
    return n;
}

static void add(struct record_files *f, enum record_type type, const char *line, uint64_t now)
{
    record_files_add(f, type, span_text(line), now);
    record_files_flush(f, now);
}

static void types_and_days_have_files(void)
{
    struct record_files f;
    struct record_files_options o = {.rotate_size = 20};

    CHECK(record_files_init(&f, directory, &o) && f.directory);
    add(&f, RECORD_TYPE_message, "{\"a\":1}\n", noon);
    add(&f, RECORD_TYPE_message, "{\"a\":2}\n", noon);
    add(&f, RECORD_TYPE_connection, "{\"c\":1}\n", noon);
    CHECK(size_of("message-20260131-0000.ndjson") == 16);
    CHECK(size_of("connection-20260131-0000.ndjson") == 8);
    /* Would be too long: the next one. */
    add(&f, RECORD_TYPE_message, "{\"a\":3}\n", noon);
    CHECK(size_of("message-20260131-0001.ndjson") == 8);
    add(&f, RECORD_TYPE_message, "{\"a\":4}\n", noon + day_ms);
    CHECK(size_of("message-20260201-0000.ndjson") == 8);
    /* A line longer than a file may be has one of its own. */
    add(&f, RECORD_TYPE_message, "{\"a\":\"long, longer, longest\"}\n", noon + day_ms);
    CHECK(size_of("message-20260201-0001.ndjson") == 30);
    record_files_fini(&f, noon);
    /* The next start goes on in the last one, behind what a crash tore. */
    CHECK(record_files_init(&f, directory, &o));
    add(&f, RECORD_TYPE_message, "{\"a\":5}", noon);
    CHECK(size_of("message-20260131-0001.ndjson") == 15);
    record_files_fini(&f, noon);
    CHECK(record_files_init(&f, directory, &o));
    add(&f, RECORD_TYPE_message, "{}\n", noon);
    CHECK(size_of("message-20260131-0001.ndjson") == 15 + 1 + 3);
    CHECK(f.written == 1);
    record_files_fini(&f, noon);
    CHECK(files(true) == 5);
}

static void old_files_go(void)
{
    struct record_files f;
    struct record_files_options o = {.rotate_size = 1000, .retention_ms = {2 * day_ms}};
    FILE *strange;
    char path[128];

    snprintf(path, sizeof(path), "%s/message-20200101-0000.ndjson.gz", directory);
    strange = fopen(path, "w");
    fclose(strange);
    CHECK(record_files_init(&f, directory, &o));
    for (int i = 0; i < 5; i++) {
        add(&f, RECORD_TYPE_message, "{}\n", noon + i * day_ms);
        add(&f, RECORD_TYPE_engine, "{}\n", noon + i * day_ms);
    }
    /* Its youngest record is of midnight; two days later, not before. */
    record_files_sweep(&f, noon + day_ms * 5 / 2 - 1);
    CHECK(size_of("message-20260131-0000.ndjson") == 3);
    record_files_sweep(&f, noon + day_ms * 5 / 2);
    CHECK(size_of("message-20260131-0000.ndjson") == -1);
    record_files_sweep(&f, noon + 100 * day_ms);
    CHECK(f.removed == 5 && size_of("engine-20260131-0000.ndjson") == 3);
    CHECK(files(true) == 6);
    record_files_fini(&f, noon);
}

static void directories_are_made_and_faults_told(void)
{
    struct record_files f;
    struct record_files_options o = {.rotate_size = 1000};
    char path[128];

    snprintf(path, sizeof(path), "%s/new/", directory);
    CHECK(record_files_init(&f, path, &o) && f.directory);
    add(&f, RECORD_TYPE_engine, "{}\n", noon);
    CHECK(size_of("new/engine-20260131-0000.ndjson") == 3);
    /* It goes away, and comes back. */
    snprintf(path, sizeof(path), "%s/new/engine-20260131-0000.ndjson", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/new", directory);
    CHECK(rmdir(path) == 0 && record_files_reopen(&f));
    add(&f, RECORD_TYPE_engine, "{}\n", noon);
    CHECK(f.dropped == 1 && f.errors == 1 && f.written == 1);
    CHECK(mkdir(path, 0700) == 0);
    add(&f, RECORD_TYPE_engine, "{}\n", noon);
    CHECK(f.dropped == 1 && f.written == 2);
    record_files_fini(&f, noon);
    snprintf(path, sizeof(path), "%s/new/engine-20260131-0000.ndjson", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/new", directory);
    rmdir(path);
    CHECK(!record_files_init(&f, "/nowhere/at/all/", &o) && errno == ENOENT);
    record_files_fini(&f, noon);
}

static void names_are_read_exactly(void)
{
    static const char *const others[] = {"message-20260131-000.ndjson",
                                         "message-20260131-0000.ndjso",
                                         "message-2026013-0000.ndjson",
                                         "message20260131-0000.ndjson",
                                         "messages-20260131-0000.ndjson",
                                         "message-20260131-0000.ndjson.gz",
                                         "message",
                                         "message-",
                                         ""};
    enum record_type type;
    uint32_t day, number;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(!record_file_name_parse(others[i], &type, &day, &number));
    CHECK(record_file_name_parse("connection-20260131-0042.ndjson", &type, &day, &number));
    CHECK(type == RECORD_TYPE_connection && day == 20260131 && number == 42);
}

int main(void)
{
    check_begin();
    if (!mkdtemp(directory))
        return 1;
    CHECK_CASE(types_and_days_have_files);
    CHECK_CASE(old_files_go);
    CHECK_CASE(directories_are_made_and_faults_told);
    CHECK_CASE(names_are_read_exactly);
    rmdir(directory);
    return check_end();
}
