/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_ZONE_H
#define CONTROL_DNS_DNS_ZONE_H

#include "control/dns/dns_source.h"

/*
 * Answers from a file in master-file form (RFC 1035 section 5) instead of the network: all of the
 * name space is what the file says. Wildcards (RFC 4592) and CNAME records are followed; a name
 * that only has names below it exists and has no data. Delegations are not.
 */
struct dns_zone;

/* NULL: `why` says what is wrong, with the line. */
struct dns_zone *dns_zone_read(const char *path, struct writer *why);
void dns_zone_free(struct dns_zone *z);
/* Answers at once, in the asker's thread. Valid as long as the zone is. */
struct dns_source dns_zone_source(struct dns_zone *z);

#endif
