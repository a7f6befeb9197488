/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_body.h"

#include <openssl/evp.h>

size_t dkim_hash_size(enum dkim_hash hash)
{
    return hash == DKIM_SHA1 ? 20 : 32;
}

void dkim_body_init(struct dkim_body *b)
{
    memset(b, 0, sizeof(*b));
    dkim_body_begin(b);
}

void dkim_body_fini(struct dkim_body *b)
{
    for (unsigned canon = 0; canon < DKIM_CANONS; canon++)
        for (unsigned hash = 0; hash < DKIM_HASHES; hash++)
            EVP_MD_CTX_free(b->passes[canon].contexts[hash]);
    EVP_MD_CTX_free(b->copy);
    memset(b, 0, sizeof(*b));
}

void dkim_body_begin(struct dkim_body *b)
{
    b->count = 0;
    b->failed = false;
    for (unsigned canon = 0; canon < DKIM_CANONS; canon++) {
        struct dkim_body_pass *p = &b->passes[canon];

        dkim_canon_body_init(&p->canon, canon);
        p->body = b;
        p->total = 0;
        p->next = DKIM_LENGTH_ALL;
        memset(p->used, 0, sizeof(p->used));
        memset(p->most, 0, sizeof(p->most));
    }
}

static bool use(struct dkim_body *b, struct dkim_body_pass *p, enum dkim_hash hash)
{
    const EVP_MD *type = hash == DKIM_SHA1 ? EVP_sha1() : EVP_sha256();
    bool fresh = p->contexts[hash] == NULL;

    if (p->used[hash])
        return true;
    if (fresh)
        p->contexts[hash] = EVP_MD_CTX_new();
    if (!b->copy)
        b->copy = EVP_MD_CTX_new();
    /* A context that has its algorithm keeps it: nothing is looked up or allocated again. */
    p->used[hash] = b->copy && p->contexts[hash] &&
                    EVP_DigestInit_ex(p->contexts[hash], fresh ? type : NULL, NULL) == 1;
    if (!p->used[hash]) {
        EVP_MD_CTX_free(p->contexts[hash]);
        p->contexts[hash] = NULL;
    }
    return p->used[hash];
}

/* The hash as it is now. */
static void take_digest(struct dkim_body *b, struct dkim_body_want *w)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    w->done = EVP_MD_CTX_copy_ex(b->copy, b->passes[w->canon].contexts[w->hash]) == 1 &&
              EVP_DigestFinal_ex(b->copy, digest, &len) == 1 && len <= sizeof(w->digest);
    if (w->done)
        memcpy(w->digest, digest, len);
    else
        b->failed = true;
}

int dkim_body_want(struct dkim_body *b, enum dkim_canon canon, enum dkim_hash hash, uint64_t length)
{
    struct dkim_body_pass *p = &b->passes[canon];
    struct dkim_body_want *w = b->wants;

    for (; w < b->wants + b->count; w++)
        if (w->canon == canon && w->hash == hash && w->length == length)
            return (int)(w - b->wants);
    if (b->count == DKIM_BODY_WANTS_MAX || !use(b, p, hash))
        return -1;
    *w = (struct dkim_body_want){.length = length, .canon = (uint8_t)canon, .hash = (uint8_t)hash};
    if (length > p->most[hash])
        p->most[hash] = length;
    if (length == 0)
        take_digest(b, w);
    else if (length < p->next)
        p->next = length;
    return (int)b->count++;
}

/* A place where hashes are wanted is reached; finds the next one. */
static void reach(struct dkim_body_pass *p)
{
    struct dkim_body *b = p->body;

    p->next = DKIM_LENGTH_ALL;
    for (struct dkim_body_want *w = b->wants; w < b->wants + b->count; w++) {
        if (w->canon != p->canon.canon)
            continue;
        if (w->length == p->total)
            take_digest(b, w);
        else if (w->length > p->total && w->length < p->next)
            p->next = w->length;
    }
}

static void update(struct dkim_body_pass *p, struct span bytes)
{
    for (unsigned hash = 0; hash < DKIM_HASHES; hash++)
        if (p->used[hash] && p->total < p->most[hash] &&
            EVP_DigestUpdate(p->contexts[hash], bytes.data, bytes.len) != 1)
            p->body->failed = true;
}

static void sink(void *context, struct span bytes)
{
    struct dkim_body_pass *p = context;

    while (bytes.len) {
        uint64_t room = p->next - p->total;
        size_t n = room < bytes.len ? (size_t)room : bytes.len;

        update(p, span_head(bytes, n));
        p->total += n;
        if (p->total == p->next)
            reach(p);
        bytes = span_skip(bytes, n);
    }
}

static bool pass_used(const struct dkim_body_pass *p)
{
    return p->used[DKIM_SHA256] || p->used[DKIM_SHA1];
}

void dkim_body_feed(struct dkim_body *b, struct span in)
{
    for (unsigned canon = 0; canon < DKIM_CANONS; canon++)
        if (pass_used(&b->passes[canon]))
            dkim_canon_body_feed(&b->passes[canon].canon, in, sink, &b->passes[canon]);
}

void dkim_body_finish(struct dkim_body *b)
{
    for (unsigned canon = 0; canon < DKIM_CANONS; canon++)
        if (pass_used(&b->passes[canon]))
            dkim_canon_body_finish(&b->passes[canon].canon, sink, &b->passes[canon]);
    for (struct dkim_body_want *w = b->wants; w < b->wants + b->count; w++) {
        if (w->length == DKIM_LENGTH_ALL)
            take_digest(b, w);
        w->done = w->done && !b->failed;
    }
}

uint64_t dkim_body_total(const struct dkim_body *b, enum dkim_canon canon)
{
    return b->passes[canon].total;
}
