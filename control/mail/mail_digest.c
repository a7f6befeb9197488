/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_digest.h"

#include <stdlib.h>
#include <sys/random.h>

#include "control/mail/mail_collate.h"
#include "control/mail/mail_part.h"
#include "proto/charset/charset.h"
#include "proto/imap/imap_sort.h"
#include "proto/imap/imap_subject.h"
#include "proto/imap/imap_thread.h"
#include "proto/mime/mime_tree.h"
#include "proto/mime/mime_word.h"

enum {
    DECODED = 4 * MIME_TREE_VALUE_MAX, /* a value with its encoded words decoded */
    IDS = MIME_TREE_VALUE_MAX / 3 + 2,
};

struct mail_digests {
    uint64_t bytes, max;
    struct mail_box *newest, *oldest; /* mailboxes that have some, by their last use */
    uint8_t key[16];
    /* of the one that is made */
    uint64_t ids[IDS];
    uint8_t decoded[DECODED];
    uint8_t texts[MAIL_DIGEST_TEXTS * MAIL_DIGEST_TEXT];
};

struct mail_digests *mail_digests_new(uint64_t max)
{
    struct mail_digests *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->max = max;
    if (getrandom(d->key, sizeof(d->key), 0) == sizeof(d->key))
        return d;
    free(d);
    return NULL;
}

void mail_digests_free(struct mail_digests *d)
{
    free(d);
}

/* ---- which mailbox was used when ---- */

static void unlink_box(struct mail_digests *d, struct mail_box *box)
{
    struct mail_box_digests *u = &box->digests;

    *(u->newer ? &u->newer->digests.older : &d->newest) = u->older;
    *(u->older ? &u->older->digests.newer : &d->oldest) = u->newer;
    u->newer = u->older = NULL;
}

static void link_box(struct mail_digests *d, struct mail_box *box)
{
    struct mail_box_digests *u = &box->digests;

    u->older = d->newest;
    *(d->newest ? &d->newest->digests.newer : &d->oldest) = box;
    d->newest = box;
}

void mail_digests_hold(struct mail_digests *d, struct mail_box *box)
{
    if (box->digests.of)
        unlink_box(d, box);
    box->digests.of = d;
    box->digests.users++;
    link_box(d, box);
}

static void drop(struct mail_digests *d, struct mail_digest *g)
{
    d->bytes -= g->size;
    free(g);
}

static void drop_replaced(struct mail_box *box)
{
    while (box->digests.replaced) {
        struct mail_digest *g = box->digests.replaced;

        box->digests.replaced = g->next;
        drop(box->digests.of, g);
    }
}

void mail_digests_release(struct mail_box *box)
{
    if (--box->digests.users == 0)
        drop_replaced(box);
}

void mail_digest_forget(struct mail_box *box, struct mail_message *message)
{
    if (message->digest)
        drop(box->digests.of, message->digest);
    message->digest = NULL;
}

void mail_digests_forget(struct mail_box *box)
{
    if (!box->digests.of)
        return;
    drop_replaced(box);
    for (uint32_t slot = 0; slot < box->count; slot++)
        mail_digest_forget(box, &box->messages[slot]);
    unlink_box(box->digests.of, box);
    box->digests.of = NULL;
}

static bool make_room(struct mail_digests *d, uint64_t need)
{
    struct mail_box *box = d->oldest;

    while (d->bytes + need > d->max && box) {
        struct mail_box *newer = box->digests.newer;

        if (box->digests.users == 0)
            mail_digests_forget(box);
        box = newer;
    }
    return d->bytes + need <= d->max;
}

/* ---- one message ---- */

/* The digest that is made: its members, its ids and texts in the scratch of all. */
struct making {
    struct mail_digests *d;
    struct mail_digest is;
    uint32_t len; /* of the texts */
};

static void add_text(struct making *m, unsigned part, struct span text)
{
    struct writer w = writer_of(m->d->texts + m->len, MAIL_DIGEST_TEXT);

    mail_collate(text, &w);
    m->len += (uint32_t)w.len;
    m->is.ends[part] = m->len;
}

static void add_address(struct making *m, unsigned part, struct span value, bool display)
{
    struct writer w = writer_of(m->d->decoded, DECODED);

    imap_sort_address(value, display, &charset_all, &w);
    add_text(m, part, writer_span(&w));
}

static void add_subject(struct making *m, struct span value)
{
    struct writer w = writer_of(m->d->decoded, DECODED);
    struct span text;

    imap_subject_decode(value, &charset_all, &w);
    text = imap_subject_base(writer_span(&w), &m->is.reply);
    add_text(m, MAIL_DIGEST_SUBJECT, text);
    m->is.subject = imap_thread_subject(span_of(m->d->texts, m->len), m->d->key);
}

static void add_sent(struct making *m, struct span value)
{
    /* Told apart from a date by what stands in for it. */
    m->is.sent = imap_sort_date(value, INT64_MIN);
    m->is.dated = m->is.sent != INT64_MIN;
}

/*
 * The tree has the first octets of a field that is longer than most; of References the last ones
 * say whom a message answers, so that one is read off the message, up to its last so many octets.
 */
