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
enum { CTL_REQUEST_MAX = 4096, CTL_ARGUMENTS_MAX = 4, CTL_CLIENTS_MAX = 16, CTL_ERROR_MAX = 4096 };

/*
 * What the engine does for each command. All are called on the server's thread, one at a time. A
 * result is a new reference that the server takes; NULL is a failure whose reason was written to
 * `why`, which holds CTL_ERROR_MAX bytes.
 */
struct ctl_handlers {
    void *context;
    json_t *(*status)(void *context, struct writer *why);
    json_t *(*counters)(void *context, struct writer *why);
    /* The messages of an account: an array of objects. */
    json_t *(*mailbox_list)(void *context, struct span account, struct writer *why);
    /* The mailboxes of an account with their counts: an array of objects. */
    json_t *(*mailbox_status)(void *context, struct span account, struct writer *why);
    /* `account` is empty where the command named none. */
    json_t *(*message_show)(void *context, const struct id128 *id, struct span account,
                            struct writer *why);
    /* Opens the bytes of a message; NULL is a failure. */
    void *(*export_open)(void *context, const struct id128 *id, struct span account,
                         uint64_t *length_out, struct writer *why);
    /* Bytes from `offset`, at least one, valid until the next call. False: they cannot be read; the
     * connection is closed short. */
    bool (*export_read)(void *context, void *export, uint64_t offset, struct span *bytes_out);
    void (*export_close)(void *context, void *export);
    json_t *(*reload)(void *context, struct writer *why);
    /* Stops listening, lets transactions finish for so long. Returns at once. */
    json_t *(*drain)(void *context, uint32_t seconds, struct writer *why);
    /* Asks the engine to end; called before its answer is written. */
    json_t *(*stop)(void *context, struct writer *why);
};

struct ctl_server;

/*
 * Binds `path` with mode 0600, after removing a socket there that nobody listens on, and starts a
 * thread which inherits the caller's CPUs and blocks all signals. NULL with errno; EADDRINUSE when
 * somebody does listen, ENOTSOCK when something else is there.
 */
struct ctl_server *ctl_server_start(const char *path, const struct ctl_handlers *handlers);
/* Ends the thread, after what it was writing for at most a second, and removes the socket. */
void ctl_server_stop(struct ctl_server *server);

#endif
