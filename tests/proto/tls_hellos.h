/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_TLS_HELLOS_H
#define TESTS_PROTO_TLS_HELLOS_H

#include "proto/base/writer.h"
#include "proto/tls/tls_hello.h"

/* Hellos made of their parts, for tests: each list in hexadecimal words, "1301 1302". */
static inline void hello_words(struct writer *w, const char *words)
{
    for (; *words; words += words[4] ? 5 : 4) {
        unsigned value = 0;

        for (int i = 0; i < 4; i++)
            value = value << 4 | (unsigned)(words[i] <= '9' ? words[i] - '0' : words[i] - 'a' + 10);
        writer_uint(w, value, 2);
    }
}

static inline size_t hello_count(const char *words)
{
    return (strlen(words) + 1) / 5 * 2;
}

/* A list with its length in front, in an extension's body. */
static inline void hello_list(struct writer *w, const char *words, size_t length_bytes)
{
    writer_uint(w, length_bytes + hello_count(words), 2);
    writer_uint(w, hello_count(words), length_bytes);
    hello_words(w, words);
}

struct hello_parts {
    uint16_t version;
    const char *suites, *extensions; /* in this order; those of known types have their lists */
    const char *groups, *signatures, *versions;
    const char *name, *alpn;
    uint8_t point_formats; /* how many, 0, 1, ... */
};

static inline void hello_extension(struct writer *w, unsigned type, const struct hello_parts *p)
{
    writer_uint(w, type, 2);
    if (type == TLS_EXTENSION_SERVER_NAME && p->name) {
        writer_uint(w, 5 + strlen(p->name), 2);
        writer_uint(w, 3 + strlen(p->name), 2);
        writer_uint(w, strlen(p->name), 3);
        writer_text(w, p->name);
    } else if (type == TLS_EXTENSION_ALPN && p->alpn) {
        writer_uint(w, 3 + strlen(p->alpn), 2);
        writer_uint(w, 1 + strlen(p->alpn), 2);
        writer_uint(w, strlen(p->alpn), 1);
        writer_text(w, p->alpn);
    } else if (type == TLS_EXTENSION_GROUPS && p->groups) {
        hello_list(w, p->groups, 2);
    } else if (type == TLS_EXTENSION_SIGNATURES && p->signatures) {
        hello_list(w, p->signatures, 2);
    } else if (type == TLS_EXTENSION_VERSIONS && p->versions) {
        hello_list(w, p->versions, 1);
    } else if (type == TLS_EXTENSION_POINT_FORMATS && p->point_formats) {
        writer_uint(w, 1u + p->point_formats, 2);
        writer_byte(w, p->point_formats);
        for (uint8_t i = 0; i < p->point_formats; i++)
            writer_byte(w, i);
    } else {
        writer_uint(w, 0, 2);
    }
}

/* The body of a ClientHello. */
static inline struct span hello_client(uint8_t *room, size_t size, const struct hello_parts *p)
{
    uint8_t memory[2048];
    struct writer w = writer_of(room, size), x = writer_of(memory, sizeof(memory)), types;
    uint8_t list[1024];

    types = writer_of(list, sizeof(list));
    hello_words(&types, p->extensions ? p->extensions : "");
    for (size_t i = 0; i < types.len; i += 2)
        hello_extension(&x, (unsigned)(list[i] << 8 | list[i + 1]), p);
    writer_uint(&w, p->version, 2);
    for (int i = 0; i < TLS_RANDOM; i++)
        writer_byte(&w, 7);
    writer_byte(&w, 0);
    writer_uint(&w, hello_count(p->suites), 2);
    hello_words(&w, p->suites);
    writer_uint(&w, 0x0100, 2);
    if (p->extensions) {
        writer_uint(&w, x.len, 2);
        writer_span_put(&w, writer_span(&x));
    }
    return writer_span(&w);
}

#endif
