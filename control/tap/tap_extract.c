/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_extract.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* One part or message under way. */
struct piece {
    struct tap_extract *owner;
    struct piece *next; /* free */
    EVP_MD_CTX *hash;
    uint32_t number;
    bool kept; /* the sink has all of it so far */
};

struct tap_extract {
    struct part_digests digests;
    const struct tap_extract_sink *sink;
    struct piece *pieces, *free;
    uint32_t count;
};

static void *begin(void *context)
{
    struct tap_extract *x = context;
    struct piece *p = x->free;

    if (!p || EVP_DigestInit_ex(p->hash, EVP_sha256(), NULL) != 1)
        return NULL;
    x->free = p->next;
    p->kept = x->sink && x->sink->open(x->sink->context, p->number);
    return p;
}

static void feed(void *digest, struct span bytes)
{
    struct piece *p = digest;
    const struct tap_extract_sink *sink = p->owner->sink;

    EVP_DigestUpdate(p->hash, bytes.data, bytes.len);
    if (!p->kept || sink->bytes(sink->context, p->number, bytes))
        return;
    p->kept = false;
    sink->close(sink->context, p->number, NULL, false);
}

static void finish(struct piece *p, uint8_t *sha256_out, bool message)
{
    const struct tap_extract_sink *sink = p->owner->sink;

    if (sha256_out)
        EVP_DigestFinal_ex(p->hash, sha256_out, NULL);
    if (p->kept)
        sink->close(sink->context, p->number, sha256_out, message);
    p->next = p->owner->free;
    p->owner->free = p;
}

static void end(void *context, void *digest, uint8_t *sha256_out)
{
    finish(digest, sha256_out, false);
}

struct tap_extract *tap_extract_new(const struct tap_extract_sink *sink, uint32_t pieces,
                                    uint32_t first)
{
    struct tap_extract *x = calloc(1, sizeof(*x));

    if (x)
        x->pieces = calloc(pieces, sizeof(*x->pieces));
    if (!x || !x->pieces) {
        tap_extract_free(x);
        return NULL;
    }
    x->sink = sink;
    x->digests = (struct part_digests){.context = x, .begin = begin, .feed = feed, .end = end};
    for (; x->count < pieces; x->count++) {
        struct piece *p = &x->pieces[x->count];

        *p = (struct piece){
            .owner = x, .next = x->free, .hash = EVP_MD_CTX_new(), .number = first + x->count};
        x->free = p;
        if (p->hash)
            continue;
        x->count++;
        tap_extract_free(x);
        errno = ENOMEM;
        return NULL;
    }
    return x;
}

void tap_extract_free(struct tap_extract *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->count; i++)
        EVP_MD_CTX_free(x->pieces[i].hash);
    free(x->pieces);
    free(x);
}

const struct part_digests *tap_extract_digests(const struct tap_extract *x)
{
    return &x->digests;
}

void *tap_extract_message(void *extract)
{
    return begin(extract);
}

void tap_extract_bytes(void *message, struct span bytes)
{
    feed(message, bytes);
}

void tap_extract_message_end(void *extract, void *message, bool whole)
{
    uint8_t sha256[PART_SHA256];

    finish(message, whole ? sha256 : NULL, true);
}
