/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_SASL_OBSERVER_H
#define PROTO_BASE_SASL_OBSERVER_H

#include "proto/base/span.h"

/*
 * Who logs in, as far as an exchange of RFC 4422 shows it to somebody who only listens: PLAIN (RFC
 * 4616), LOGIN, CRAM-MD5 (RFC 2195), XOAUTH2. Keeps the mechanism's name and the user's, and no
 * secret.
 */
enum { SASL_MECHANISM_MAX = 20 /* RFC 4422 section 3.1 */, SASL_USER_MAX = 64 };

struct sasl_observer {
    uint8_t mechanism_len, user_len;
    uint8_t step; /* responses seen */
    uint8_t mechanism[SASL_MECHANISM_MAX];
    uint8_t user[SASL_USER_MAX]; /* the first so many bytes */
};

/* An exchange begins: the mechanism as it was said. */
void sasl_observer_begin(struct sasl_observer *o, struct span mechanism);
/* The client's next response in base64, an initial one included. */
void sasl_observer_response(struct sasl_observer *o, struct span response);
static inline struct span sasl_observer_mechanism(const struct sasl_observer *o)
{
    return span_of(o->mechanism, o->mechanism_len);
}
/* Empty: not seen. */
static inline struct span sasl_observer_user(const struct sasl_observer *o)
{
    return span_of(o->user, o->user_len);
}

#endif
