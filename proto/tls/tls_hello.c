/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_hello.h"

#include "proto/base/cursor.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_MAX = 16384 + 2048, /* RFC 5246 section 6.2.3 */
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    SERVER_HELLO_DONE = 14,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
    TLS_1_3 = 0x0304,
};

void tls_hello_init(struct tls_hello *t, uint8_t *buffer, uint32_t size)
{
    *t = (struct tls_hello){.buffer = buffer, .size = size};
}

const char *tls_hello_version_name(uint16_t version)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "unknown";
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

/* ServerNameList (RFC 6066 section 3): the first host_name. */
static void read_server_name(struct tls_hello *t, struct cursor body)
{
    struct cursor list = vector(&body, 2), name;

    while (!list.bad && cursor_left(&list)) {
        uint8_t type = cursor_u8(&list);

        name = vector(&list, 2);
        if (type == 0 && !name.bad && cursor_left(&name)) {
            t->server_name = rest(&name);
            return;
        }
    }
}

/* ProtocolNameList (RFC 7301 section 3.1): the first one. */
static void read_alpn(struct tls_hello *t, struct cursor body)
{
    struct cursor list = vector(&body, 2), name = vector(&list, 1);

    if (!name.bad)
        t->alpn = rest(&name);
}

/* Of a client a list, of a server one (RFC 8446 section 4.2.1). Values of GREASE (RFC 8701) are no
 * versions. */
static void read_versions(struct tls_hello *t, struct cursor body, bool client)
{
    struct cursor list = client ? vector(&body, 1) : body;

    while (!list.bad && cursor_left(&list) >= 2) {
        uint16_t version = cursor_u16(&list);

        if (version >> 8 == 3 && version > t->version)
            t->version = version;
    }
}

static void read_extensions(struct tls_hello *t, struct cursor *c, bool client)
{
    struct cursor all = vector(c, 2);

    while (!all.bad && cursor_left(&all)) {
        uint16_t type = cursor_u16(&all);
        struct cursor body = vector(&all, 2);

        if (body.bad)
            return;
        if (type == EXTENSION_SERVER_NAME && client)
            read_server_name(t, body);
        else if (type == EXTENSION_ALPN)
            read_alpn(t, body);
        else if (type == EXTENSION_VERSIONS)
            read_versions(t, body, client);
    }
}

static void read_hello(struct tls_hello *t, struct cursor c, bool client)
{
    t->hello = true;
    t->version = cursor_u16(&c);
    cursor_take(&c, 32);
    vector(&c, 1); /* session id */
    if (client) {
        vector(&c, 2); /* cipher suites */
        vector(&c, 1); /* compression methods */
    } else {
        cursor_take(&c, 3);
    }
    if (!c.bad && cursor_left(&c))
        read_extensions(t, &c, client);
}

static void read_certificate(struct tls_hello *t, struct cursor c)
{
    struct cursor list = vector(&c, 3), first = vector(&list, 3);

    if (!first.bad)
        t->certificate = rest(&first);
}

/* Whole messages that were not read yet. */
static enum tls_hello_status read_messages(struct tls_hello *t)
{
    for (;;) {
        struct cursor c = cursor_of(span_of(t->buffer + t->at, t->len - t->at));
        uint8_t type = cursor_u8(&c);
        struct cursor body = vector(&c, 3);

        if (c.bad || body.bad)
            return TLS_HELLO_MORE;
        t->at = t->len - (uint32_t)cursor_left(&c);
        if (type == CLIENT_HELLO || type == SERVER_HELLO)
            read_hello(t, body, type == CLIENT_HELLO);
        if (type == CERTIFICATE)
            read_certificate(t, body);
        if (type == CLIENT_HELLO || type == CERTIFICATE || type == SERVER_HELLO_DONE ||
            (type == SERVER_HELLO && t->version >= TLS_1_3))
            return TLS_HELLO_DONE;
        if (!t->hello)
            return TLS_HELLO_BAD;
    }
}

/* A record's head is whole. */
static bool good_head(struct tls_hello *t)
{
    t->left = (uint16_t)(t->head[3] << 8 | t->head[4]);
    return t->head[0] == RECORD_HANDSHAKE && t->head[1] == 3 && t->left > 0 &&
           t->left <= RECORD_MAX;
}

enum tls_hello_status tls_hello_feed(struct tls_hello *t, struct span bytes)
{
    while (bytes.len) {
        size_t n;

        if (t->left == 0) {
            t->head[t->head_len++] = bytes.data[0];
            bytes = span_skip(bytes, 1);
            if (t->head_len < sizeof(t->head))
                continue;
            t->head_len = 0;
            /* What is encrypted or over begins with another record. */
            if (!good_head(t))
                return t->hello ? TLS_HELLO_DONE : TLS_HELLO_BAD;
            continue;
        }
        n = t->left < bytes.len ? t->left : bytes.len;
        if (n > t->size - t->len)
            return TLS_HELLO_BAD;
        memcpy(t->buffer + t->len, bytes.data, n);
        t->len += (uint32_t)n;
        t->left = (uint16_t)(t->left - n);
        bytes = span_skip(bytes, n);
        if (t->left == 0) {
            enum tls_hello_status status = read_messages(t);

            if (status != TLS_HELLO_MORE)
                return status;
        }
    }
    return TLS_HELLO_MORE;
}
