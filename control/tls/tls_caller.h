/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_CALLER_H
#define CONTROL_TLS_TLS_CALLER_H

#include "control/tls/tls_handshake.h"
#include "proto/base/writer.h"

/*
 * What the load generator begins handshakes with: a context of OpenSSL's, and the session that was
 * last given to it, which it may resume. One thread's at a time.
 */
struct tls_caller;

struct tls_caller_options {
    const char *name;   /* asked for, and verified with `ca`; NULL: none */
    const char *ca;     /* file of certificates in PEM; NULL: nothing is verified */
    const char *suites; /* OpenSSL's names, with colons between; NULL: all of tls_suite.def */
    uint16_t version;   /* enum tls_version, the only one; 0: both */
    bool resumes;       /* sessions are kept */
};

/* NULL: `why` says what is wrong. Borrows the options' texts. */
struct tls_caller *tls_caller_new(const struct tls_caller_options *options, struct writer *why);
void tls_caller_free(struct tls_caller *client);

/* A handshake; with `resume` it tries the session that is kept, if there is one. NULL: no memory.
 */
struct tls_attempt;
struct tls_attempt *tls_caller_begin(struct tls_caller *client, bool resume);
/* As tls_handshake_feed(), tls_handshake_outcome(), tls_handshake_why(). */
enum tls_step tls_attempt_feed(struct tls_attempt *a, struct span in, struct span *out,
                               uint32_t *taken_out);
const struct tls_outcome *tls_attempt_outcome(const struct tls_attempt *a);
const char *tls_attempt_why(const struct tls_attempt *a);
/* Whether records behind the end are to be heard, until one brings a session;
 * tls_handshake_listen().
 */
bool tls_attempt_listens(const struct tls_attempt *a);
bool tls_attempt_listen(struct tls_attempt *a, struct span record);
void tls_attempt_free(struct tls_attempt *a);

#endif
