/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SASL_MECHANISM_H
#define PROTO_SASL_SASL_MECHANISM_H

#include "proto/base/writer.h"

/* The table of mechanisms (RFC 4422). */
enum sasl_mechanism {
#define SASL_MECHANISM(NAME, name, family, hash, needs) SASL_##NAME,
#include "proto/sasl/sasl_mechanism.def"
#undef SASL_MECHANISM
    SASL_MECHANISMS
};

enum sasl_family {
    SASL_FAMILY_PLAIN,
    SASL_FAMILY_LOGIN,
    SASL_FAMILY_SCRAM,
    SASL_FAMILY_EXTERNAL,
    SASL_FAMILY_OAUTHBEARER,
    SASL_FAMILY_XOAUTH2,
};

/* What a connection must have for a mechanism: bits. */
enum sasl_need {
    SASL_NEEDS_NOTHING = 0,
    SASL_NEEDS_BINDING = 1,     /* octets that bind an exchange to the connection (RFC 5056) */
    SASL_NEEDS_CERTIFICATE = 2, /* one of the client's that was verified, and tells who it is */
    SASL_NEEDS_TLS = 4,
    SASL_CONNECTIONS = 8, /* sets of them that there are */
};

enum scram_hash { SCRAM_NONE, SCRAM_SHA1, SCRAM_SHA256, SCRAM_HASHES };

struct sasl_mechanism_row {
    const char *name;
    uint8_t family; /* enum sasl_family */
    uint8_t hash;   /* enum scram_hash */
    uint8_t needs;  /* bits of enum sasl_need */
};

const struct sasl_mechanism_row *sasl_mechanism_row(enum sasl_mechanism mechanism);

/* The bit of a mechanism in a set of them. */
static inline uint32_t sasl_mechanism_bit(enum sasl_mechanism mechanism)
{
    return UINT32_C(1) << mechanism;
}

/* Those of the set whose needs are among `has`. */
uint32_t sasl_mechanisms_possible(uint32_t set, uint32_t has);

/* The mechanism of that name, in any case, if it is in the set; else SASL_MECHANISMS. */
enum sasl_mechanism sasl_mechanism_find(struct span name, uint32_t offered);

/* Writes the names of the set, a space before each. */
void sasl_mechanism_put(struct writer *w, uint32_t offered);

#endif
