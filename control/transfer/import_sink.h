/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_IMPORT_SINK_H
#define CONTROL_TRANSFER_IMPORT_SINK_H

#include "control/store/store.h"
#include "proto/base/writer.h"

/*
 * Where imported messages go: a store that this process has opened (import_store.h), or a running
 * engine (ctl_import.h). One message at a time: bytes, then end or cancel.
 */
enum import_result {
    IMPORT_DONE,    /* durable */
    IMPORT_THERE,   /* it had been imported before */
    IMPORT_REFUSED, /* this message; the reason is in `why`, and others may follow */
    IMPORT_FAILED,  /* nothing more can be imported; the reason is in `why` */
};

struct import_meta {
    uint64_t date_ms;   /* the internal date */
    uint32_t flags;     /* enum store_flag */
    bool forwarded;     /* keyword $Forwarded */
    bool others;        /* keywords that are not kept */
    struct span sender; /* of a from-line; may be empty */
};

struct import_sink {
    void *context;
    /* REFUSED and FAILED end the message; DONE: go on. */
    enum import_result (*bytes)(void *context, struct span bytes, struct writer *why);
    enum import_result (*end)(void *context, const struct import_meta *meta, struct writer *why);
    /* Forgets the message under way. */
    void (*cancel)(void *context);
};

#endif
