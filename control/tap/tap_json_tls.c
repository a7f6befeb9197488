/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_json_tls.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "control/tap/tap_certificate.h"
#include "proto/tls/tls_fingerprint.h"

enum { JA4_DIGITS = 12, CERTIFICATES = 10 };

/* A handshake with its messages read. */
struct handshake {
    const struct tap_event *event;
    const struct tap_tls_facts *facts;
    struct tls_hello client, server;
    bool client_seen, server_seen;
    uint16_t version; /* agreed on, or the client's highest */
};

static void read_handshake(struct handshake *h, const struct tap_event *event)
{
    const struct tap_tls_facts *t = &event->tls;

    *h = (struct handshake){.event = event, .facts = t};
    h->client_seen = t->client_hello.len && tls_client_hello_read(t->client_hello, &h->client);
    h->server_seen = t->server_hello.len && tls_server_hello_read(t->server_hello, &h->server);
    h->version = h->server_seen ? h->server.version : h->client.version;
}

/* ---- digests ---- */

static void put_hex(struct writer *w, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        writer_hex(w, bytes.data[i], 2);
}

static void put_digest(struct writer *w, const EVP_MD *how, struct span text, size_t digits)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (EVP_Digest(text.data, text.len, digest, &len, how, NULL) != 1 || digits > 2 * len)
        w->full = true;
    else
        put_hex(w, span_of(digest, digits / 2));
}

/* The text and its digest; null where there is no hello, or one of more values than are read. */
static void put_text(struct json_line *l, const char *key, const struct writer *w)
{
    if (w->full || w->len == 0)
        json_line_null(l, key);
    else
        json_line_peer(l, key, writer_span(w));
}

static void put_ja3(struct json_line *l, const char *keys[2], const struct writer *text)
{
    char memory[64];
    struct writer hash = writer_of(memory, sizeof(memory));

    if (text->len && !text->full)
        put_digest(&hash, EVP_md5(), writer_span(text), 32);
    put_text(l, keys[0], &hash);
    put_text(l, keys[1], text);
}

/* 12 digits of SHA-256, of nothing zeros. */
static void put_ja4_part(struct writer *w, const struct writer *part)
{
    w->full |= part->full;
    writer_byte(w, '_');
    if (part->len)
        put_digest(w, EVP_sha256(), writer_span(part), JA4_DIGITS);
    else
        writer_text(w, "000000000000");
}

static void put_ja4(struct json_line *l, const struct tls_hello *client)
{
    static uint8_t room[4][TLS_FINGERPRINT_ROOM];
    struct writer suites = writer_of(room[0], sizeof(room[0]));
    struct writer extensions = writer_of(room[1], sizeof(room[1]));
    struct writer text = writer_of(room[2], sizeof(room[2]));
    struct writer print = writer_of(room[3], sizeof(room[3]));

    if (client) {
        tls_fingerprint_ja4_suites(&suites, client);
        tls_fingerprint_ja4_extensions(&extensions, client);
        tls_fingerprint_ja4_head(&print, client);
        text.full = suites.full || extensions.full || print.full;
        writer_printf(&text, "%.*s_%.*s_%.*s", (int)print.len, (const char *)print.data,
                      (int)suites.len, (const char *)suites.data, (int)extensions.len,
                      (const char *)extensions.data);
        put_ja4_part(&print, &suites);
        put_ja4_part(&print, &extensions);
    }
    put_text(l, "ja4", &print);
    put_text(l, "ja4_text", &text);
}

static void put_fingerprints(struct json_line *l, const struct handshake *h)
{
    static uint8_t room[TLS_FINGERPRINT_ROOM];
    struct writer text = writer_of(room, sizeof(room));

    if (h->client_seen)
        tls_fingerprint_ja3(&text, &h->client);
    put_ja3(l, (const char *[]){"ja3", "ja3_text"}, &text);
    text = writer_of(room, sizeof(room));
    if (h->server_seen)
        tls_fingerprint_ja3s(&text, &h->server);
    put_ja3(l, (const char *[]){"ja3s", "ja3s_text"}, &text);
    put_ja4(l, h->client_seen ? &h->client : NULL);
}

/* ---- what was said ---- */

static void put_version(struct json_line *l, const char *key, uint16_t version)
{
    char text[16];
    struct writer w = writer_of(text, sizeof(text));

    for (const char *c = tls_version_name(version); *c; c++)
        if (*c != ' ')
            writer_byte(&w, (uint8_t)*c);
    json_line_peer(l, key, writer_span(&w));
}

