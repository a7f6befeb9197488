/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "control/record/record_json.h"
#include "proto/base/writer.h"

enum { NAMES_MAX = 100, NAME_TEXT = 1024, SERIAL_MAX = 64 };

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

/* ---- what is told of one ---- */

/* A distinguished name as RFC 4514 writes it. */
static void put_distinguished(struct json_line *l, const char *key, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &text);
    json_line_peer(l, key, span_head(span_of(text, len > 0 ? (size_t)len : 0), NAME_TEXT));
    BIO_free(bio);
}

static void put_address(struct json_line *l, struct span bytes)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (bytes.len == 4 || bytes.len == 16)
        inet_ntop(bytes.len == 4 ? AF_INET : AF_INET6, bytes.data, text, sizeof(text));
    json_line_text(l, NULL, text);
}

static void put_names(struct json_line *l, const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    json_line_open(l, "names", '[');
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

        if (n->type == GEN_DNS || n->type == GEN_EMAIL)
            json_line_peer(l, NULL, text_of(n->d.ia5));
        else if (n->type == GEN_IPADD)
            put_address(l, text_of(n->d.iPAddress));
    }
    json_line_close(l, ']');
    GENERAL_NAMES_free(names);
}

/* Seconds since 1970; before that 0. */
static uint64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    time_t at = time && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;

    return at > 0 ? (uint64_t)at : 0;
}

static void put_hex(struct json_line *l, const char *key, struct span bytes)
{
    char text[2 * SERIAL_MAX];
    struct writer w = writer_of(text, sizeof(text));

    for (size_t i = 0; i < bytes.len; i++)
        writer_hex(&w, bytes.data[i], 2);
    json_line_peer(l, key, writer_span(&w));
}

static void put_key(struct json_line *l, X509 *x)
{
    const EVP_PKEY *key = X509_get0_pubkey(x);
    const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;

    json_line_text(l, "key", kind ? kind : "unknown");
    json_line_number(l, "key_bits", key ? (uint64_t)EVP_PKEY_get_bits(key) : 0);
}

static void put_certificate(struct json_line *l, X509 *x, uint64_t now)
{
    uint64_t from = seconds_of(X509_get0_notBefore(x)), to = seconds_of(X509_get0_notAfter(x));

    put_distinguished(l, "subject", X509_get_subject_name(x));
    put_distinguished(l, "issuer", X509_get_issuer_name(x));
    put_names(l, x);
    record_json_put_time(l, "not_before", from * 1000);
    record_json_put_time(l, "not_after", to * 1000);
    json_line_bool(l, "valid", from <= now && now <= to);
    put_hex(l, "serial", text_of(X509_get0_serialNumber(x)));
    put_key(l, x);
}

void tap_certificate_put(struct json_line *l, struct span der, uint64_t now)
{
    const unsigned char *at = der.data;
    X509 *x = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    json_line_open(l, NULL, '{');
    EVP_Digest(der.data, der.len, digest, &len, EVP_sha256(), NULL);
    put_hex(l, "sha256", span_of(digest, len));
    if (x)
        put_certificate(l, x, now);
    json_line_close(l, '}');
    X509_free(x);
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
