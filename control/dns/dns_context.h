/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_CONTEXT_H
#define CONTROL_DNS_DNS_CONTEXT_H

#include "control/dns/dns_resolver.h"

struct ub_ctx;

/* libunbound, set up. NULL: `why` says what is wrong. */
struct ub_ctx *dns_context_new(const struct dns_settings *settings, struct writer *why);
/* Reads the address of a server: "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT", of port 53 unless
 * said. False: it is none. */
bool dns_context_server(const char *text, struct dns_server *server_out);

#endif