static void put_suite(struct json_line *l, const struct tls_hello *server)
{
    struct cursor c = cursor_of(server->suites);
    uint16_t suite = cursor_u16(&c);
    const char *name = tls_suite_name(suite);
    char text[8];

    snprintf(text, sizeof(text), "0x%04x", suite);
    json_line_text(l, "suite", name ? name : text);
}

static void put_offers(struct json_line *l, const struct tls_hello *client)
{
    struct cursor versions = cursor_of(client->versions), alpn = cursor_of(client->alpn);

    json_line_open(l, "offered_versions", '[');
    if (client->versions.len == 0 && client->version)
        put_version(l, NULL, client->version);
    while (cursor_left(&versions) >= 2) {
        uint16_t version = cursor_u16(&versions);

        if (!tls_is_grease(version))
            put_version(l, NULL, version);
    }
    json_line_close(l, ']');
    json_line_open(l, "offered_alpn", '[');
    while (!alpn.bad && cursor_left(&alpn)) {
        struct span name = cursor_take(&alpn, cursor_u8(&alpn));

        if (name.len)
            json_line_peer(l, NULL, name);
    }
    json_line_close(l, ']');
}

static void put_alert(struct json_line *l, const struct tap_tls_facts *t)
{
    if (!t->alert_from) {
        json_line_null(l, "alert");
        return;
    }
    json_line_open(l, "alert", '{');
    json_line_text(l, "from", t->alert_from);
    json_line_bool(l, "fatal", t->alert_level == 2);
    json_line_number(l, "number", t->alert_number);
    json_line_close(l, '}');
}

static void put_certificates(struct json_line *l, const char *key, const struct handshake *h,
                             struct span message)
{
    struct tls_certificates c;
    struct span der;

    json_line_open(l, key, '[');
    tls_certificates_init(&c, message, h->version >= 0x0304);
    for (int i = 0; i < CERTIFICATES && tls_certificates_next(&c, &der); i++)
        tap_certificate_put(l, der, h->event->time_ns / 1000000000);
    json_line_close(l, ']');
}

static struct span first_certificate(const struct handshake *h)
{
    struct tls_certificates c;
    struct span der = span_of(NULL, 0);

    tls_certificates_init(&c, h->facts->certificates, h->version >= 0x0304);
    return tls_certificates_next(&c, &der) ? der : span_of(NULL, 0);
}

/* As the engine says it of its own connections (kind: connection), and what else it was. */
static void put_tls(struct json_line *l, const struct handshake *h)
{
    const struct tap_tls_facts *t = h->facts;

    json_line_open(l, "tls", '{');
    put_version(l, "version", h->version);
    if (h->server_seen)
        put_suite(l, &h->server);
    else
        json_line_null(l, "suite");
    if (h->client_seen)
        json_line_peer(l, "name", h->client.server_name);
    else
        json_line_null(l, "name");
    json_line_bool(l, "resumed", t->resumed);
    json_line_bool(l, "retried", t->retried);
    json_line_bool(l, "opened", t->opened);
    if (t->unread)
        json_line_text(l, "unread", t->unread);
    else
        json_line_null(l, "unread");
    put_offers(l, &h->client);
    put_alert(l, t);
    put_fingerprints(l, h);
    put_certificates(l, "certificates", h, t->certificates);
    put_certificates(l, "client_certificates", h, t->client_certificates);
    json_line_close(l, '}');
}

static void put_name(void *context, struct span name)
{
    json_line_peer(context, NULL, name);
}

static struct span alpn_of(const struct handshake *h)
{
    if (h->facts->alpn.len)
        return h->facts->alpn;
    return tls_alpn_first(h->server_seen && h->version < 0x0304 ? h->server.alpn : h->client.alpn);
}

void tap_json_tls_put(struct json_line *l, const struct tap_event *event)
{
    struct handshake h;
    struct span first;

    read_handshake(&h, event);
    first = first_certificate(&h);
    json_line_text(l, "tls_version", tls_version_name(h.version));
    json_line_bool(l, "answered", event->tls.answered);
    json_line_peer(l, "server_name", h.client.server_name);
    json_line_peer(l, "alpn", alpn_of(&h));
    json_line_bool(l, "certificate", event->tls.certificates.len > 0);
    json_line_open(l, "certificate_names", '[');
    tap_certificate_names(first, put_name, l);
    json_line_close(l, ']');
    put_tls(l, &h);
}
