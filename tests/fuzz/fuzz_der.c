/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DER that libcrypto reads for us: certificates that a tap saw and those of clients that log in by
 * one, and OCSP responses of a file. What we make of it stays within its bounds, is JSON that a
 * library reads, and is the same again.
 */
#include <stdlib.h>

#include "control/tap/tap_certificate.h"
#include "control/tls/tls_certificate.h"
#include "control/tls/tls_identity.h"
#include "proto/address/address.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { NAMES = 101, NOW = 1700000000 };

static void count_name(void *context, struct span name)
{
    uint32_t *count = context;
    uint8_t sum = 0;

    for (size_t i = 0; i < name.len; i++)
        sum ^= name.data[i];
    *count += 1 + (sum & 0); /* each octet was read */
}

static void tell(struct span der)
{
    static struct json_line line;
    uint32_t count = 0;
    json_t *value;

    tap_certificate_names(der, count_name, &count);
    MUST(count <= NAMES);
    json_line_reset(&line);
    tap_certificate_put(&line, der, NOW);
    json_line_end(&line);
    value = json_line_load(&line);
    MUST(value && json_is_string(json_object_get(value, "sha256")));
    MUST(json_array_size(json_object_get(value, "names")) <= NAMES);
    json_decref(value);
}

/* By subject, by digest, by address. */
static struct tls_identities *identities(void)
{
    static char subject[] = "CN=anna,O=example", none[] = "", account[] = "anna@example.test",
                digest[] = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
                           "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
    static struct config_identity items[] = {
        {.subject = subject, .fingerprint = none, .account = account},
        {.subject = none, .fingerprint = digest, .account = account}};
    const struct config_auth config = {
        .certificates = items, .certificates_count = 2, .certificate_email = true};

    return tls_identities_new(&config);
}

static void name(struct span der)
{
    static struct tls_identities *known;
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    uint8_t bytes[2][ADDRESS_KEY_MAX];
    struct writer one = writer_of(bytes[0], sizeof(bytes[0])),
                  two = writer_of(bytes[1], sizeof(bytes[1]));

    if (!known)
        known = identities();
    if (certificate) {
        tls_identities_name(known, certificate, &one);
        tls_identities_name(known, certificate, &two);
        MUST(one.full == two.full && span_equal(writer_span(&one), writer_span(&two)));
    }
    X509_free(certificate);
}

static bool staple(struct tls_certificate *c, struct span der)
{
    BIO *bio = BIO_new_mem_buf(der.data, (int)der.len);
    bool good;

    *c = (struct tls_certificate){0};
    good = tls_certificate_staple(c, bio);
    BIO_free(bio);
    return good;
}

static void read_staple(struct span der)
{
    struct tls_certificate first, again;

    if (staple(&first, der)) {
        MUST(first.staple_len > 0 && first.staple_len < 65536);
        MUST(staple(&again, span_of(first.staple, first.staple_len)));
        MUST(span_equal(span_of(first.staple, first.staple_len),
                        span_of(again.staple, again.staple_len)));
        tls_certificate_fini(&again);
    }
    tls_certificate_fini(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span der = span_of(data, size);

    tell(der);
    name(der);
    read_staple(der);
    return 0;
}
