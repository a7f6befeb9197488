/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_config.h"

struct record_writer_options record_config_options(const struct config *config)
{
    const struct config_records *r = &config->records;
    struct record_writer_options o = {
        .files = {.rotate_size = (uint64_t)r->rotate_size},
        .key_rotation_ms = (uint64_t)r->key_rotation / 1000,
        .key_kept_ms = (uint64_t)r->key_kept / 1000,
    };

    for (int i = 0; i < RECORD_TYPES; i++)
        o.files.retention_ms[i] = (uint64_t)r->retention[i] / 1000;
    for (int i = 0; i < RECORD_CLASSES; i++)
        o.privacy[i] = (uint8_t)r->privacy[i];
    return o;
}
