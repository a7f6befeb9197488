/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_RESULT_H
#define CONTROL_DNS_DNS_RESULT_H

#include "proto/dns/dns_answer.h"

struct ub_result;

enum { DNS_RECORDS_MAX = 512 }; /* of an answer; SPF, DKIM and lists need no more than some tens */

/* What a result of libunbound means. Borrows from the result. More than DNS_RECORDS_MAX records, or
 * more than `bytes_max` bytes of them, are DNS_TOO_LARGE. */
struct dns_answer dns_result_read(const struct ub_result *result, uint32_t bytes_max,
                                  struct span records[DNS_RECORDS_MAX]);

#endif
