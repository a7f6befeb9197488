/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_GUARD_H
#define CONTROL_API_API_GUARD_H

#include "control/api/api_call.h"
#include "control/service/login_guard.h"

/*
 * Judges tokens. Wrong ones are slowed down and counted towards bans as wrong passwords are
 * (login_guard.h, ban_list.h), by the client's address. A right one is judged whatever the address
 * owes: 256 random bits are not guessed, and nobody is to lock out who shares an address with them.
 * Clients on loopback may stand for many others behind a proxy, and are not banned. Any thread.
 */
struct api_guard;

enum api_verdict {
    API_TOKEN_GOOD,
    API_TOKEN_MISSING,
    API_TOKEN_WRONG,
    API_TOKEN_THROTTLED, /* wrong, and too many were before */
    API_TOKEN_UNKNOWN,   /* the store cannot say */
};

/* NULL: no memory, or no randomness. */
struct api_guard *api_guard_new(struct ctl_mail *mail, const struct config *config);
void api_guard_free(struct api_guard *guard);
/* From the next token on. */
void api_guard_apply(struct api_guard *guard, const struct config *config);

/* Whether somebody from there is not even to be listened to. */
bool api_guard_bans(struct api_guard *guard, const struct ip_address *client);
/* credentials = "Bearer" 1*SP b64token (RFC 6750 section 2.1). Of a good one name and row are in
 * the call, borrowed from `memory`, TOKEN_ROW octets; of a wrong one *wait_ms_out says for how long
 * its answer is to be held back. */
enum api_verdict api_guard_judge(struct api_guard *guard, struct span credentials,
                                 const struct ip_address *client, uint8_t *memory,
                                 struct api_call *call, uint32_t *wait_ms_out);

#endif
