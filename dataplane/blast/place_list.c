/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/place_list.h"

void place_list_append(struct place_list *l, uint32_t at)
{
    *place_list_link(l, at) = (struct place_link){PLACE_NONE, l->last};
    *(l->last == PLACE_NONE ? &l->first : &place_list_link(l, l->last)->next) = at;
    l->last = at;
}

void place_list_push(struct place_list *l, uint32_t at)
{
    *place_list_link(l, at) = (struct place_link){l->first, PLACE_NONE};
    *(l->first == PLACE_NONE ? &l->last : &place_list_link(l, l->first)->prev) = at;
    l->first = at;
}

void place_list_remove(struct place_list *l, uint32_t at)
{
    struct place_link link = *place_list_link(l, at);

    *(link.prev == PLACE_NONE ? &l->first : &place_list_link(l, link.prev)->next) = link.next;
    *(link.next == PLACE_NONE ? &l->last : &place_list_link(l, link.next)->prev) = link.prev;
}

uint32_t place_list_take(struct place_list *l)
{
    uint32_t at = l->first;

    if (at != PLACE_NONE)
        place_list_remove(l, at);
    return at;
}
