/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <sys/statvfs.h>

#include "control/base/clock.h"

enum {
    LOOK_MS = 50,
    TAKES = 3, /* what is committed lies in the log, then in files, and these are rewritten */
    TAKES_MORE = 8192, /* rows beside a body */
};

/* What is free beyond the reserve by now. False: nobody can tell. */
static bool look(struct rocks *r)
{
    struct statvfs fs;
    uint64_t free;

    if (statvfs(r->path, &fs) != 0)
        return false;
    free = (uint64_t)fs.f_bavail * fs.f_frsize;
    r->room_ms = clock_monotonic_ms();
    r->room = free > r->reserve_bytes ? free - r->reserve_bytes : 0;
    return true;
}

/*
 * RocksDB that meets a full disk stops, and mends itself by a thread of its own that may end the
 * program; and its files need room to be rewritten in. So it never gets that far: commits are
 * refused while less than the reserve is free. Between two looks at the disk each commit takes more
 * of what was free than it needs, and what would be refused is looked at anew.
 */
bool rocks_room(struct rocks *r, uint64_t bytes)
{
    uint64_t takes = TAKES * bytes + TAKES_MORE;

    if (r->reserve_bytes == 0)
        return true;
    if (r->room < takes || clock_monotonic_ms() - r->room_ms >= LOOK_MS) {
        if (!look(r))
            return true;
        if (r->room < bytes)
            return false;
    }
    r->room -= r->room < takes ? r->room : takes;
    return true;
}
