/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_WRITER_H
#define CONTROL_RECORD_RECORD_WRITER_H

#include "control/record/record_files.h"
#include "control/record/record_privacy.h"
#include "dataplane/handoff/handoff.h"

/*
 * The thread that takes the workers' records and writes them, a JSON object a line. It never makes
 * a worker wait beyond its ring: lines that cannot be written are dropped and counted.
 */
struct record_writer;

struct record_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* lines lost to a failed write or to want of memory */
    uint64_t errors;  /* failed writes and opens */
    uint64_t removed; /* files that were older than their records are kept */
};

/* What may change while it runs. */
struct record_writer_options {
    struct record_files_options files;
    uint8_t privacy[RECORD_CLASSES]; /* enum record_privacy_action */
    uint64_t key_rotation_ms, key_kept_ms;
};

/* What others want to know of each message's record: called on the writer's thread. */
struct record_writer_watch {
    void (*saw)(void *context, const struct record *record);
    void *context;
};

/*
 * Opens `path` ("-": standard output, empty: records are taken and thrown away, a directory: see
 * record_files.h) and the file of keys (empty: keys in memory), and starts the thread. NULL with
 * errno: nothing was started. The thread inherits the caller's CPUs and blocks all signals.
 */
struct record_writer *record_writer_start(struct handoff *handoff, const char *path,
                                          const char *keys,
                                          const struct record_writer_options *options,
                                          const struct record_writer_watch *watch);
/* The thread opens its files anew, and takes the options, before the next batch: after a file was
 * renamed. Any thread. */
void record_writer_reopen(struct record_writer *writer,
                          const struct record_writer_options *options);
/*
 * A record of control's own: `fields` stand behind kind, version, schema and time. Takes the
 * reference. Waits for nothing: when too many wait to be written it is dropped and counted. Any
 * thread.
 */
void record_writer_event(struct record_writer *writer, enum record_type type, json_t *fields);
/* The keys as they are now, for a search in what was written. Any thread. */
void record_writer_keys(struct record_writer *writer, struct record_keys *keys_out);
/* Takes and writes what is in the rings, ends the thread and closes the file. Workers have stopped.
 */
void record_writer_stop(struct record_writer *writer);
/* Any thread. */
struct record_writer_counters record_writer_counters(const struct record_writer *writer);

#endif
