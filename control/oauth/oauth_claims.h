/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_OAUTH_CLAIMS_H
#define CONTROL_OAUTH_OAUTH_CLAIMS_H

#include "control/config/config.h"
#include "control/oauth/jwt.h"

/* What a token that is an issuer's must say of itself (RFC 7519 section 4.1, RFC 7662 section 2.2).
 */

enum oauth_verdict {
    OAUTH_GOOD,
    OAUTH_WRONG,   /* it is not to be taken */
    OAUTH_SCOPE,   /* it is good, but not for this */
    OAUTH_UNKNOWN, /* nobody can say now */
    OAUTH_WAITS,   /* who is to say has to be asked, which takes time */
};

enum { OAUTH_IDENTITY_MAX = 512 };

struct oauth_claims_rule {
    const struct config_issuer *issuer; /* borrowed */
    double now, skew;                   /* seconds since 1970, seconds */
    bool asked; /* the issuer itself has said these: what they need not name is not missed */
};

/* GOOD: the identity, as the claim has it and with the issuer's domain behind it where it has none,
 * in `identity`, and when the token ends, seconds since 1970, in *end_out. */
enum oauth_verdict oauth_claims_check(const struct oauth_claims_rule *rule, const json_t *claims,
                                      struct writer *identity, double *end_out);

#endif
