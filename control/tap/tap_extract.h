/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_EXTRACT_H
#define CONTROL_TAP_TAP_EXTRACT_H

#include "dataplane/handoff/part_digests.h"
#include "dataplane/handoff/tap_source.h"

/*
 * SHA-256 of parts and messages while they go by, and their bytes for whoever keeps them: what a
 * worker of a tap calls.
 */
struct tap_extract;

/* Who keeps the bytes. Pieces are numbered; several are open at a time. */
struct tap_extract_sink {
    void *context;
    /* False: this one is not kept. */
    bool (*open)(void *context, uint32_t piece);
    /* False: it is given up. */
    bool (*bytes)(void *context, uint32_t piece, struct span bytes);
    /* `sha256` NULL: it is not whole, or was given up. `message`: else a part. */
    void (*close)(void *context, uint32_t piece, const uint8_t *sha256, bool message);
};

/* For so many pieces open at a time, numbered from `first`. `sink` NULL: digests alone; borrowed.
 * NULL with errno. */
struct tap_extract *tap_extract_new(const struct tap_extract_sink *sink, uint32_t pieces,
                                    uint32_t first);
void tap_extract_free(struct tap_extract *extract);
const struct part_digests *tap_extract_digests(const struct tap_extract *extract);
/* As struct tap_source has them; only with a sink. */
void *tap_extract_message(void *extract);
void tap_extract_bytes(void *message, struct span bytes);
void tap_extract_message_end(void *extract, void *message, bool whole);

#endif
