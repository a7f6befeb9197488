/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_identity.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { FINGERPRINT = 32, SUBJECT_MAX = 1024 };

struct identity {
    bool by_subject;
    uint8_t fingerprint[FINGERPRINT];
    char *subject, *account;
};

struct tls_identities {
    bool email;
    uint32_t count;
    struct identity *items;
};

static void read_fingerprint(const char *text, uint8_t out[FINGERPRINT])
{
    static const char digits[] = "0123456789abcdef";
    int n = 0;

    for (; *text && n < 2 * FINGERPRINT; text++) {
        const char *digit = strchr(digits, *text | 32);

        if (*text == ':' || !digit)
            continue;
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | (digit - digits));
        n++;
    }
}

struct tls_identities *tls_identities_new(const struct config_auth *config)
{
    struct tls_identities *s = calloc(1, sizeof(*s));

    if (s)
        s->items = calloc((size_t)config->certificates_count + 1, sizeof(*s->items));
    if (!s || !s->items) {
        free(s);
        return NULL;
    }
    s->email = config->certificate_email;
    for (; s->count < config->certificates_count; s->count++) {
        const struct config_identity *c = &config->certificates[s->count];
        struct identity *item = &s->items[s->count];

        item->by_subject = c->subject[0] != 0;
        read_fingerprint(c->fingerprint, item->fingerprint);
        item->subject = strdup(c->subject);
        item->account = strdup(c->account);
        if (!item->subject || !item->account) {
            s->count++;
            tls_identities_free(s);
            return NULL;
        }
    }
    return s;
}

void tls_identities_free(struct tls_identities *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        free(s->items[i].subject);
        free(s->items[i].account);
    }
    free(s->items);
    free(s);
}

static int place(void)
{
    static int index = -1;

    /* One thread makes contexts at a time. */
    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

void tls_identities_use(const struct tls_identities *s, SSL_CTX *context)
{
    SSL_CTX_set_ex_data(context, place(), (void *)(uintptr_t)s);
}

/* As RFC 2253 writes it; empty when it is longer than any that can be configured. */
static void put_subject(X509 *certificate, char text[SUBJECT_MAX + 1])
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;

    text[0] = 0;
    if (out && X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
        len = BIO_get_mem_data(out, &data);
    if (len > 0 && len <= SUBJECT_MAX && !memchr(data, 0, (size_t)len)) {
        memcpy(text, data, (size_t)len);
        text[len] = 0;
    }
    BIO_free(out);
}

static const char *find_item(const struct tls_identities *s, X509 *certificate)
{
    char subject[SUBJECT_MAX + 1];
    uint8_t fingerprint[EVP_MAX_MD_SIZE];

    if (s->count == 0 || X509_digest(certificate, EVP_sha256(), fingerprint, NULL) != 1)
        return NULL;
    put_subject(certificate, subject);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct identity *item = &s->items[i];

        if (item->by_subject ? strcmp(item->subject, subject) == 0
                             : memcmp(item->fingerprint, fingerprint, FINGERPRINT) == 0)
            return item->account;
    }
    return NULL;
}

/* The first rfc822Name of subjectAltName (RFC 5280 section 4.2.1.6). */
static void put_email(X509 *certificate, struct writer *address)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_EMAIL)
            continue;
        writer_span_put(address, span_of(ASN1_STRING_get0_data(name->d.rfc822Name),
                                         (size_t)ASN1_STRING_length(name->d.rfc822Name)));
        break;
    }
    GENERAL_NAMES_free(names);
}

void tls_identities_name(const struct tls_identities *s, X509 *certificate, struct writer *address)
{
    const char *account = find_item(s, certificate);

    if (account)
        writer_text(address, account);
    else if (s->email)
        put_email(certificate, address);
    ERR_clear_error();
}

void tls_identities_find(SSL *ssl, struct writer *address)
{
    const struct tls_identities *s = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place());
    X509 *certificate = SSL_get0_peer_certificate(ssl);

    /* A session that is resumed was verified when it began. */
    if (s && certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0)
        tls_identities_name(s, certificate, address);
}
