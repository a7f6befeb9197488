/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_WAIT_H
#define CONTROL_LDAP_LDAP_WAIT_H

#include <lber.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A layer of a connection's Sockbuf, below TLS, that waits for the socket until a moment and not
 * longer; then reading and writing fail. libldap's own timeouts do not reach into a TLS handshake
 * (with GnuTLS that of ldaps:// spins for as long as the server says nothing), nor into a record of
 * which a part has come.
 */
struct ldap_wait {
    uint64_t until_ms; /* monotonic; 0: the layer does nothing */
};

/* Before the socket is connected. The struct must stay until the Sockbuf is gone. */
bool ldap_wait_add(Sockbuf *socket, struct ldap_wait *wait);

#endif
