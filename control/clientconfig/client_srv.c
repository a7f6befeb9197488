/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_config.h"

/*
 * SRV records as lines of a zone file (RFC 1035 section 5.1, RFC 2782):
 *
 *   name " IN SRV " priority " " weight " " port " " target
 *
 * A service that is not offered is said so, by the target "." (RFC 6186 section 3.4). TLS from the
 * first byte on is preferred to STARTTLS (RFC 8314 section 3).
 */
static void put_records(const struct client_config *c, enum client_service service, bool implicit,
                        FILE *out)
{
    const struct client_service_row *row = &client_services[service];
    const char *name = implicit ? row->srv_implicit : row->srv;
    bool any = false;

    for (uint32_t i = 0; i < c->count; i++) {
        if (c->servers[i].service != service || c->servers[i].implicit != implicit)
            continue;
        fprintf(out, "%s._tcp IN SRV %u 1 %u %s.\n", name, row->priority + (implicit ? 0 : 1),
                c->servers[i].port, c->hostname);
        any = true;
    }
    if (!any)
        fprintf(out, "%s._tcp IN SRV 0 0 0 .\n", name);
}

bool client_srv_write(const struct client_config *c, FILE *out)
{
    fprintf(out, "$ORIGIN %s.\n", c->domain);
    for (int s = 0; s < CLIENT_SERVICES; s++) {
        put_records(c, (enum client_service)s, true, out);
        put_records(c, (enum client_service)s, false, out);
    }
    return !ferror(out);
}
