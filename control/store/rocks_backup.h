/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_ROCKS_BACKUP_H
#define CONTROL_STORE_ROCKS_BACKUP_H

#include "control/store/rocks.h"
#include "control/store/store_backup.h"

/* What making and restoring backups share. `create`: make the folder. NULL with a reason. */
rocksdb_backup_engine_t *rocks_backup_engine(const char *folder, bool create, char *error);
/* Writes "what: problem", frees the problem. What it was. */
enum store_status rocks_backup_fail(char *error, const char *what, char *problem);

#endif