static struct span read_references(struct store *store, const struct store_reading *reading,
                                   struct mail_part *part, uint8_t *unfolded)
{
    struct imap_fetch_item item = {
        .section = {.kind = IMAP_SECTION_FIELDS, .fields = span_text("(References)")}};
    struct mail_source source = mail_source_of(store, reading);
    struct span value;
    struct writer w;

    mail_part_find(&source, &item, part);
    value = span_of(part->text, part->found ? part->len : 0);
    value = span_skip(value, value.len > DECODED ? value.len - DECODED : 0);
    w = writer_of(unfolded, DECODED);
    mime_word_unfold(value, &w);
    value = writer_span(&w);
    value = span_skip(value, value.len > MIME_TREE_VALUE_MAX ? value.len - MIME_TREE_VALUE_MAX : 0);
    while (value.len && value.data[0] != '<')
        value = span_skip(value, 1);
    return value;
}

static void add_ids(struct making *m, struct store *store, const struct store_reading *reading,
                    const struct mime_tree_part *root)
{
    struct span references = root->attributes[MIME_TREE_REFERENCES];
    struct mail_part part = {0};

    if (root->cut & 1u << MIME_TREE_REFERENCES)
        references = read_references(store, reading, &part, m->d->decoded);
    m->is.ids = imap_thread_ids(root->attributes[MIME_TREE_MESSAGE_ID], references,
                                root->attributes[MIME_TREE_IN_REPLY_TO], m->d->key, m->d->ids, IDS);
    mail_part_free(&part);
}

static void add_parts(struct making *m, struct store *store, const struct store_reading *reading,
                      const struct mime_tree_part *root)
{
    static const struct {
        uint8_t tag;
        bool display;
    } addresses[MAIL_DIGEST_TEXTS] = {
        [MAIL_DIGEST_FROM] = {MIME_TREE_FROM, false},
        [MAIL_DIGEST_TO] = {MIME_TREE_TO, false},
        [MAIL_DIGEST_CC] = {MIME_TREE_CC, false},
        [MAIL_DIGEST_DISPLAYFROM] = {MIME_TREE_FROM, true},
        [MAIL_DIGEST_DISPLAYTO] = {MIME_TREE_TO, true},
    };

    for (unsigned part = 0; part < MAIL_DIGEST_TEXTS; part++) {
        if (!(m->is.have & 1u << part))
            m->is.ends[part] = m->len;
        else if (part == MAIL_DIGEST_SUBJECT)
            add_subject(m, root->attributes[MIME_TREE_SUBJECT]);
        else
            add_address(m, part, root->attributes[addresses[part].tag], addresses[part].display);
    }
    if (m->is.have & 1u << MAIL_DIGEST_SENT)
        add_sent(m, root->attributes[MIME_TREE_DATE]);
    if (m->is.have & 1u << MAIL_DIGEST_IDS)
        add_ids(m, store, reading, root);
}

static enum store_status read_parts(struct making *m, struct store *store,
                                    const struct mail_box *box, uint32_t uid)
{
    static const struct mime_tree_part nothing = {0};
    const struct store_reading *reading = NULL;
    enum store_status status = store_reading_open(store, box->id, uid, &reading);
    struct mime_tree_read tree;
    struct mime_tree_part root = nothing;

    if (status != STORE_OK && status != STORE_NONE)
        return status;
    if (reading && (!mime_tree_read_init(&tree, reading->tree) ||
                    mime_tree_read_next(&tree, &root) != MIME_TREE_NEXT))
        root = nothing;
    add_parts(m, store, reading, &root);
    if (reading)
        store_reading_close(store, reading);
    return STORE_OK;
}

static struct mail_digest *keep(const struct making *m)
{
    size_t ids = m->is.ids * sizeof(uint64_t);
    struct mail_digest *g;

    if (!make_room(m->d, m->is.size))
        return NULL;
    g = malloc(m->is.size);
    if (!g)
        return NULL;
    m->d->bytes += m->is.size;
    *g = m->is;
    memcpy(g + 1, m->d->ids, ids);
    memcpy((uint8_t *)(g + 1) + ids, m->d->texts, m->len);
    return g;
}

enum store_status mail_digest_get(struct mail_digests *d, struct store *store, struct mail_box *box,
                                  uint32_t slot, unsigned parts,
                                  const struct mail_digest **digest_out, bool *read_out)
{
    struct mail_message *message = &box->messages[slot];
    struct mail_digest *old = message->digest, *g;
    struct making m = {.d = d};
    enum store_status status;

    *digest_out = old;
    *read_out = !old || (parts & ~(unsigned)old->have);
    if (!*read_out)
        return STORE_OK;
    m.is.have = (uint16_t)(parts | (old ? old->have : 0));
    status = read_parts(&m, store, box, message->uid);
    if (status != STORE_OK)
        return status;
    m.is.size = (uint32_t)(sizeof(m.is) + m.is.ids * sizeof(uint64_t)) + m.len;
    g = keep(&m);
    if (!g)
        return STORE_LIMIT;
    /* Somebody may have the one before. */
    if (old) {
        old->next = box->digests.replaced;
        box->digests.replaced = old;
    }
    message->digest = g;
    *digest_out = g;
    return STORE_OK;
}
