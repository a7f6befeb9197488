/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_digest.h"

#include <openssl/evp.h>

#include "proto/base/tag_list.h"

static void update(void *context, struct span bytes)
{
    struct dkim_digest *d = context;

    if (!d->failed && EVP_DigestUpdate(d->context, bytes.data, bytes.len) != 1)
        d->failed = true;
}

void dkim_digest_init(struct dkim_digest *d, enum dkim_hash hash)
{
    d->context = EVP_MD_CTX_new();
    d->failed =
        !d->context ||
        EVP_DigestInit_ex(d->context, hash == DKIM_SHA1 ? EVP_sha1() : EVP_sha256(), NULL) != 1;
}

void dkim_digest_field(struct dkim_digest *d, enum dkim_canon canon, struct span field)
{
    dkim_digest_own(d, canon, field, field.len, field.len);
    update(d, span_text("\r\n"));
}

void dkim_digest_fields(struct dkim_digest *d, enum dkim_canon canon, struct dkim_pick *pick,
                        struct span names)
{
    struct span name;
    bool more = true;

    while (tag_piece(&names, &more, &name)) {
        uint16_t field = dkim_pick_next(pick, name);

        if (field != DKIM_FIELD_NONE)
            dkim_digest_field(d, canon, dkim_header_field(pick->header, field));
    }
}

void dkim_digest_own(struct dkim_digest *d, enum dkim_canon canon, struct span field, size_t at,
                     size_t end)
{
    struct dkim_canon_field f;

    dkim_canon_field_init(&f, canon);
    dkim_canon_field_feed(&f, span_head(field, at), update, d);
    dkim_canon_field_feed(&f, span_skip(field, end), update, d);
    dkim_canon_field_finish(&f, update, d);
}

bool dkim_digest_finish(struct dkim_digest *d, struct writer *w)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!d->failed && EVP_DigestFinal_ex(d->context, digest, &len) == 1)
        writer_span_put(w, span_of(digest, len));
    EVP_MD_CTX_free(d->context);
    return len > 0 && !w->full;
}
