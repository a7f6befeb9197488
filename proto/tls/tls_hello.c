/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_hello.h"

/* The random of a HelloRetryRequest: RFC 8446 section 4.1.3. */
static const uint8_t retry_random[TLS_RANDOM] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

const char *tls_version_name(uint16_t version)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "unknown";
}

const char *tls_suite_name(uint16_t suite)
{
    switch (suite) {
#define TLS_SUITE_NAME(id, name)                                                                   \
    case id:                                                                                       \
        return #name;
#include "proto/tls/tls_suite_name.def"
#undef TLS_SUITE_NAME
    default:
        return NULL;
    }
}

/* The next vector with a length of so many bytes in front. */
static struct cursor vector(struct cursor *c, size_t length_bytes)
{
    struct cursor v = cursor_of(cursor_take(c, (size_t)cursor_uint(c, length_bytes)));

    v.bad = c->bad;
    return v;
}

static struct span rest(const struct cursor *c)
{
    return c->bad ? span_of(NULL, 0) : span_between(c->at, c->end);
}

static struct span vector_span(struct cursor *c, size_t length_bytes)
{
    struct cursor v = vector(c, length_bytes);

    return rest(&v);
}

/* ---- extensions ---- */

bool tls_extension_next(struct cursor *all, uint16_t *type_out, struct span *body_out)
{
    struct cursor body;

    if (all->bad || cursor_left(all) == 0)
        return false;
    *type_out = cursor_u16(all);
    body = vector(all, 2);
    *body_out = rest(&body);
    return !body.bad;
}

/* ServerNameList (RFC 6066 section 3): the first host_name. */
static struct span server_name(struct cursor body)
{
    struct cursor list = vector(&body, 2);

    while (!list.bad && cursor_left(&list)) {
        uint8_t type = cursor_u8(&list);
        struct span name = vector_span(&list, 2);

        if (type == 0 && name.len)
            return name;
    }
    return span_of(NULL, 0);
}

struct span tls_alpn_first(struct span list)
{
    struct cursor c = cursor_of(list);

    return vector_span(&c, 1);
}

/* Of a client a list, of a server one (RFC 8446 section 4.2.1). */
static void read_versions(struct tls_hello *t, struct cursor body, bool client)
{
    struct cursor list = client ? vector(&body, 1) : body;
    uint16_t highest = 0;

    if (client)
        t->versions = rest(&list);
    while (!list.bad && cursor_left(&list) >= 2) {
        uint16_t version = cursor_u16(&list);

        if (!tls_is_grease(version) && version > highest)
            highest = version;
    }
    if (highest)
        t->version = highest;
}

static void read_extension(struct tls_hello *t, uint16_t type, struct span bytes, bool client)
{
    struct cursor body = cursor_of(bytes);

    switch (type) {
    case TLS_EXTENSION_SERVER_NAME:
        t->named = true;
        if (client)
            t->server_name = server_name(body);
        break;
    case TLS_EXTENSION_GROUPS:
        t->groups = vector_span(&body, 2);
        break;
    case TLS_EXTENSION_POINT_FORMATS:
        t->point_formats = vector_span(&body, 1);
        break;
    case TLS_EXTENSION_SIGNATURES:
        t->signatures = vector_span(&body, 2);
        break;
    case TLS_EXTENSION_ALPN:
        t->alpn = vector_span(&body, 2);
        break;
    case TLS_EXTENSION_VERSIONS:
        read_versions(t, body, client);
        break;
    case TLS_EXTENSION_ETM:
        t->etm = true;
        break;
    case TLS_EXTENSION_PSK:
        t->psk = true;
        break;
    case TLS_EXTENSION_EARLY_DATA:
        t->early_data = true;
        break;
    default:
        break;
    }
}

static void read_extensions(struct tls_hello *t, struct cursor *c, bool client)
{
    struct cursor all;
    struct span body;
    uint16_t type;

    /* Before TLS 1.2 there may be none. */
    if (c->bad || cursor_left(c) == 0)
        return;
    t->extensions = vector_span(c, 2);
    all = cursor_of(t->extensions);
    while (tls_extension_next(&all, &type, &body))
        read_extension(t, type, body, client);
}

/* ---- messages ---- */

static void read_head(struct tls_hello *t, struct cursor *c)
{
    *t = (struct tls_hello){.legacy_version = cursor_u16(c)};
    t->version = t->legacy_version;
    t->random = cursor_take(c, TLS_RANDOM);
    t->session = vector_span(c, 1);
}

/*
 * struct {
 *     ProtocolVersion legacy_version; Random random; opaque legacy_session_id<0..32>;
 *     CipherSuite cipher_suites<2..2^16-2>; opaque legacy_compression_methods<1..2^8-1>;
 *     Extension extensions<8..2^16-1>;
 * } ClientHello                                              ; RFC 8446 section 4.1.2
 */
bool tls_client_hello_read(struct span body, struct tls_hello *t)
{
    struct cursor c = cursor_of(body);

    read_head(t, &c);
    t->suites = vector_span(&c, 2);
    vector(&c, 1);
    if (c.bad || t->session.len > TLS_RANDOM)
        return false;
    read_extensions(t, &c, true);
    return true;
}

/* The same with one suite and one method: RFC 8446 section 4.1.3. */
bool tls_server_hello_read(struct span body, struct tls_hello *t)
{
    struct cursor c = cursor_of(body);

    read_head(t, &c);
    t->suites = cursor_take(&c, 2);
    t->compressed = cursor_u8(&c) != 0;
    if (c.bad || t->session.len > TLS_RANDOM)
        return false;
    t->retry = memcmp(t->random.data, retry_random, TLS_RANDOM) == 0;
    read_extensions(t, &c, false);
    return true;
}

struct span tls_encrypted_alpn(struct span body)
{
    struct cursor c = cursor_of(body);
    struct tls_hello t = {0};

    read_extensions(&t, &c, false);
    return tls_alpn_first(t.alpn);
}

/*
 * opaque ASN.1Cert<1..2^24-1>; ASN.1Cert certificate_list<0..2^24-1>   ; RFC 5246 section 7.4.2
 * opaque certificate_request_context<0..2^8-1>; CertificateEntry certificate_list<0..2^24-1>, of
 * { opaque cert_data<1..2^24-1>; Extension extensions<0..2^16-1> }     ; RFC 8446 section 4.4.2
 */
void tls_certificates_init(struct tls_certificates *c, struct span body, bool tls13)
{
    struct cursor all = cursor_of(body);

    if (tls13)
        vector(&all, 1);
    *c = (struct tls_certificates){.list = vector(&all, 3), .tls13 = tls13};
}

bool tls_certificates_next(struct tls_certificates *c, struct span *der_out)
{
    if (c->list.bad || cursor_left(&c->list) == 0)
        return false;
    *der_out = vector_span(&c->list, 3);
    if (c->tls13)
        vector(&c->list, 2);
    return !c->list.bad && der_out->len > 0;
}
