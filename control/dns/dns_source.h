/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_SOURCE_H
#define CONTROL_DNS_DNS_SOURCE_H

#include "proto/dns/dns_answer.h"

/*
 * Whoever answers questions: the network (dns_resolver.h), a zone file (dns_zone.h), a test. The
 * answer is borrowed for the call.
 */
typedef void dns_done(void *asker, const struct dns_answer *answer);

struct dns_source {
    /*
     * Asks; borrows the question for the call. `done` is called once, from any thread, maybe before
     * this returns, and not much later than `deadline` (monotonic nanoseconds): then with
     * DNS_TIMEOUT.
     */
    void (*ask)(void *context, const struct dns_question *question, uint64_t deadline,
                dns_done *done, void *asker);
    void *context;
};

#endif
