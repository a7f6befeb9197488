/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_fingerprint.h"

#include <stdlib.h>

struct values {
    uint16_t of[TLS_FINGERPRINT_MOST];
    size_t count;
    bool over; /* there are more */
};

static void add(struct values *v, uint16_t value)
{
    if (tls_is_grease(value))
        return;
    if (v->count == TLS_FINGERPRINT_MOST)
        v->over = true;
    else
        v->of[v->count++] = value;
}

static void list_values(struct values *v, struct span list)
{
    struct cursor c = cursor_of(list);

    v->count = 0;
    v->over = false;
    while (cursor_left(&c) >= 2)
        add(v, cursor_u16(&c));
}

static void extension_values(struct values *v, const struct tls_hello *hello)
{
    struct cursor all = cursor_of(hello->extensions);
    struct span body;
    uint16_t type;

    v->count = 0;
    v->over = false;
    while (tls_extension_next(&all, &type, &body))
        add(v, type);
}

/* ---- JA3 ---- */

static void decimals(struct writer *w, const struct values *v)
{
    w->full |= v->over;
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            writer_byte(w, '-');
        writer_number(w, v->of[i]);
    }
}

void tls_fingerprint_ja3(struct writer *w, const struct tls_hello *client)
{
    struct values v;

    writer_number(w, client->legacy_version);
    writer_byte(w, ',');
    list_values(&v, client->suites);
    decimals(w, &v);
    writer_byte(w, ',');
    extension_values(&v, client);
    decimals(w, &v);
    writer_byte(w, ',');
    list_values(&v, client->groups);
    decimals(w, &v);
    writer_byte(w, ',');
    for (size_t i = 0; i < client->point_formats.len; i++) {
        if (i)
            writer_byte(w, '-');
        writer_number(w, client->point_formats.data[i]);
    }
}

void tls_fingerprint_ja3s(struct writer *w, const struct tls_hello *server)
{
    struct values v;

    writer_number(w, server->legacy_version);
    writer_byte(w, ',');
    list_values(&v, server->suites);
    decimals(w, &v);
    writer_byte(w, ',');
    extension_values(&v, server);
    decimals(w, &v);
}

/* ---- JA4 ---- */

static int compare(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void sort(struct values *v)
{
    qsort(v->of, v->count, sizeof(v->of[0]), compare);
}

static void hexes(struct writer *w, const struct values *v)
{
    w->full |= v->over;
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            writer_byte(w, ',');
        writer_hex(w, v->of[i], 4);
    }
}

static const char *version_of(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    default:
        return "00";
    }
}

static bool is_alphanumeric(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)(ascii_lower(c) - 'a') < 26;
}

/* The first and the last character of the first name; of its bytes in hexadecimal where one of
 * these is no letter and no digit. */
static void alpn(struct writer *w, struct span list)
{
    static const char digits[] = "0123456789abcdef";
    struct span name = tls_alpn_first(list);
    uint8_t first, last;

    if (name.len == 0) {
        writer_text(w, "00");
        return;
    }
    first = name.data[0];
    last = name.data[name.len - 1];
    if (!is_alphanumeric(first) || !is_alphanumeric(last)) {
        first = (uint8_t)digits[first >> 4];
        last = (uint8_t)digits[last & 15];
    }
    writer_byte(w, first);
    writer_byte(w, last);
}

static void count(struct writer *w, const struct values *v)
{
    w->full |= v->over;
    writer_digits(w, v->count < 99 ? v->count : 99, 2);
}

void tls_fingerprint_ja4_head(struct writer *w, const struct tls_hello *client)
{
    struct values v;

    writer_byte(w, 't');
    writer_text(w, version_of(client->version));
    writer_byte(w, client->named ? 'd' : 'i');
    list_values(&v, client->suites);
    count(w, &v);
    extension_values(&v, client);
    count(w, &v);
    alpn(w, client->alpn);
}

void tls_fingerprint_ja4_suites(struct writer *w, const struct tls_hello *client)
{
    struct values v;

    list_values(&v, client->suites);
    sort(&v);
    hexes(w, &v);
}

void tls_fingerprint_ja4_extensions(struct writer *w, const struct tls_hello *client)
{
    struct values v;
    size_t n = 0;

    extension_values(&v, client);
    for (size_t i = 0; i < v.count; i++)
        if (v.of[i] != TLS_EXTENSION_SERVER_NAME && v.of[i] != TLS_EXTENSION_ALPN)
            v.of[n++] = v.of[i];
    v.count = n;
    sort(&v);
    hexes(w, &v);
    if (n == 0 && client->extensions.len == 0)
        return;
    list_values(&v, client->signatures);
    if (v.count == 0)
        return;
    writer_byte(w, '_');
    hexes(w, &v);
}
