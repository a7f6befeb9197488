/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SASL_BEARER_H
#define PROTO_SASL_SASL_BEARER_H

#include "proto/base/writer.h"

/* The messages of OAUTHBEARER (RFC 7628) and of XOAUTH2, its predecessor at Google and Microsoft.
 * Spans point into what was read. */

enum {
    SASL_TOKEN_MAX = 8192,  /* octets of a token */
    SASL_REFUSAL_MAX = 520, /* of what a client is told of a refusal */
    SASL_SCOPE_MAX = 160,   /* of the scope in it, and of the URL */
    SASL_DISCOVERY_MAX = 256,
};

struct sasl_bearer {
    struct span identity; /* to act as; OAUTHBEARER: still encoded (gs2_name_read()), maybe empty */
    struct span token;    /* maybe empty: to be refused, and told where tokens come from */
};

/* False: it is no such message. */
bool sasl_oauthbearer_read(struct span message, struct sasl_bearer *bearer_out);
bool sasl_xoauth2_read(struct span message, struct sasl_bearer *bearer_out);

/* A text that may stand in a refusal as it is: printable ASCII without quotes and backslashes. */
bool sasl_refusal_text_good(struct span text);

/* Writes the JSON of a refusal (RFC 7628 section 3.2.2); empty texts are left out. */
void sasl_refusal_put(struct writer *w, const char *status, struct span scope,
                      struct span discovery);

#endif
