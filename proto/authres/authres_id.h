/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_AUTHRES_AUTHRES_ID_H
#define PROTO_AUTHRES_AUTHRES_ID_H

#include "proto/base/span.h"

/*
 * Whether the value of an Authentication-Results field (RFC 8601 section 2.2) carries this
 * authserv-id, in any case of letters. `value` may be folded, and may be no such value at all: then
 * what stands where an authserv-id would is what counts, so that nothing that some reader takes for
 * ours is missed.
 *
 *   authres-header-field = "Authentication-Results:" authres-payload
 *   authres-payload      = [CFWS] authserv-id [ CFWS authres-version ] ...
 *   authserv-id          = value          ; RFC 2045's token, or a quoted string
 */
bool authres_is_of(struct span value, struct span authserv_id);

#endif
