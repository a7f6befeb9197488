/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/ctl/ctl_request.h"

enum { PIECES_A_TURN = 16 }; /* so that one export does not keep the others waiting */

void ctl_peer_init(struct ctl_peer *peer, int fd)
{
    *peer = (struct ctl_peer){.fd = fd};
}

static void close_export(struct ctl_peer *peer, const struct ctl_handlers *handlers)
{
    if (peer->export)
        handlers->export_close(handlers->context, peer->export);
    peer->export = NULL;
}

void ctl_peer_fini(struct ctl_peer *peer, const struct ctl_handlers *handlers)
{
    close_export(peer, handlers);
    free(peer->answer);
    peer->answer = NULL;
    close(peer->fd);
    peer->fd = -1;
}

static bool writing(const struct ctl_peer *peer)
{
    return peer->answer || peer->export;
}

short ctl_peer_wants(const struct ctl_peer *peer)
{
    return writing(peer) ? POLLOUT : POLLIN;
}

bool ctl_peer_ready(const struct ctl_peer *peer)
{
    return !writing(peer) && memchr(peer->line, '\n', peer->held);
}

/* Takes the object; without memory for it the connection ends unanswered. */
static void set_answer(struct ctl_peer *peer, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    peer->answer = text;
    peer->answer_sent = 0;
    peer->answer_len = text ? strlen(text) + 1 : 0;
    if (text)
        text[peer->answer_len - 1] = '\n';
    else
        peer->ending = true;
}

static void refuse(struct ctl_peer *peer, const struct writer *why)
{
    set_answer(peer, json_pack("{s:b, s:s%}", "ok", 0, "error",
                               why->len ? (char *)why->data : "it failed",
                               why->len ? why->len : strlen("it failed")));
}

static json_t *run(const struct ctl_handlers *h, const struct ctl_request *request,
                   struct writer *why)
{
    switch (request->command) {
    case CTL_STATUS:
        return h->status(h->context, why);
    case CTL_COUNTERS:
        return h->counters(h->context, why);
    case CTL_MAILBOX_LIST:
        return h->mailbox_list(h->context, request->arguments[0], why);
    case CTL_MAILBOX_STATUS:
        return h->mailbox_status(h->context, request->arguments[0], why);
    case CTL_MESSAGE_SHOW:
        return h->message_show(h->context, &request->id, request->arguments[1], why);
    case CTL_RELOAD:
        return h->reload(h->context, why);
    case CTL_DRAIN:
        return h->drain(h->context, request->seconds, why);
    case CTL_STOP:
        return h->stop(h->context, why);
    default:
        return NULL;
    }
}

static void begin_export(struct ctl_peer *peer, const struct ctl_handlers *h,
                         const struct ctl_request *request, struct writer *why)
{
    peer->export_sent = 0;
    peer->export =
        h->export_open(h->context, &request->id, request->arguments[1], &peer->export_len, why);
    if (peer->export)
        set_answer(peer, json_pack("{s:b, s:I}", "ok", 1, "length", (json_int_t)peer->export_len));
    else
        refuse(peer, why);
}

static void answer_line(struct ctl_peer *peer, const struct ctl_handlers *handlers,
                        struct span line)
{
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));
    struct ctl_request request;
    json_t *result;

    if (!ctl_request_parse(line, &request, &why)) {
        refuse(peer, &why);
        return;
    }
    if (request.command == CTL_MESSAGE_EXPORT) {
        begin_export(peer, handlers, &request, &why);
    } else {
        result = run(handlers, &request, &why);
        if (result)
            set_answer(peer, json_pack("{s:b, s:o}", "ok", 1, "result", result));
        else
            refuse(peer, &why);
    }
    ctl_request_fini(&request);
}

/* Answers the first whole line that is held, if there is one. */
static void answer_held(struct ctl_peer *peer, const struct ctl_handlers *handlers)
{
    const char *end = memchr(peer->line, '\n', peer->held);
    char text[] = "the request is too long";
    struct writer why = writer_of(text, sizeof(text));
    size_t len;

    if (!end) {
        if (peer->held == CTL_REQUEST_MAX) {
            why.len = sizeof(text) - 1;
            peer->ending = true;
            refuse(peer, &why);
        }
        return;
    }
    len = (size_t)(end - peer->line);
    answer_line(peer, handlers, span_of(peer->line, len));
    peer->held -= (uint32_t)len + 1;
    memmove(peer->line, end + 1, peer->held);
}

enum sent { SENT_ALL, SENT_SOME, SENT_FAILED };

static enum sent send_bytes(int fd, const void *bytes, size_t len, size_t *sent_out)
{
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    *sent_out = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? SENT_SOME : SENT_FAILED;
    return *sent_out == len ? SENT_ALL : SENT_SOME;
}

static enum sent send_answer(struct ctl_peer *peer)
{
    size_t n;
    enum sent sent = send_bytes(peer->fd, peer->answer + peer->answer_sent,
                                peer->answer_len - peer->answer_sent, &n);

    peer->answer_sent += n;
    if (sent == SENT_ALL) {
        free(peer->answer);
        peer->answer = NULL;
    }
    return sent;
}

/* One piece of the message. */
static enum sent send_export(struct ctl_peer *peer, const struct ctl_handlers *handlers)
{
    struct span bytes;
    enum sent sent;
    size_t n;

    if (peer->export_sent == peer->export_len) {
        close_export(peer, handlers);
        return SENT_ALL;
    }
    if (!handlers->export_read(handlers->context, peer->export, peer->export_sent, &bytes) ||
        !bytes.len)
        return SENT_FAILED;
    if (bytes.len > peer->export_len - peer->export_sent)
        bytes.len = peer->export_len - peer->export_sent;
    sent = send_bytes(peer->fd, bytes.data, bytes.len, &n);
    peer->export_sent += n;
    return sent;
}

/* False: the connection is over. */
static bool read_some(struct ctl_peer *peer)
{
    ssize_t n =
        recv(peer->fd, peer->line + peer->held, sizeof(peer->line) - peer->held, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    peer->held += (uint32_t)n;
    return n > 0;
}

bool ctl_peer_serve(struct ctl_peer *peer, const struct ctl_handlers *handlers, short reported)
{
    enum sent sent = SENT_ALL;

    if (!writing(peer)) {
        if (reported && !read_some(peer))
            return false;
        answer_held(peer, handlers);
    }
    for (int i = 0; i < PIECES_A_TURN && writing(peer) && sent == SENT_ALL; i++) {
        sent = peer->answer ? send_answer(peer) : send_export(peer, handlers);
        if (sent == SENT_FAILED)
            return false;
    }
    return writing(peer) || !peer->ending;
}
