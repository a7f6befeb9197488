/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_OAUTH_H
#define CONTROL_OAUTH_OAUTH_H

#include "control/oauth/oauth_issuer.h"

/* The issuers of a configuration: whose is a bearer token? Any thread. */
struct oauth;

/* Held once. NULL: lines in `why`, or no memory. */
struct oauth *oauth_new(const struct config_oauth *config, struct writer *why);
/* What is wrong with a configuration's files, as lines in `why`. */
bool oauth_files_good(const struct config_oauth *config, struct writer *why);
void oauth_hold(struct oauth *oauth);
/* Frees it with the last holder. NULL is nothing to free. */
void oauth_drop(struct oauth *oauth);

/*
 * GOOD: `identity`, of OAUTH_IDENTITY_MAX octets, has whose it is. Without `http` nothing is waited
 * for: OAUTH_WAITS says that it must be asked once more with it. Bound: one request and one fetch
 * of keys for each issuer.
 */
enum oauth_verdict oauth_check(struct oauth *oauth, struct span token, struct oauth_http *http,
                               struct writer *identity);

#endif
