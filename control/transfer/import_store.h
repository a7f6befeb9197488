/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_IMPORT_STORE_H
#define CONTROL_TRANSFER_IMPORT_STORE_H

#include "control/transfer/import_sink.h"

/*
 * Messages into the inbox of one account of a store. Holds one row of the message under way (64
 * KiB) and what its reading takes (about 100 KiB), and 16 bytes for each message of the run: two
 * that are alike in bytes and date are told apart by their order, so that a run that was cut can be
 * repeated and finds each of them again.
 */
struct import_store;

struct import_store_options {
    struct store *store; /* borrowed */
    uint64_t account;
    struct span address; /* of the account, for the envelope; copied */
    uint64_t size_max;   /* of a message; larger ones are refused */
    uint16_t node;
};

/* NULL: no memory. */
struct import_store *import_store_new(const struct import_store_options *options);
/* Cancels the message under way. */
void import_store_free(struct import_store *import);
struct import_sink import_store_sink(struct import_store *import);

#endif
