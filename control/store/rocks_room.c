/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <sys/statvfs.h>

/*
 * Without a disk nobody says that it is full, so what the files and memtables take is measured
 * here: often enough that the limit is not passed by more than MEASURE_BYTES and one batch.
 */
enum { MEASURE_BYTES = 1 << 20 };

static uint64_t taken(struct rocks *r)
{
    static const char *const parts[] = {"rocksdb.cur-size-all-mem-tables",
                                        "rocksdb.total-sst-files-size",
                                        "rocksdb.total-blob-file-size"};
    uint64_t sum = 0;

    for (int family = 0; family < ROCKS_FAMILIES; family++) {
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            uint64_t bytes = 0;

            rocksdb_property_int_cf(r->db, r->family[family], parts[i], &bytes);
            sum += bytes;
        }
    }
    return sum;
}

/*
 * RocksDB that meets a full disk stops, and mends itself by a thread of its own that may end the
 * program; and its files need room to be rewritten in. So it never gets that far: commits are
 * refused while less than the reserve is free.
 */
static bool disk_room(const struct rocks *r, uint64_t bytes)
{
    struct statvfs fs;

    return r->reserve_bytes == 0 || statvfs(r->path, &fs) != 0 ||
           (uint64_t)fs.f_bavail * fs.f_frsize >= r->reserve_bytes + bytes;
}

bool rocks_room(struct rocks *r, uint64_t bytes)
{
    if (!r->env)
        return disk_room(r, bytes);
    r->memory_written += bytes;
    if (r->memory_full || r->memory_written >= MEASURE_BYTES) {
        r->memory_full = taken(r) + bytes > r->memory_bytes;
        r->memory_written = 0;
    }
    return !r->memory_full;
}
