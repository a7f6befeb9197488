/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_BODY_H
#define CONTROL_API_API_BODY_H

#include "control/api/api_call.h"

/*
 * A body of JSON as the arguments of the ctl command that does the same. Names that api_field.def
 * has not, names that stand twice, other types and numbers out of range are refused. Depth is
 * bounded before the parser sees it.
 */
enum api_body_kind {
    API_BODY_ACCOUNT,
    API_BODY_PASSWORD,
    API_BODY_DOMAIN,
    API_BODY_ALIAS,
    API_BODY_BAN,
};

enum { API_BODY_DEPTH = 4 };

struct api_body {
    struct ctl_request request; /* arguments behind the first, which is the caller's to set */
    bool secret;                /* a password is among them */
    char fields[256];           /* the names that were given, for the audit log */
    /* Private: */
    json_t *json;
    struct writer text;
};

/* API_FINE: to be released with api_body_fini(). Otherwise `why` says what is wrong, and nothing is
 * held. `whole`: what is left out becomes what api_field.def says. */
enum api_problem api_body_read(struct api_body *body, enum api_body_kind kind, struct span bytes,
                               bool whole, struct writer *why);
void api_body_fini(struct api_body *body);

/* Whether brackets and braces outside of texts are at most `most` deep. */
bool api_body_shallow(struct span bytes, uint32_t most);

#endif
