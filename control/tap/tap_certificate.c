/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_certificate.h"

#include <openssl/x509v3.h>

#include "proto/tls/tls_hello.h"

enum { NAMES_MAX = 100 };

const char *tap_tls_version(uint16_t version)
{
    return tls_hello_version_name(version);
}

static struct span text_of(const ASN1_STRING *s)
{
    return span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static struct span common_name(X509 *x)
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return at < 0 ? span_of(NULL, 0)
                  : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void names_of(X509 *x, void (*name)(void *context, struct span name), void *context)
{
    struct span common = common_name(x);
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    if (common.len)
        name(context, common);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

        if (n->type == GEN_DNS && !span_equal(text_of(n->d.dNSName), common))
            name(context, text_of(n->d.dNSName));
    }
    GENERAL_NAMES_free(names);
}

void tap_certificate_names(struct span der, void (*name)(void *context, struct span name),
                           void *context)
{
    const unsigned char *at = der.data;
    X509 *x = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;

    if (x)
        names_of(x, name, context);
    X509_free(x);
}
