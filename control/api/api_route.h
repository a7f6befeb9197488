/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_ROUTE_H
#define CONTROL_API_API_ROUTE_H

#include "control/directory/token_row.h"

/* Which operation a request means: method and path, against api_route.def. */
enum api_method { API_GET, API_PUT, API_PATCH, API_POST, API_DELETE, API_METHODS };

enum api_operation {
#define API_ROUTE(SYMBOL, METHOD, path, ROLES) API_##SYMBOL,
#include "control/api/api_route.def"
#undef API_ROUTE
    API_OPERATIONS
};

struct api_route {
    uint8_t method; /* enum api_method */
    const char *path;
    uint32_t roles; /* bits by enum token_role; all: nobody needs a token */
};
#define API_ANYBODY UINT32_MAX

extern const struct api_route api_routes[API_OPERATIONS];

enum api_found {
    API_FOUND,
    API_NO_PATH,   /* there is nothing of that path */
    API_BAD_PATH,  /* a segment that cannot be decoded */
    API_NO_METHOD, /* there is, but not with that method */
};

/* Longest decoded segment: an address, or a network. */
enum { API_PARAMETER = 320 };

struct api_match {
    enum api_operation operation;
    uint32_t methods; /* bits by enum api_method that the path has */
    size_t len;       /* of the parameter; 0: the path has none */
    uint8_t parameter[API_PARAMETER];
};

/*
 * path = 1*( "/" segment ) ; as it was sent, not yet decoded
 *
 * A segment is decoded once, and behind the place where paths are cut: an encoded slash is part of
 * it (RFC 3986 section 2.2). HEAD is GET. Segments of one or two dots mean nothing here.
 */
enum api_found api_route_find(struct span method, struct span path, struct api_match *match_out);
/* Whether a token of this role may. */
bool api_route_allows(enum api_operation operation, uint8_t role);
const char *api_method_name(enum api_method method);

/* Decodes "%" HEXDIG HEXDIG (RFC 3986 section 2.1). False: it is cut short, or what comes out has a
 * control character, is not UTF-8 or does not fit. */
bool api_decode(struct span text, struct writer *w);
/* The other way, for a segment: all but unreserved characters and "@". */
void api_encode(struct span bytes, struct writer *w);

#endif
