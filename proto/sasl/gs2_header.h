/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_GS2_HEADER_H
#define PROTO_SASL_GS2_HEADER_H

#include "proto/base/writer.h"

/* What messages of SCRAM and of OAUTHBEARER begin with (RFC 5801 section 4). Spans point into what
 * was read. */
struct gs2_header {
    char flag; /* of channel binding: 'n' the client has none, 'y' it has, and thinks that we
                  have not, 'p' the binding is of the type `binding` */
    struct span binding;  /* the type's name */
    struct span identity; /* to act as, still encoded; empty: the user's own */
    struct span text;     /* all of it, its commas included */
};

/* Takes the header from the front of the message. False: there is none. */
bool gs2_header_read(struct span *message, struct gs2_header *header_out);

/* Writes a name with "=2C" and "=3D" decoded. False: another "=" stands in it, or a comma, or it
 * does not fit. */
bool gs2_name_read(struct span name, struct writer *w);

#endif
