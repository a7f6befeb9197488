/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_OAUTH_HTTP_H
#define CONTROL_OAUTH_OAUTH_HTTP_H

#include "proto/base/span.h"

/* Requests to a provider, by libcurl; one thread's, which waits for the answer. */
struct oauth_http;

enum { OAUTH_BODY_MAX = 262144 }; /* octets of an answer */

struct oauth_request {
    const char *url;
    const char *ca;   /* a file; empty: the system's */
    const char *form; /* sent by POST; NULL: GET */
    const char *user; /* for HTTP's basic authentication; NULL: none */
    const char *password;
    uint32_t timeout_ms; /* for all of it */
};

/* Once, before any thread that uses it. False: no memory. */
bool oauth_http_start(void);
/* NULL: no memory. */
struct oauth_http *oauth_http_new(void);
void oauth_http_free(struct oauth_http *http);
/* Of an answer with status 200 the body, valid until the next request. No data: there was none, and
 * the text says why. Redirects are not followed. */
struct span oauth_http_ask(struct oauth_http *http, const struct oauth_request *request,
                           char why[256]);
/* The text as it may stand in a form; NULL: no memory. To be freed with oauth_http_give(). */
char *oauth_http_escape(struct oauth_http *http, struct span text);
void oauth_http_give(char *text);

#endif
