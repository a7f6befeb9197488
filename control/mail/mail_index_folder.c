/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control/base/clock.h"
#include "control/log/log.h"
#include "control/mail/mail_index_part.h"
#include "proto/base/tally.h"

enum { PAUSE_MS = 100, PAUSE_MAX_MS = 60000, NAME = 24 };

static void path_of(const struct mail_index *index, uint64_t account, char *path_out)
{
    snprintf(path_out, PATH_MAX, "%s/%016llx.db", index->path, (unsigned long long)account);
}

void index_folder_failed(struct mail_index *index, enum mail_index_fault fault, const char *name)
{
    tally_add(&index->faults[fault], 1);
    index->pause_ms = index->pause_ms ? 2 * index->pause_ms : PAUSE_MS;
    if (index->pause_ms > PAUSE_MAX_MS)
        index->pause_ms = PAUSE_MAX_MS;
    index->pause_until = clock_monotonic_ms() + index->pause_ms;
    LOG(WARNING, "search index %s/%s: %s%s", index->path, name, mail_index_faults[fault].name,
        fault == MAIL_INDEX_DAMAGED ? ": it is made anew; searches read the messages meanwhile"
                                    : ": searches read the messages that are not in it");
}

/* ---- the catalogue ---- */

static void take_totals(struct mail_index *index)
{
    struct mail_index_totals t = mail_index_catalogue_totals(index->catalogue);

    atomic_store(&index->accounts, t.accounts);
    atomic_store(&index->indexed, t.indexed);
    atomic_store(&index->bytes, t.bytes);
}

enum mail_index_fault index_folder_open(struct mail_index *index)
{
    char path[PATH_MAX];
    enum mail_index_fault fault;

    snprintf(path, sizeof(path), "%s/catalogue.db", index->path);
    fault = mail_index_catalogue_open(path, &index->catalogue);
    if (fault == MAIL_INDEX_DAMAGED) {
        index_folder_failed(index, fault, "catalogue.db");
        fault = mail_index_sqlite_unlink(path)
                    ? mail_index_catalogue_open(path, &index->catalogue)
                    : MAIL_INDEX_FAILED;
    }
    if (fault == MAIL_INDEX_FINE)
        take_totals(index);
    else
        index_folder_failed(index, fault, "catalogue.db");
    index->scan = true;
    return fault;
}

/* After a fault it is opened again, and all mailboxes are looked at. */
static bool has_catalogue(struct mail_index *index)
{
    enum mail_index_fault fault =
        index->catalogue ? mail_index_catalogue_fault(index->catalogue) : MAIL_INDEX_FAILED;
    char path[PATH_MAX];

    if (fault == MAIL_INDEX_FINE)
        return true;
    if (index->catalogue) {
        mail_index_catalogue_close(index->catalogue);
        index->catalogue = NULL;
        index_folder_failed(index, fault, "catalogue.db");
        snprintf(path, sizeof(path), "%s/catalogue.db", index->path);
        if (fault == MAIL_INDEX_DAMAGED)
            mail_index_sqlite_unlink(path);
    }
    return index_folder_open(index) == MAIL_INDEX_FINE;
}

static void change(_Atomic uint64_t *total, uint64_t before, uint64_t now)
{
    atomic_store(total, atomic_load(total) + now - before);
}

void index_folder_note(struct mail_index *index, const struct mail_index_known *known)
{
    struct mail_index_known before = {0};

    if (!has_catalogue(index))
        return;
    mail_index_catalogue_find(index->catalogue, known->mailbox, &before);
    mail_index_catalogue_set(index->catalogue, known);
    change(&index->indexed, before.indexed, known->indexed);
}

void index_folder_forget(struct mail_index *index, uint64_t mailbox)
{
    struct mail_index_known before = {0};

    if (!has_catalogue(index))
        return;
    mail_index_catalogue_find(index->catalogue, mailbox, &before);
    mail_index_catalogue_forget(index->catalogue, mailbox);
    change(&index->indexed, before.indexed, 0);
}

void index_folder_measure(struct mail_index *index, uint64_t account)
{
    uint64_t bytes = 0, before;
    char path[PATH_MAX], log[PATH_MAX + 8];
    struct stat st;

    if (!has_catalogue(index))
        return;
    path_of(index, account, path);
    snprintf(log, sizeof(log), "%s-wal", path);
    if (stat(path, &st) == 0)
        bytes += (uint64_t)st.st_size;
    if (stat(log, &st) == 0)
        bytes += (uint64_t)st.st_size;
    before = mail_index_catalogue_bytes(index->catalogue, account);
    if (bytes == 0)
        return;
    mail_index_catalogue_size(index->catalogue, account, bytes);
    change(&index->bytes, before, bytes);
    if (before == 0)
        tally_add(&index->accounts, 1);
}

/* ---- files of accounts ---- */

