/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_FINGERPRINT_H
#define PROTO_TLS_TLS_FINGERPRINT_H

#include "proto/base/writer.h"
#include "proto/tls/tls_hello.h"

/*
 * Texts that tell one kind of client or server from another by their hellos; who wants the
 * fingerprint itself takes a digest of them. Values of GREASE (RFC 8701) are left out of all.
 *
 * JA3 and JA3S, as published by Salesforce: decimal numbers, "-" within a field, "," between them;
 * the fingerprint is MD5 of the text.
 *
 *   JA3 = version "," suites "," extensions "," groups "," point-formats   ; in the hello's order
 *   JA3S = version "," suite "," extensions
 *
 * JA4, as published by FoxIO (BSD license; that of servers, JA4S, is under another one, and is not
 * here):
 *
 *   JA4 = head "_" SHA-256(suites) "_" SHA-256(extensions)      ; 12 digits of each, or 12 zeros
 *                                                               ; where the list is empty
 *   head = "t" version SNI suites-count extensions-count ALPN
 *   suites = 4HEXDIG *("," 4HEXDIG)                             ; sorted
 *   extensions = the same of those but the name and ALPN, and where there are signature algorithms
 *                "_" and those in the hello's order
 *
 * Where a list has more than TLS_FINGERPRINT_MOST values there is none: the writers are then full.
 */
enum {
    TLS_FINGERPRINT_MOST = 1024,                /* values of a list */
    TLS_FINGERPRINT_ROOM = 3 * 6 * 1024 + 1024, /* bytes of any of the texts */
};

void tls_fingerprint_ja3(struct writer *w, const struct tls_hello *client);
void tls_fingerprint_ja3s(struct writer *w, const struct tls_hello *server);
void tls_fingerprint_ja4_head(struct writer *w, const struct tls_hello *client);
void tls_fingerprint_ja4_suites(struct writer *w, const struct tls_hello *client);
void tls_fingerprint_ja4_extensions(struct writer *w, const struct tls_hello *client);

#endif
