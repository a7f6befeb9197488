/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECES_A_TURN = 16 }; /* so that one stream does not keep the others waiting */

void ctl_peer_init(struct ctl_peer *peer, int fd, int wake)
{
    *peer = (struct ctl_peer){.fd = fd, .wake = wake};
}

static void close_bytes(struct ctl_peer *peer)
{
    if (peer->bytes)
        peer->subject->close(peer->subject->context, peer->bytes);
    peer->bytes = NULL;
}

void ctl_peer_fini(struct ctl_peer *peer)
{
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));

    if (peer->task)
        json_decref(ctl_task_finish(peer->task, &why));
    peer->task = NULL;
    close_bytes(peer);
    free(peer->answer);
    peer->answer = NULL;
    close(peer->fd);
    peer->fd = -1;
}

static bool writing(const struct ctl_peer *peer)
{
    return peer->answer || peer->bytes;
}

short ctl_peer_wants(const struct ctl_peer *peer)
{
    if (peer->task)
        return 0;
    return writing(peer) ? POLLOUT : POLLIN;
}

bool ctl_peer_ready(const struct ctl_peer *peer)
{
    if (peer->task)
        return ctl_task_done(peer->task);
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

/* Takes the result. */
static void answer(struct ctl_peer *peer, json_t *result, const struct writer *why)
{
    if (result)
        set_answer(peer, json_pack("{s:b, s:o}", "ok", 1, "result", result));
    else
        refuse(peer, why);
}

static void open_bytes(struct ctl_peer *peer, const struct ctl_request *request, struct writer *why)
{
    peer->bytes_sent = 0;
    peer->bytes = peer->subject->open(peer->subject->context, request, &peer->bytes_len, why);
    if (peer->bytes)
        set_answer(peer, json_pack("{s:b, s:I}", "ok", 1, "length", (json_int_t)peer->bytes_len));
    else
        refuse(peer, why);
}

static void answer_line(struct ctl_peer *peer, const struct ctl_subject *subjects, struct span line)
{
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));
    struct ctl_request request;

    if (!ctl_request_parse(line, &request, &why)) {
        refuse(peer, &why);
        return;
    }
    peer->subject = &subjects[ctl_commands[request.command].subject];
    switch ((enum ctl_kind)ctl_commands[request.command].kind) {
    case CTL_KIND_QUICK:
        answer(peer, peer->subject->answer(peer->subject->context, &request, &why), &why);
        break;
    case CTL_KIND_SLOW:
        peer->task = ctl_task_start(peer->subject, line, peer->wake);
        if (!peer->task)
            refuse(peer, &why);
        break;
    case CTL_KIND_BYTES:
        open_bytes(peer, &request, &why);
        break;
    }
    ctl_request_fini(&request);
}

static void answer_task(struct ctl_peer *peer)
{
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));
    json_t *result = ctl_task_finish(peer->task, &why);

    peer->task = NULL;
    answer(peer, result, &why);
}

/* Answers the first whole line that is held, if there is one. */
static void answer_held(struct ctl_peer *peer, const struct ctl_subject *subjects)
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
    answer_line(peer, subjects, span_of(peer->line, len));
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

/* One piece of the bytes. */
static enum sent send_piece(struct ctl_peer *peer)
{
    struct span piece;
    enum sent sent;
    size_t n;

    if (peer->bytes_sent == peer->bytes_len) {
        close_bytes(peer);
        return SENT_ALL;
    }
    if (!peer->subject->read(peer->subject->context, peer->bytes, peer->bytes_sent, &piece) ||
        !piece.len)
        return SENT_FAILED;
    if (piece.len > peer->bytes_len - peer->bytes_sent)
        piece.len = peer->bytes_len - peer->bytes_sent;
    sent = send_bytes(peer->fd, piece.data, piece.len, &n);
    peer->bytes_sent += n;
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

bool ctl_peer_serve(struct ctl_peer *peer, const struct ctl_subject *subjects, short reported)
{
    enum sent sent = SENT_ALL;

    if (peer->task) {
        if (!ctl_task_done(peer->task))
            return true;
        answer_task(peer);
    } else if (!writing(peer)) {
        if (reported && !read_some(peer))
            return false;
        answer_held(peer, subjects);
    }
    for (int i = 0; i < PIECES_A_TURN && writing(peer) && sent == SENT_ALL; i++) {
        sent = peer->answer ? send_answer(peer) : send_piece(peer);
        if (sent == SENT_FAILED)
            return false;
    }
    return writing(peer) || peer->task || !peer->ending;
}
