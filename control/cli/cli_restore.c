/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli.h"
#include "control/store/store_backup.h"

int cli_restore(const char *path, const char *folder, const char *id)
{
    char error[STORE_ERROR] = "", *end = NULL;
    struct store_health h;
    unsigned long number = 0;

    errno = 0;
    if (id)
        number = strtoul(id, &end, 10);
    if (id && (*end || end == id || errno || number == 0 || number > UINT32_MAX || id[0] < '0' ||
               id[0] > '9')) {
        fprintf(stderr, "wirepost restore: expected the number of a backup, not %s\n", id);
        return CLI_USAGE;
    }
    if (store_backup_restore(folder, (uint32_t)number, path, &h, error) != STORE_OK) {
        fprintf(stderr, "wirepost restore: %s\n", error);
        return CLI_FAILED;
    }
    printf("%s: %llu bodies, %llu entries; every UIDVALIDITY is a new one\n", path,
           (unsigned long long)h.bodies, (unsigned long long)h.entries);
    if (h.bad || h.bodiless || h.orphans || h.counts) {
        fprintf(stderr, "wirepost restore: the store has faults: start it and ask `ctl fsck`\n");
        return CLI_FAILED;
    }
    return CLI_OK;
}
