/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_sign.h"

#include "proto/base/base64.h"
#include "proto/base/field_writer.h"
#include "proto/base/tag_list.h"
#include "proto/dkim/dkim_digest.h"

int dkim_sign_want(const struct dkim_sign_order *order, struct dkim_body *body)
{
    return dkim_body_want(body, order->body_canon, DKIM_SHA256, DKIM_LENGTH_ALL);
}

void dkim_sign_tag(struct field_writer *f, const char *name, struct span value)
{
    uint8_t text[2 * DKIM_DOMAIN_MAX + 64];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, name);
    writer_byte(&w, '=');
    writer_span_put(&w, value);
    writer_byte(&w, ';');
    if (w.full)
        f->out->full = true;
    field_writer_word(f, writer_span(&w));
}

void dkim_sign_number(struct field_writer *f, const char *name, uint64_t value)
{
    uint8_t text[20];
    struct writer w = writer_of(text, sizeof(text));

    writer_number(&w, value);
    dkim_sign_tag(f, name, writer_span(&w));
}

/* The names of h= are gathered here. */
struct names {
    struct writer list;
    uint32_t count;
};

static void add_name(struct names *n, struct span name)
{
    if (n->list.len)
        writer_byte(&n->list, ':');
    writer_span_put(&n->list, name);
    n->count++;
}

static void add_present(struct names *n, struct dkim_pick *pick, struct span list)
{
    struct span name;
    bool more = list.len > 0;

    while (tag_piece(&list, &more, &name))
        while (dkim_pick_next(pick, name) != DKIM_FIELD_NONE)
            add_name(n, name);
}

/* False: there are too many, or From is not among them. */
static bool gather(struct names *n, const struct dkim_sign_order *order,
                   const struct dkim_header *header)
{
    struct span list = order->oversigned, name;
    struct dkim_pick pick;
    bool more = list.len > 0;

    dkim_pick_init(&pick, header, DKIM_FIELD_NONE);
    add_present(n, &pick, order->headers);
    add_present(n, &pick, order->oversigned);
    while (tag_piece(&list, &more, &name))
        add_name(n, name);
    return !n->list.full && n->count <= DKIM_SIGN_NAMES_MAX &&
           tag_has_piece(writer_span(&n->list), "from");
}

static void put_names(struct field_writer *f, struct span list)
{
    uint8_t text[1024];
    struct span name;
    bool more = true, first = true;

    while (tag_piece(&list, &more, &name)) {
        struct writer w = writer_of(text, sizeof(text));

        writer_text(&w, first ? "h=" : "");
        writer_span_put(&w, name);
        writer_byte(&w, more ? ':' : ';');
        if (w.full)
            f->out->full = true;
        if (first)
            field_writer_word(f, writer_span(&w));
        else
            field_writer_joined(f, writer_span(&w));
        first = false;
    }
}

static void put_tags(struct field_writer *f, const struct dkim_sign_order *order,
                     const struct dkim_signer *signer, struct span names, struct span body_digest)
{
    static const char *const canons[DKIM_CANONS][DKIM_CANONS] = {
        [DKIM_SIMPLE] = {[DKIM_SIMPLE] = "simple/simple", [DKIM_RELAXED] = "simple/relaxed"},
        [DKIM_RELAXED] = {[DKIM_SIMPLE] = "relaxed/simple", [DKIM_RELAXED] = "relaxed/relaxed"}};
    uint8_t text[64];
    struct writer w = writer_of(text, sizeof(text));

    if (order->kind == DKIM_KIND_SIGNATURE) {
        field_writer_word(f, span_text("DKIM-Signature:"));
        dkim_sign_tag(f, "v", span_text("1"));
    } else {
        field_writer_word(f, span_text("ARC-Message-Signature:"));
        dkim_sign_number(f, "i", order->instance);
    }
    dkim_sign_tag(f, "a", span_text(dkim_algorithm_word(signer->type, DKIM_SHA256)));
    dkim_sign_tag(f, "c", span_text(canons[order->header_canon][order->body_canon]));
    dkim_sign_tag(f, "d", order->domain);
    if (order->identity.len)
        dkim_sign_tag(f, "i", order->identity);
    dkim_sign_tag(f, "s", order->selector);
    if (order->time)
        dkim_sign_number(f, "t", order->time);
    if (order->expires)
        dkim_sign_number(f, "x", order->expires);
    put_names(f, names);
    base64_put(&w, body_digest);
    dkim_sign_tag(f, "bh", writer_span(&w));
}

bool dkim_sign_end(struct field_writer *f, const struct dkim_signer *signer, struct span digest)
{
    uint8_t bytes[DKIM_SIGNATURE_MAX], text[DKIM_BASE64_MAX];
    struct writer signature = writer_of(bytes, sizeof(bytes)), w = writer_of(text, sizeof(text));

    if (f->out->full || !dkim_signer_sign(signer, digest, &signature))
        return false;
    base64_put(&w, writer_span(&signature));
    field_writer_cut(f, writer_span(&w));
    writer_text(f->out, "\r\n");
    return !w.full && !f->out->full;
}

bool dkim_sign(struct writer *w, const struct dkim_sign_order *order,
               const struct dkim_signer *signer, const struct dkim_header *header,
               const struct dkim_body *body, int want)
{
    uint8_t list[DKIM_SIGN_FIELD_MAX / 2], bytes[DKIM_DIGEST_MAX];
    struct names names = {.list = writer_of(list, sizeof(list))};
    struct writer digest_out = writer_of(bytes, sizeof(bytes));
    struct field_writer f = {.out = w};
    struct dkim_digest digest;
    struct dkim_pick pick;
    size_t begin = w->len;

    if (header->cut || want < 0 || !body->wants[want].done || !gather(&names, order, header))
        return false;
    put_tags(&f, order, signer, writer_span(&names.list),
             span_of(body->wants[want].digest, dkim_hash_size(DKIM_SHA256)));
    field_writer_word(&f, span_text("b="));
    dkim_pick_init(&pick, header, DKIM_FIELD_NONE);
    dkim_digest_init(&digest, DKIM_SHA256);
    dkim_digest_fields(&digest, order->header_canon, &pick, writer_span(&names.list));
    dkim_digest_own(&digest, order->header_canon, span_skip(writer_span(w), begin), w->len - begin,
                    w->len - begin);
    return dkim_digest_finish(&digest, &digest_out) &&
           dkim_sign_end(&f, signer, writer_span(&digest_out));
}
