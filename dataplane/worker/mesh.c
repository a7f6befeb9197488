/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/mesh.h"

#include <stdlib.h>

struct mesh {
    uint32_t workers;
    struct ring *rings[]; /* [from * workers + to]; the diagonal is the way out of `from` */
};

static struct ring *ring_of(const struct mesh *m, uint32_t from, uint32_t to)
{
    return m->rings[from * m->workers + to];
}

struct mesh *mesh_new(uint32_t workers, uint32_t size)
{
    struct mesh *m = calloc(1, sizeof(*m) + (size_t)workers * workers * sizeof(m->rings[0]));

    if (!m)
        return NULL;
    m->workers = workers;
    for (uint32_t i = 0; i < workers * workers; i++) {
        m->rings[i] = ring_new(size);
        if (!m->rings[i]) {
            mesh_free(m);
            return NULL;
        }
    }
    return m;
}

void mesh_free(struct mesh *m)
{
    for (uint32_t i = 0; m && i < m->workers * m->workers; i++) {
        void *frame;

        while (m->rings[i] && ring_take(m->rings[i], &frame, 1))
            rte_pktmbuf_free(frame);
        ring_free(m->rings[i]);
    }
    free(m);
}

uint32_t mesh_holds(uint32_t workers, uint32_t size)
{
    /* A lone worker has nobody to pass to, and a queue of its own. */
    return workers > 1 ? workers * workers * size : 0;
}

bool mesh_pass(struct mesh *m, uint32_t from, uint32_t to, struct rte_mbuf *frame)
{
    return ring_put(ring_of(m, from, to), frame);
}

uint32_t mesh_take(struct mesh *m, uint32_t to, struct rte_mbuf **frames_out, uint32_t max)
{
    uint32_t n = 0, share = m->workers > 1 ? max / (m->workers - 1) : 0;

    share = share ? share : 1;
    for (uint32_t from = 0; from < m->workers && n < max; from++) {
        uint32_t room = max - n < share ? max - n : share;

        if (from != to)
            n += ring_take(ring_of(m, from, to), (void **)frames_out + n, room);
    }
    return n;
}

bool mesh_send(struct mesh *m, uint32_t from, struct rte_mbuf *frame)
{
    return ring_put(ring_of(m, from, from), frame);
}

uint32_t mesh_take_out(struct mesh *m, uint32_t from, struct rte_mbuf **frames_out, uint32_t max)
{
    return ring_take(ring_of(m, from, from), (void **)frames_out, max);
}
