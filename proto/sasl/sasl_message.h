/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SASL_MESSAGE_H
#define PROTO_SASL_SASL_MESSAGE_H

#include "proto/base/writer.h"

/* What clients say in one response, taken apart. Spans point into what was given. */

enum {
    SASL_NAME_MAX = 255,     /* octets of an identity or a name (RFC 4616 section 2) */
    SASL_PASSWORD_MAX = 512, /* of a password */
};

/*
 * Decodes base64 with its padding (RFC 4648 section 4), strictly: RFC 4954 section 4 has whatever
 * else refused. False: it is none, or does not fit.
 */
bool sasl_base64_read(struct span text, struct writer *w);

struct sasl_plain {
    struct span identity; /* to act as; empty: the user's own */
    struct span user, password;
};

/* False: it is no message of PLAIN, or something in it is longer than the bounds above. */
bool sasl_plain_read(struct span message, struct sasl_plain *plain_out);

/* A name or a password as LOGIN sends it: UTF-8 without NUL, not empty, within `max` octets. */
bool sasl_word_good(struct span word, size_t max);

#endif
