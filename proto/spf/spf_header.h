/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SPF_SPF_HEADER_H
#define PROTO_SPF_SPF_HEADER_H

#include "proto/spf/spf_check.h"

/* What a check that is done is told by in a message's header. */

enum { SPF_HEADER_MAX = 6144 }; /* bytes of a field: no check needs more */

/*
 * The field "Received-SPF" (RFC 7208 section 9.1), folded, with its last CRLF. `receiver` names who
 * checked; `helo` says which identity it was. What a peer wrote is quoted, and printable.
 */
void spf_header_received(struct writer *w, const struct spf_check *c, struct span receiver,
                         bool helo);
/* The field "Authentication-Results" (RFC 8601 section 2.2) with this one result. */
void spf_header_results(struct writer *w, const struct spf_check *c, struct span authserv_id,
                        bool helo);

#endif
