/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_WRITER_H
#define CONTROL_TAP_TAP_WRITER_H

#include "control/record/record_files.h"
#include "control/tap/tap_queue.h"
#include "control/tap/tap_settings.h"
#include "control/tap/tap_tally.h"
#include "dataplane/handoff/handoff.h"

/*
 * The thread that empties the queues of a live tap's workers and writes what they tell: lines to
 * the files of records, extracted pieces to a folder, and now and then the statistics of all.
 */
struct tap_writer;

struct tap_writer_options {
    struct handoff *handoff;
    struct tap_queue *const *queues; /* one a worker */
    uint32_t records;                /* that each worker has */
    uint32_t pieces;                 /* of all workers together */
    const struct tap_settings *settings;
    const char *path; /* as record_files_init() has it */
    struct record_files_options files;
    uint64_t statistics_ms; /* 0: at the end alone */
    /* False: there is nothing to tell yet. */
    bool (*statistics)(void *context, struct tap_tally *tally);
    void *context;
};

/* NULL, with a reason in `why`. All in the options is borrowed. */
struct tap_writer *tap_writer_start(const struct tap_writer_options *options, struct writer *why);
/* The thread opens its files anew, with these options. Any thread. */
void tap_writer_reopen(struct tap_writer *writer, const struct record_files_options *files);
/* What was lost on the way to files, under "output". Any thread. */
void tap_writer_statistics(struct tap_writer *writer, struct tap_tally *tally);
/* Writes what is in the queues, and the last statistics where `told`; ends the thread. Workers have
 * stopped. */
void tap_writer_stop(struct tap_writer *writer, bool told);

#endif
