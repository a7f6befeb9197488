/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_WRITER_H
#define CONTROL_RECORD_RECORD_WRITER_H

#include "control/store/store_audit.h"
#include "dataplane/handoff/handoff.h"

/*
 * The thread that takes the workers' records and writes them, a JSON object a line, one write() a
 * batch. It never makes a worker wait beyond its ring: lines that cannot be written are dropped and
 * counted.
 */
struct record_writer;

struct record_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* lines lost to a failed write or to want of memory */
    uint64_t errors;  /* failed writes and opens */
};

/*
 * Opens `path` ("-": standard output, empty: records are taken and thrown away) for appending,
 * mends a last line that a crash left torn by ending it, and starts the thread. NULL with errno:
 * nothing was started. The thread inherits the caller's CPUs and blocks all signals.
 */
struct record_writer *record_writer_start(struct handoff *handoff, const char *path);
/* The thread opens its file anew before the next batch: after the file was renamed. Any thread. */
void record_writer_reopen(struct record_writer *writer);
/* A line of control's own, an object without its line end; copied. False: it was dropped, and
 * counted, since too much waits. Any thread. */
bool record_writer_line(struct record_writer *writer, const char *text, size_t len);
/* A row of the audit log as such a line; `context` is the writer (a store_audit_visit). */
bool record_writer_audit(void *context, const struct store_audit *row);
/* Takes and writes what is in the rings, ends the thread and closes the file. Workers have stopped.
 */
void record_writer_stop(struct record_writer *writer);
/* Any thread. */
struct record_writer_counters record_writer_counters(const struct record_writer *writer);

#endif
