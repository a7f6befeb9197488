/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_LOGIN_GUARD_H
#define CONTROL_SERVICE_LOGIN_GUARD_H

#include "control/config/config.h"
#include "proto/base/ip_address.h"
#include "proto/base/span.h"

/*
 * Slows down those who guess passwords, over all connections: remembers wrong ones by account and
 * by client address (IPv6: by /64). A wrong one is to be answered after a wait that doubles with
 * each further one of the same account or address, up to a bound; the waits of one address follow
 * each other, so that many connections gain nothing, and an address that owes more than the longest
 * wait is not judged at all. A right one is never held back, so nobody locks anybody else's
 * account. Each quiet minute forgives one wrong password.
 *
 * Memory: 65536 entries of 40 bytes; of four that share a place the one untouched for longest gives
 * way. Not for several threads at once. Times are monotonic milliseconds.
 */
struct login_guard;

struct login_guard_limits {
    uint32_t delay_ms;     /* wait after the first wrong password; 0: none */
    uint32_t delay_max_ms; /* longest one */
    uint32_t login_ms;     /* least time between two logins of an account; 0: none */
};

/* As the configuration has them. */
struct login_guard_limits login_guard_configured(const struct config *config);

enum { LOGIN_GUARD_PENDING = 4 }; /* logins of one address that wait to be judged */

/* NULL: no memory. `seed` makes places in the table unforeseeable. */
struct login_guard *login_guard_new(uint64_t seed);
void login_guard_free(struct login_guard *guard);
void login_guard_limit(struct login_guard *guard, const struct login_guard_limits *limits);

/* True when a login from there may be judged; one of the next three must follow. False: too many
 * wait, or it owes too much. */
bool login_guard_admit(struct login_guard *guard, const struct ip_address *client, uint64_t now_ms);
/* It was not judged after all. */
void login_guard_drop(struct login_guard *guard, const struct ip_address *client, uint64_t now_ms);
/* It was wrong. Returns for how many milliseconds its answer is to be held back. */
uint32_t login_guard_wrong(struct login_guard *guard, const struct ip_address *client,
                           struct span user, uint64_t now_ms);
/* It was right: what is held against the account is forgotten. False: too soon after the last. */
bool login_guard_right(struct login_guard *guard, const struct ip_address *client, struct span user,
                       uint64_t now_ms);

#endif
