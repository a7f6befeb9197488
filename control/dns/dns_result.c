/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_result.h"

#include <unbound.h>

enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };

struct dns_answer dns_result_read(const struct ub_result *result, uint32_t bytes_max,
                                  struct span records[DNS_RECORDS_MAX])
{
    struct dns_answer a = {.outcome = DNS_ANSWER,
                           .secure = result->secure,
                           .ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0,
                           .records = records};
    size_t bytes = 0;

    if (result->bogus)
        return (struct dns_answer){.outcome = DNS_BOGUS};
    if (result->rcode == RCODE_NXDOMAIN || result->nxdomain)
        a.outcome = DNS_NXDOMAIN;
    else if (result->rcode == RCODE_SERVFAIL)
        a.outcome = DNS_SERVFAIL;
    else if (result->rcode == RCODE_REFUSED)
        a.outcome = DNS_REFUSED;
    else if (result->rcode != RCODE_NOERROR)
        a.outcome = DNS_FAILED;
    else if (!result->havedata)
        a.outcome = DNS_NO_DATA;
    if (a.outcome != DNS_ANSWER)
        return a;
    for (int i = 0; result->data[i]; i++) {
        if (a.count < DNS_RECORDS_MAX)
            records[a.count++] = span_of(result->data[i], (size_t)result->len[i]);
        else
            bytes = bytes_max;
        bytes += (size_t)result->len[i];
        if (bytes > bytes_max)
            return (struct dns_answer){.outcome = DNS_TOO_LARGE};
    }
    return a;
}
