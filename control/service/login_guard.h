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
 * wait is not judged at all. So do those of an account, which takes what LOGIN_GUARD_SHARES
 * addresses may owe: who guesses from very many has one account's waits to share. Each quiet minute
 * forgives one wrong password. A name is a name, whether anybody has it or not.
 *
 * Nobody locks an account's owner out: an address that has logged in to the account is judged
 * whatever the account owes, and its own wrong passwords do not count against the account. From
 * another address the owner has to find a moment in which the account owes no more than it may; one
 * address that guesses leaves them always. What an account owes never comes to more than
 * LOGIN_GUARD_SHARES * (LOGIN_GUARD_PENDING + 1) of the longest waits.
 *
 * Memory: 65536 entries of 40 bytes for wrong ones, 16384 of 16 for who has logged in; of four that
 * share a place the one untouched for longest gives way, and only a right password gets a place
 * among the latter. Any thread. Times are monotonic milliseconds.
 */
struct login_guard;

struct login_guard_limits {
    uint32_t delay_ms;     /* wait after the first wrong password; 0: none */
    uint32_t delay_max_ms; /* longest one */
    uint32_t login_ms;     /* least time between two logins of an account; 0: none */
};

/* As the configuration has them. */
struct login_guard_limits login_guard_configured(const struct config *config);

/* Logins of one address that wait to be judged; and how many addresses' worth of them, and of
 * waits, an account takes. */
enum { LOGIN_GUARD_PENDING = 4, LOGIN_GUARD_SHARES = 4 };

/* NULL: no memory. `secret` makes places in the table unforeseeable, and the names of addresses
 * that have logged in: those that were kept are known again by the same one alone. */
struct login_guard *login_guard_new(const uint8_t secret[16]);
void login_guard_free(struct login_guard *guard);
void login_guard_limit(struct login_guard *guard, const struct login_guard_limits *limits);

/* True when a login from there may be judged; one of the next three must follow, with the same
 * client and user. Who is not known by name yet (`user` is empty) counts by address alone. False:
 * too many wait, or one of them owes too much. */
bool login_guard_admit(struct login_guard *guard, const struct ip_address *client, struct span user,
                       uint64_t now_ms);
/* It was not judged after all. */
void login_guard_drop(struct login_guard *guard, const struct ip_address *client, struct span user,
                      uint64_t now_ms);
/* It was wrong. Returns for how many milliseconds its answer is to be held back. */
uint32_t login_guard_wrong(struct login_guard *guard, const struct ip_address *client,
                           struct span user, uint64_t now_ms);
/* It was right, and let into `account`, which is `user` or comes out last. From an address that had
 * not logged in to the account, what is held against the account is forgotten: it was its owner who
 * looked for the password. False: too soon after the last. */
bool login_guard_right(struct login_guard *guard, const struct ip_address *client, struct span user,
                       struct span account, uint64_t now_ms);

/* ---- addresses that have logged in, over a restart ---- */

enum { LOGIN_GUARD_WAYS = 4, LOGIN_GUARD_SETS = 4096 };

/* An address and an account that it has logged in to: their name under the secret. */
struct login_known {
    uint64_t key; /* 0: nobody */
    uint64_t login_ms;
};

/* Those that share a place, by the first number from *set_io on where somebody came since this was
 * asked last, or has logged in again after an hour. False: there are no more. */
bool login_guard_changed(struct login_guard *guard, uint32_t *set_io,
                         struct login_known known_out[LOGIN_GUARD_WAYS]);
/* What was taken by it could not be kept. */
void login_guard_unkept(struct login_guard *guard, uint32_t set);
/* Puts back what was kept, before the first login. */
void login_guard_restore(struct login_guard *guard, uint32_t set,
                         const struct login_known known[LOGIN_GUARD_WAYS]);

#endif
