/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_WRITER_H
#define CONTROL_RECORD_RECORD_WRITER_H

#include "dataplane/handoff/handoff.h"

/*
 * The thread that takes the workers' records and writes them, a JSON object a line, one write() a batch. It never makes a
 * worker wait beyond its ring: lines that cannot be written are dropped and counted.
 */
struct record_writer;

struct record_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* lines lost to a failed write or to want of memory */
    uint64_t errors;  /* failed writes and opens */
};

/*
 * Opens `path` ("-": standard output, empty: records are taken and thrown away) for appending, mends a last line that a
 * crash left torn by ending it, and starts the thread. NULL with errno: nothing was started. The thread inherits the
 * caller's CPUs and blocks all signals.
 */
struct record_writer *record_writer_start(struct handoff *handoff, const char *path);
/* The thread opens its file anew before the next batch: after the file was renamed. Any thread. */
void record_writer_reopen(struct record_writer *writer);
/* Takes and writes what is in the rings, ends the thread and closes the file. Workers have stopped. */
void record_writer_stop(struct record_writer *writer);
/* Any thread. */
struct record_writer_counters record_writer_counters(const struct record_writer *writer);

#endif
