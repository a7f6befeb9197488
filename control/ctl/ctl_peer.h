/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_PEER_H
#define CONTROL_CTL_CTL_PEER_H

#include "control/ctl/ctl_task.h"

/*
 * One connection to the control socket: requests in, answers out. At any time it either reads a
 * request, waits for the answer to a slow one, or writes the answer, so it holds one line and one
 * answer.
 */
struct ctl_peer {
    int fd;
    int wake;
    bool ending;   /* closes once its answer is out */
    uint32_t held; /* bytes in line[] */
    char *answer;  /* malloc; NULL: none is being written */
    size_t answer_len, answer_sent;
    struct ctl_task *task;             /* a slow command under way */
    const struct ctl_subject *subject; /* of the bytes */
    void *bytes;                       /* they follow the answer */
    uint64_t bytes_len, bytes_sent;
    char line[CTL_REQUEST_MAX];
};

/* Takes the descriptor, which does not block. `wake`: the server's eventfd. */
void ctl_peer_init(struct ctl_peer *peer, int fd, int wake);
/* Waits for the end of a slow command. */
void ctl_peer_fini(struct ctl_peer *peer);
/* What poll() should wait for: POLLIN, POLLOUT, or 0 while a slow command is under way. */
short ctl_peer_wants(const struct ctl_peer *peer);
/* True when it is to be served without waiting: a whole request is held and none is being answered,
 * or a slow one's answer has come. */
bool ctl_peer_ready(const struct ctl_peer *peer);
/*
 * Reads, answers and writes as far as it goes without blocking, one request at most and some pieces
 * of the bytes. `reported`: what poll() said, 0 for nothing. False: the connection is over.
 */
bool ctl_peer_serve(struct ctl_peer *peer, const struct ctl_subject *subjects, short reported);

#endif
