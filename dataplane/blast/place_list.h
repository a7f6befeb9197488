/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_PLACE_LIST_H
#define DATAPLANE_BLAST_PLACE_LIST_H

#include <stddef.h>
#include <stdint.h>

/*
 * Places of a table in an order: the free ones, or those in use by how long they wait. A list knows
 * its members by their index; where their links are, in a table of anything, it is told at the
 * start. A place is on one list at a time for each of its links.
 */
#define PLACE_NONE UINT32_MAX

struct place_link {
    uint32_t next, prev;
};

struct place_list {
    uint8_t *links; /* of place 0 */
    size_t stride;  /* bytes from one place's link to the next one's */
    uint32_t first, last;
};

/* Empty; `link` is the link of place 0 in a table whose rows have `stride` bytes. */
static inline struct place_list place_list_of(struct place_link *link, size_t stride)
{
    return (struct place_list){(uint8_t *)link, stride, PLACE_NONE, PLACE_NONE};
}

static inline struct place_link *place_list_link(const struct place_list *l, uint32_t at)
{
    return (struct place_link *)(void *)(l->links + at * l->stride);
}

void place_list_append(struct place_list *l, uint32_t at);
/* At the front: what came back last is taken first, while it is in cache. */
void place_list_push(struct place_list *l, uint32_t at);
void place_list_remove(struct place_list *l, uint32_t at);
/* Takes the first one out; PLACE_NONE when it is empty. */
uint32_t place_list_take(struct place_list *l);

#endif
