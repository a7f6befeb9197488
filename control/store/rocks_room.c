/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <sys/statvfs.h>

/*
 * RocksDB that meets a full disk stops, and mends itself by a thread of its own that may end the
 * program; and its files need room to be rewritten in. So it never gets that far: commits are
 * refused while less than the reserve is free.
 */
bool rocks_room(const struct rocks *r, uint64_t bytes)
{
    struct statvfs fs;

    return r->reserve_bytes == 0 || statvfs(r->path, &fs) != 0 ||
           (uint64_t)fs.f_bavail * fs.f_frsize >= r->reserve_bytes + bytes;
}
