/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_BACKUP_H
#define CONTROL_STORE_STORE_BACKUP_H

#include "control/store/store.h"

/*
 * Backups of a store on disk, made while it runs, each of one moment: everything that was answered
 * before store_backup_create() began is in it, whole. A folder holds several; files that they have
 * in common lie there once. One backup or purge at a time in a process (else STORE_BUSY). Reasons
 * go to `error` (STORE_ERROR bytes, NUL-terminated).
 */
struct store_backup {
    uint32_t id;     /* ascending; never used again in its folder */
    uint64_t made_s; /* wall clock */
    uint64_t bytes;
    uint32_t files;
};

typedef void store_backup_visit(void *context, const struct store_backup *backup);

/* STORE_FAILED for a store in memory. While it lasts the store is not opened again after an error.
 */
enum store_status store_backup_create(struct store *store, const char *folder, uint32_t *id_out,
                                      char *error);
/* Oldest first. */
enum store_status store_backup_list(const char *folder, store_backup_visit *visit, void *context,
                                    char *error);
/* That each file is there with its size; its checksum is compared when it is restored. */
enum store_status store_backup_verify(const char *folder, uint32_t id, char *error);
/* All but the newest `keep`, at least one. */
enum store_status store_backup_purge(const char *folder, uint32_t keep, char *error);

/*
 * Makes a store at `path`, which must not exist or be empty, from a backup (0: the newest), checks
 * it whole, and puts it in its place at last: an interrupted one leaves `path` as it was. Each
 * mailbox gets a new UIDVALIDITY and ids go on behind those that may have been given out since, so
 * that nobody takes a new message for one that was there after the backup.
 */
enum store_status store_backup_restore(const char *folder, uint32_t id, const char *path,
                                       struct store_health *health_out, char *error);

#endif
