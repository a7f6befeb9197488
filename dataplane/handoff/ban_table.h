/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_BAN_TABLE_H
#define DATAPLANE_HANDOFF_BAN_TABLE_H

#include "proto/base/ip_address.h"

/*
 * Networks that are banned until a time, looked up by every worker as a connection begins and
 * changed by control. Fixed memory, no lock: a place changes word by word, and who reads it
 * meanwhile finds the ban or does not.
 *
 * Who writes what: one control thread at a time all of it; workers only read. A place that is free
 * costs nothing, and where nobody is banned a look is three words.
 */
struct ban_table;

#define BAN_FOR_EVER UINT64_MAX

/* Room for `bans`, rounded up, and more so that places are found. `secret` is random and copied:
 * who does not know it cannot choose what shares a line. NULL: no memory. */
struct ban_table *ban_table_new(uint32_t bans, const uint8_t secret[16]);
void ban_table_free(struct ban_table *t);
/* Bans until `until_ms` (monotonic; BAN_FOR_EVER) the network of the first `bits` of 128. One that
 * is there already gets another end. False: all its places are taken by others. */
bool ban_table_put(struct ban_table *t, const struct ip_address *network, uint8_t bits,
                   uint64_t until_ms, uint64_t now_ms);
void ban_table_remove(struct ban_table *t, const struct ip_address *network, uint8_t bits);
/* The address lies in a network that is banned. Bound: two cache lines for each length of a prefix
 * that there is. */
bool ban_table_has(const struct ban_table *t, const struct ip_address *address, uint64_t now_ms);

#endif
