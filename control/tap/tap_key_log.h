/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_KEY_LOG_H
#define CONTROL_TAP_TAP_KEY_LOG_H

#include "dataplane/handoff/tap_source.h"
#include "proto/base/writer.h"

/*
 * The key log of a tap (SSLKEYLOGFILE, RFC 9850): read into the table that workers look into, from
 * its beginning and then what was written behind. A file that has become shorter or another one is
 * read from its beginning.
 */
enum {
    TAP_KEY_LOG_ENTRIES = 65536,        /* secrets that are kept at least ... */
    TAP_KEY_LOG_ENTRIES_MAX = 1 << 20,  /* ... and at most, by the size of the file at the start */
    TAP_KEY_LOG_READ = 4 * 1024 * 1024, /* bytes that are read at a time */
};

struct tap_key_log;

/* `path` is borrowed. With `may_come` the file need not be there yet. NULL, with a reason. */
struct tap_key_log *tap_key_log_new(const char *path, bool may_come, struct writer *why);
void tap_key_log_free(struct tap_key_log *log);
/* Reads what has come, TAP_KEY_LOG_READ bytes of it at most. True: there are new secrets. One
 * thread, which is the table's writer. */
bool tap_key_log_read(struct tap_key_log *log);
const struct tls_secrets *tap_key_log_secrets(const struct tap_key_log *log);
/* A worker misses a secret: to be read soon. Any thread. */
void tap_key_log_miss(struct tap_key_log *log);
/* Whether one was missed since the last time. */
bool tap_key_log_missed(struct tap_key_log *log);
/* Lines with a secret that were read, lines of its labels that are not as the format has them,
 * times when it could not be opened or read; under "keylog". Any thread. */
void tap_key_log_statistics(const struct tap_key_log *log,
                            void (*put)(void *context, const struct tap_statistic *statistic),
                            void *context);

#endif
