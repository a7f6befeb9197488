/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_HTTP_H
#define CONTROL_API_API_HTTP_H

#include <microhttpd.h>

#include "control/api/api_clients.h"
#include "control/api/api_guard.h"

/*
 * Between libmicrohttpd and the operations: a request's head is judged (path, method, token, type
 * and size of the body) before any of its body is taken in; of what is refused there a
 * short body is thrown away, and a long one ends the connection. Each connection has a thread of its own.
 */
enum { API_STATUSES = 18 };

struct api_http {
    struct api_context context;
    struct api_guard *guard;
    struct api_clients *clients;
    /* May change with a configuration. */
    _Atomic uint64_t body_size, import_size, request_ms, idle_ms;
    /* Counted by any thread. */
    _Atomic uint64_t answered[API_STATUSES]; /* by api_http_statuses[] */
    _Atomic uint64_t wrong, throttled, refused_clients, late;
    _Atomic uint64_t imported, lines_refused;
};

extern const uint16_t api_http_statuses[API_STATUSES]; /* the last is 0: any other */

/* Callbacks of libmicrohttpd's, whose context is the struct api_http. */
enum MHD_Result api_http_accept(void *http, const struct sockaddr *address, socklen_t len);
enum MHD_Result api_http_serve(void *http, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **request);
void api_http_completed(void *http, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code);
void api_http_connection(void *http, struct MHD_Connection *connection, void **client,
                         enum MHD_ConnectionNotificationCode code);
/* Leaves text as it was sent: api_route.h decodes it, once. */
size_t api_http_undecoded(void *http, struct MHD_Connection *connection, char *text);

#endif
