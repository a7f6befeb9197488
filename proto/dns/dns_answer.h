/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DNS_DNS_ANSWER_H
#define PROTO_DNS_DNS_ANSWER_H

#include "proto/dns/dns_name.h"

/* What is asked of DNS, and what comes back. Who asks knows nothing of servers, caches or threads;
 * who answers follows CNAME records and validates. */

/* Types of records (RFC 1035 section 3.2.2, RFC 3596 section 2.1). */
enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
};

enum dns_outcome {
#define ROW(name, word, what) DNS_##name,
#include "proto/dns/dns_outcome.def"
#undef ROW
    DNS_OUTCOMES
};

/* "nxdomain" and so on, for events and metrics. */
const char *dns_outcome_word(enum dns_outcome outcome);
const char *dns_outcome_what(enum dns_outcome outcome);
/* "TXT"; "TYPE99" for a type without a name here. At most 9 bytes. */
void dns_type_put(struct writer *w, uint16_t type);

struct dns_question {
    uint16_t type;
    struct dns_name name;
};

/* Borrowed: valid only until whoever is handed it returns. */
struct dns_answer {
    enum dns_outcome outcome;
    bool secure;                /* DNSSEC proved it */
    uint32_t ttl;               /* seconds */
    uint32_t count;             /* of records; 0 unless the outcome is DNS_ANSWER */
    const struct span *records; /* RDATA of the type that was asked for, names not compressed */
};

/* True for the two outcomes that say, as a fact, that there are no such records. */
static inline bool dns_answer_void(const struct dns_answer *a)
{
    return a->outcome == DNS_NO_DATA || a->outcome == DNS_NXDOMAIN ||
           (a->outcome == DNS_ANSWER && a->count == 0);
}

/* True when it is not known whether there are records. */
static inline bool dns_answer_error(const struct dns_answer *a)
{
    return a->outcome != DNS_ANSWER && !dns_answer_void(a);
}

/*
 * Each reads the RDATA of one record whole; false: it is not of that form. Other people's bytes, of
 * any length.
 */
bool dns_read_address(uint16_t type, struct span rdata, struct ip_address *address_out);
/* PTR and CNAME. */
bool dns_read_name(struct span rdata, struct dns_name *name_out);
bool dns_read_mx(struct span rdata, uint16_t *preference_out, struct dns_name *name_out);
/* The strings of a TXT record one behind the other (RFC 7208 section 3.3, RFC 6376
 * section 3.6.2.2). False also when they do not fit. */
bool dns_read_text(struct span rdata, struct writer *w);

#endif