static struct index_open *place_of(struct mail_index *index, uint64_t account)
{
    for (uint32_t i = 0; i < index->open_count; i++)
        if (index->open[i].account == account)
            return &index->open[i];
    return NULL;
}

static void close_place(struct mail_index *index, struct index_open *place)
{
    mail_index_file_close(place->file);
    *place = index->open[--index->open_count];
}

static void make_place(struct mail_index *index)
{
    struct index_open *oldest = &index->open[0];

    if (index->open_count < index->options.files)
        return;
    for (uint32_t i = 1; i < index->open_count; i++)
        if (index->open[i].used < oldest->used)
            oldest = &index->open[i];
    close_place(index, oldest);
}

void index_folder_close(struct mail_index *index)
{
    while (index->open_count > 0)
        close_place(index, &index->open[0]);
    if (index->catalogue)
        mail_index_catalogue_close(index->catalogue);
    index->catalogue = NULL;
}

static enum mail_index_fault open_file(struct mail_index *index, uint64_t account, const char *path)
{
    struct mail_index_file *file;
    enum mail_index_fault fault = mail_index_file_open(path, &file);

    if (fault == MAIL_INDEX_FINE)
        index->open[index->open_count++] =
            (struct index_open){.account = account, .file = file, .used = ++index->uses};
    return fault;
}

bool index_folder_has(struct mail_index *index, uint64_t account)
{
    char path[PATH_MAX];
    struct stat st;

    path_of(index, account, path);
    return place_of(index, account) || stat(path, &st) == 0 || errno != ENOENT;
}

struct mail_index_file *index_folder_file(struct mail_index *index, uint64_t account, bool make)
{
    struct index_open *place = place_of(index, account);
    char path[PATH_MAX];
    enum mail_index_fault fault;

    if (place) {
        place->used = ++index->uses;
        return place->file;
    }
    if (!make && !index_folder_has(index, account))
        return NULL;
    path_of(index, account, path);
    make_place(index);
    fault = open_file(index, account, path);
    if (fault == MAIL_INDEX_FINE)
        return index->open[index->open_count - 1].file;
    index_folder_failed(index, fault, path + strlen(index->path) + 1);
    if (fault == MAIL_INDEX_DAMAGED) {
        index_folder_drop(index, account);
        index_feed_account(index, account);
    }
    return NULL;
}

enum mail_index_fault index_folder_settle(struct mail_index *index, uint64_t account)
{
    struct index_open *place = place_of(index, account);
    enum mail_index_fault fault = place ? mail_index_file_fault(place->file) : MAIL_INDEX_FINE;
    char name[NAME];

    if (fault == MAIL_INDEX_FINE)
        return fault;
    snprintf(name, sizeof(name), "%016llx.db", (unsigned long long)account);
    index_folder_failed(index, fault, name);
    close_place(index, place);
    if (fault == MAIL_INDEX_DAMAGED) {
        index_folder_drop(index, account);
        index_feed_account(index, account);
    }
    return fault;
}

/* ---- the end of a file ---- */

static void remove_file(struct mail_index *index, uint64_t account)
{
    struct index_open *place = place_of(index, account);
    char path[PATH_MAX];

    if (place)
        close_place(index, place);
    path_of(index, account, path);
    if (!mail_index_sqlite_unlink(path))
        index_folder_failed(index, MAIL_INDEX_FAILED, path + strlen(index->path) + 1);
}

void index_folder_drop(struct mail_index *index, uint64_t account)
{
    remove_file(index, account);
    if (!has_catalogue(index))
        return;
    mail_index_catalogue_forget_account(index->catalogue, account);
    take_totals(index);
}

/* account-file = 16HEXDIG ".db" */
static bool account_of(const char *name, uint64_t *account_out)
{
    char *end;

    *account_out = strtoull(name, &end, 16);
    return end == name + 16 && strcmp(end, ".db") == 0;
}

static void remove_files(struct mail_index *index, bool all)
{
    DIR *folder = opendir(index->path);
    struct dirent *entry;
    uint64_t account;

    while (folder && (entry = readdir(folder)) != NULL)
        if (account_of(entry->d_name, &account) &&
            (all || !mail_index_catalogue_has(index->catalogue, account)))
            remove_file(index, account);
    if (folder)
        closedir(folder);
}

void index_folder_sweep(struct mail_index *index)
{
    if (has_catalogue(index))
        remove_files(index, false);
}

void index_folder_drop_all(struct mail_index *index)
{
    char path[PATH_MAX];

    index_folder_close(index);
    remove_files(index, true);
    snprintf(path, sizeof(path), "%s/catalogue.db", index->path);
    mail_index_sqlite_unlink(path);
    index->pending_count = index->pending_at = 0;
    atomic_store(&index->lag, 0);
    atomic_store(&index->waiting, 0);
    index_folder_open(index);
}
