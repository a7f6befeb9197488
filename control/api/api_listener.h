/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_LISTENER_H
#define CONTROL_API_API_LISTENER_H

#include "control/api/api_http.h"

/*
 * A listener: its socket, and the daemon of libmicrohttpd's that has it now. With other
 * certificates another daemon takes the socket; the one before answers those that it has, and ends.
 */
enum { API_RETIRED = 64 };

struct api_listener {
    const struct api_http *http;
    int fd;
    struct MHD_Daemon *daemon;
    char *certificate, *key; /* as they were read; NULL: in the clear */
};

/* Binds and listens. False with errno. */
bool api_listener_open(struct api_listener *listener, const struct config_api_listener *config,
                       const struct api_http *http);
/* Serves from now on, with the certificate as it is now. Threads inherit the caller's CPUs and
 * block all signals. False: a log line says why, and what was there before goes on; *retired_out is
 * the daemon before, or NULL, which is to be ended once it has no connections. */
bool api_listener_serve(struct api_listener *listener, const struct config_api_listener *config,
                        const struct config_api *limits, struct MHD_Daemon **retired_out);
void api_listener_close(struct api_listener *listener);

/* What is wrong with certificates and keys, as lines in `why`. */
bool api_listener_check(const struct config *config, struct writer *why);

#endif
