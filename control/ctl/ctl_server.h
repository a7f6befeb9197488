/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_SERVER_H
#define CONTROL_CTL_CTL_SERVER_H

#include <jansson.h>

#include "proto/base/id128.h"
#include "proto/base/writer.h"

/*
 * Control of the running engine over a Unix socket.
 *
 * A request is one line, LF at its end (a CR before it is ignored), at most CTL_REQUEST_MAX bytes:
 * either words, as in "mailbox list alice@example.test", or an object {"command": "mailbox list",
 * "arguments": ["alice@example.test"]}. The answer is one object on a line: {"ok": true, "result":
 * ...} or {"ok": false, "error": "..."}. An export is answered
 * {"ok": true, "length": N} and then N bytes as they are stored. Answers come in the order of the
 * requests; a line that is too long, and it alone, ends the connection after its answer.
 */
enum {
    CTL_REQUEST_MAX = 65536,
    CTL_ARGUMENTS_MAX = 128,
    CTL_CLIENTS_MAX = 16,
    CTL_ERROR_MAX = 4096
};

struct ctl_request;

/* Who answers commands; which subject a command has says ctl_command.def. */
enum ctl_subject_id {
    CTL_SUBJECT_ENGINE, /* the engine as a whole; answered by main */
    CTL_SUBJECT_STORE,  /* ctl_store.h */
    CTL_SUBJECT_MAIL,   /* ctl_mail.h */
    CTL_SUBJECT_RULES,  /* ctl_rules.h */
    CTL_SUBJECT_TRACE,  /* ctl_trace.h */
    CTL_SUBJECT_CYCLES, /* ctl_cycles.h */
    CTL_SUBJECTS,
};

/*
 * A result is a new reference that the server takes; NULL is a failure whose reason was written to
 * `why`, which holds CTL_ERROR_MAX bytes. Quick commands are called on the server's thread, one at
 * a time; slow ones beside them and beside each other, each on a thread of its own.
 */
struct ctl_subject {
    void *context;
    json_t *(*answer)(void *context, const struct ctl_request *request, struct writer *why);
    /* Opens the bytes that follow the answer; NULL is a failure. */
    void *(*open)(void *context, const struct ctl_request *request, uint64_t *length_out,
                  struct writer *why);
    /* Bytes from `offset`, at least one, valid until the next call. False: they cannot be read; the
     * connection is closed short. */
    bool (*read)(void *context, void *bytes, uint64_t offset, struct span *bytes_out);
    void (*close)(void *context, void *bytes);
};

struct ctl_server;

/*
 * Binds `path` with mode 0600, after removing a socket there that nobody listens on, and starts a
 * thread which inherits the caller's CPUs and blocks all signals. NULL with errno; EADDRINUSE when
 * somebody does listen, ENOTSOCK when something else is there.
 */
struct ctl_server *ctl_server_start(const char *path,
                                    const struct ctl_subject subjects[CTL_SUBJECTS]);
/* Ends the threads, after what they were answering, writes for at most a second, and removes the
 * socket. */
void ctl_server_stop(struct ctl_server *server);

#endif
