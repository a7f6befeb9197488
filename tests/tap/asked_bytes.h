/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TAP_ASKED_BYTES_H
#define TESTS_TAP_ASKED_BYTES_H

#include "proto/base/span.h"

/*
 * What the engine hands to Hyperscan's streams and to SHA-256 while it is recorded: the bytes of
 * each stream and of each digest, one behind the other, so that the libraries alone can be given
 * the same. The program is linked with --wrap for the functions in asked_bytes.c.
 */
struct asked_bytes {
    uint8_t *bytes;
    size_t len, cap;
    size_t *ends; /* of each stream or digest, in bytes[] */
    size_t count, room;
    uint64_t calls;
    void *under_way;
};

extern struct asked_bytes asked_hyperscan, asked_sha256;

void asked_bytes_record(bool on);
void asked_bytes_free(void);

#endif
