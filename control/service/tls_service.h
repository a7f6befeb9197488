/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_TLS_SERVICE_H
#define CONTROL_SERVICE_TLS_SERVICE_H

#include "control/config/config.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * The threads of handshakes (SERVICE_CRYPTO), which alone hold private keys. JOB_TLS_HANDSHAKE is
 * answered with what is to be sent, and at last with the keys of the records; JOB_TLS_END forgets a
 * handshake, finished or not.
 */
struct tls_service;
struct tls_contexts;

/* So many threads, which inherit the caller's CPUs and block all signals. NULL with errno. */
struct tls_service *tls_service_start(struct handoff *handoff, uint32_t threads);
/* What the configuration's handshakes need, its files read now: for tls_service_swap(), or
 * tls_contexts_free(). NULL: lines in `why` say what is wrong. */
struct tls_contexts *tls_service_read(struct tls_service *service, const struct config *config,
                                      struct writer *why);
/* Takes the new contexts. Handshakes that have begun go on with the old ones. Any control thread.
 */
void tls_service_swap(struct tls_service *service, struct tls_contexts *contexts);
/* To be called now and then: warns of certificates that are about to expire, once a day. */
void tls_service_watch(struct tls_service *service);
/* Any thread. */
void tls_service_counters(const struct tls_service *service, const struct counter_sink *sink);
/* Answers what is in the rings, ends the threads. */
void tls_service_stop(struct tls_service *service);

#endif
