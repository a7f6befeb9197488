/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_guard.h"

/* Networks whose owner is whoever uses them, or that nobody is reached in. */
static const struct {
    const char *network;
    uint8_t bits;
    const char *kind;
} networks[] = {
    {"127.0.0.0", 8, "loopback"},          /* RFC 1122 */
    {"::1", 128, "loopback"},              /* RFC 4291 */
    {"10.0.0.0", 8, "private"},            /* RFC 1918 */
    {"172.16.0.0", 12, "private"},         /* RFC 1918 */
    {"192.168.0.0", 16, "private"},        /* RFC 1918 */
    {"fc00::", 7, "private"},              /* RFC 4193 */
    {"169.254.0.0", 16, "link-local"},     /* RFC 3927 */
    {"fe80::", 10, "link-local"},          /* RFC 4291 */
    {"198.18.0.0", 15, "benchmark"},       /* RFC 2544 */
    {"2001:2::", 48, "benchmark"},         /* RFC 5180 */
    {"192.0.2.0", 24, "documentation"},    /* RFC 5737 */
    {"198.51.100.0", 24, "documentation"}, /* RFC 5737 */
    {"203.0.113.0", 24, "documentation"},  /* RFC 5737 */
    {"2001:db8::", 32, "documentation"},   /* RFC 3849 */
    {"3fff::", 20, "documentation"},       /* RFC 9637 */
};

const char *blast_guard(const struct ip_address *address)
{
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        struct ip_address network;

        if (ip_address_parse(span_text(networks[i].network), &network) &&
            ip_address_inside(address, &network, networks[i].bits))
            return networks[i].kind;
    }
    return NULL;
}
