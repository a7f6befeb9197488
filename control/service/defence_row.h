/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DEFENCE_ROW_H
#define CONTROL_SERVICE_DEFENCE_ROW_H

#include "control/service/ban_list.h"
#include "control/service/login_guard.h"
#include "proto/base/writer.h"

/*
 * Rows of bans and of addresses that have logged in, beside those of the directory
 * (store_directory.h): a key {kind, name} and a value that begins with the version of its encoding.
 * Integers are big-endian, times are milliseconds since 1970. docs/directory.md has the table.
 */
enum { DEFENCE_ROW_BAN = 'b', DEFENCE_ROW_KNOWN = 'k' };

enum { DEFENCE_ROW_KEY = 18, DEFENCE_ROW_VALUE = 2 + 16 * LOGIN_GUARD_WAYS };
_Static_assert(DEFENCE_ROW_VALUE >= 1 + 1 + 4 + 8 + 8, "of a ban too");

/* Which time is meant by one of the other clock. */
struct defence_clocks {
    uint64_t monotonic_ms, wall_ms; /* now */
};

void defence_row_ban_key(struct writer *w, const struct ip_address *network, uint8_t bits);
void defence_row_put_ban(struct writer *w, const struct defence_clocks *now, const struct ban *ban);
void defence_row_known_key(struct writer *w, uint32_t set);
void defence_row_put_known(struct writer *w, const struct defence_clocks *now,
                           const struct login_known known[LOGIN_GUARD_WAYS]);

/* False where key or value are not such as the writer makes. A ban lasts no longer than it was to,
 * whatever became of the wall clock; times before the machine's start are its start. */
bool defence_row_read_ban_key(struct span key, struct ip_address *network_out, uint8_t *bits_out);
bool defence_row_read_ban(struct span key, struct span value, const struct defence_clocks *now,
                          struct ban *ban_out);
bool defence_row_read_known(struct span key, struct span value, const struct defence_clocks *now,
                            uint32_t *set_out, struct login_known known_out[LOGIN_GUARD_WAYS]);

#endif
