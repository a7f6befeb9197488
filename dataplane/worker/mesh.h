/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_MESH_H
#define DATAPLANE_WORKER_MESH_H

#include <rte_mbuf.h>

#include "dataplane/handoff/ring.h"

/*
 * A ring from every worker to every other, for frames that belong there, and one from every worker to the one
 * that owns its transmit queue, where the port has fewer queues than there are workers. One producer and one
 * consumer each; a full ring means that the frame is dropped by who wanted to pass it. Never a lock.
 */
struct mesh;

/* Rings of at least `size` frames. NULL: no memory. */
struct mesh *mesh_new(uint32_t workers, uint32_t size);
/* All workers have stopped; frees the frames that are left. */
void mesh_free(struct mesh *mesh);
/* Frames that all rings together may hold, for the pool's size. */
uint32_t mesh_holds(uint32_t workers, uint32_t size);

/* False when full: the frame stays the caller's. */
bool mesh_pass(struct mesh *mesh, uint32_t from, uint32_t to, struct rte_mbuf *frame);
/* Up to `max` frames for `to`, a fair share from each of the others. */
uint32_t mesh_take(struct mesh *mesh, uint32_t to, struct rte_mbuf **frames_out, uint32_t max);
/* The way out for a worker without a queue; taken by the queue's owner. */
bool mesh_send(struct mesh *mesh, uint32_t from, struct rte_mbuf *frame);
uint32_t mesh_take_out(struct mesh *mesh, uint32_t from, struct rte_mbuf **frames_out, uint32_t max);

#endif
