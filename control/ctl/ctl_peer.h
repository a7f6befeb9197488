/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_PEER_H
#define CONTROL_CTL_CTL_PEER_H

#include "control/ctl/ctl_server.h"

/*
 * One connection to the control socket: requests in, answers out. At any time it either reads a request or writes
 * the answer to one, so it holds one line and one answer.
 */
struct ctl_peer {
    int fd;
    bool ending;     /* closes once its answer is out */
    uint32_t held;   /* bytes in line[] */
    char *answer;    /* malloc; NULL: none is being written */
    size_t answer_len, answer_sent;
    void *export;    /* its bytes follow the answer */
    uint64_t export_len, export_sent;
    char line[CTL_REQUEST_MAX];
};

/* Takes the descriptor, which does not block. */
void ctl_peer_init(struct ctl_peer *peer, int fd);
void ctl_peer_fini(struct ctl_peer *peer, const struct ctl_handlers *handlers);
/* What poll() should wait for: POLLIN or POLLOUT. */
short ctl_peer_wants(const struct ctl_peer *peer);
/* True when a whole request is held and none is being answered: it is to be served without waiting. */
bool ctl_peer_ready(const struct ctl_peer *peer);
/*
 * Reads, answers and writes as far as it goes without blocking, one request at most and some pieces of an
 * export. `reported`: what poll() said, 0 for nothing. False: the connection is over.
 */
bool ctl_peer_serve(struct ctl_peer *peer, const struct ctl_handlers *handlers, short reported);

#endif
