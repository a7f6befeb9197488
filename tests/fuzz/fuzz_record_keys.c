/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of keys as anybody may have left it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/record/record_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record_keys keys;
    char hash[RECORD_HASH_TEXT], path[64];
    int fd = memfd_create("keys", MFD_CLOEXEC);

    if (write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (record_keys_load(&keys, path)) {
        /* A file is read whole or not at all, and a key's line is 76 bytes at least. */
        if (keys.count > RECORD_KEYS_MAX || keys.count > size / 76 || (size && !keys.count))
            abort();
        if (record_keys_now(&keys))
            record_key_hash(record_keys_now(&keys), span_of(data, size), hash);
    } else if (keys.count) {
        abort();
    }
    close(fd);
    return 0;
}
