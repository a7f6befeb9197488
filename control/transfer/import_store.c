/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/import_store.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "control/base/clock.h"
#include "control/store/store_import.h"
#include "control/transfer/import_seen.h"
#include "proto/charset/charset.h"
#include "proto/mime/mime_tree.h"

enum {
    FIELD_MAX = 16 * 1024, /* what the reading of SMTP's messages takes too */
    SCRATCH = 65536,
    TREE_SIZE = 16 * 1024,
    WORKER = UINT16_MAX, /* in ids: no worker has this number */
};

static const struct mime_limits limits = {
    .field = FIELD_MAX, .header = 262144, .parts = 1000, .depth = 20};

struct import_store {
    struct import_store_options options;
    struct id128_source ids;
    struct import_seen seen;
    EVP_MD_CTX *hash;
    bool open; /* a message is under way */
    struct message message;
    struct chunk *row; /* the one that is being filled */
    struct mime_reader mime;
    struct mime_tree tree;
    uint8_t tree_bytes[TREE_SIZE], field[FIELD_MAX], scratch[SCRATCH];
    char address[STORE_NAME];
};

struct import_store *import_store_new(const struct import_store_options *options)
{
    struct import_store *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->options = *options;
    s->options.address = span_of(
        s->address, options->address.len < STORE_NAME ? options->address.len : (size_t)STORE_NAME);
    memcpy(s->address, options->address.data, s->options.address.len);
    /* Two runs in one millisecond, or one after the clock went back, must not meet. */
    s->ids = (struct id128_source){.node = options->node, .worker = WORKER};
    if (getrandom(&s->ids.counter, 5, 0) != 5)
        s->ids.counter = clock_wall_ms();
    s->hash = EVP_MD_CTX_new();
    s->row = malloc(sizeof(*s->row) + CHUNK_LARGE_DATA);
    if (s->hash && s->row)
        return s;
    import_store_free(s);
    return NULL;
}

static void discard(struct import_store *s)
{
    struct store_change change = {.kind = STORE_DISCARD, .discarded = s->message.id};

    if (s->open && s->message.rows_written > 0)
        store_apply(s->options.store, &change, 1);
    s->open = false;
}

void import_store_free(struct import_store *s)
{
    discard(s);
    EVP_MD_CTX_free(s->hash);
    import_seen_fini(&s->seen);
    free(s->row);
    free(s);
}

static void cancel(void *context)
{
    discard(context);
}

/* ---- bytes ---- */

static bool begin(struct import_store *s)
{
    struct mime_memory memory = {.field = s->field,
                                 .scratch = s->scratch,
                                 .scratch_size = sizeof(s->scratch),
                                 .charset = &charset_all};

    s->message = (struct message){.id = id128_next(&s->ids, clock_wall_ms())};
    *s->row = (struct chunk){.cap = CHUNK_LARGE_DATA};
    mime_tree_init(&s->tree, s->tree_bytes, sizeof(s->tree_bytes));
    s->open = mime_reader_init(&s->mime, &memory, &limits) &&
              EVP_DigestInit_ex(s->hash, EVP_sha256(), NULL) == 1;
    return s->open;
}

static void read_tree(struct import_store *s, struct span bytes)
{
    struct mime_event event;

    while (mime_reader_next(&s->mime, &bytes, &event) == MIME_EVENT)
        mime_tree_feed(&s->tree, &event);
}

/* What the store's answer means for the message and for those that follow. */
static enum import_result result_of(struct import_store *s, enum store_status status,
                                    struct writer *why)
{
    if (status == STORE_OK)
        return IMPORT_DONE;
    discard(s);
    writer_text(why, store_status_name(status));
    return status == STORE_FULL ? IMPORT_REFUSED : IMPORT_FAILED;
}

static enum import_result give_row(struct import_store *s, struct writer *why)
{
    enum store_status status =
        store_write(s->options.store, &s->message.id, s->message.rows_written,
                    span_of(s->row->data, s->row->len));

    if (status == STORE_OK)
        s->message.rows_written++;
    s->row->len = 0;
    return result_of(s, status, why);
}

static enum import_result take_bytes(void *context, struct span in, struct writer *why)
{
    struct import_store *s = context;
    enum import_result result = IMPORT_DONE;

    if (!s->open && !begin(s)) {
        writer_text(why, "no memory");
        return IMPORT_FAILED;
    }
    if (in.len > s->options.size_max - s->message.size) {
        discard(s);
        writer_text(why, "larger than smtp.message_size");
        return IMPORT_REFUSED;
    }
    s->message.size += in.len;
    EVP_DigestUpdate(s->hash, in.data, in.len);
    read_tree(s, in);
    while (in.len && result == IMPORT_DONE) {
        size_t room = CHUNK_LARGE_DATA - s->row->len, n = in.len < room ? in.len : room;

        memcpy(s->row->data + s->row->len, in.data, n);
        s->row->len += (uint32_t)n;
        in = span_skip(in, n);
        if (s->row->len == CHUNK_LARGE_DATA)
            result = give_row(s, why);
    }
    return result;
}

/* ---- the end of a message ---- */

static uint64_t first_eight(const uint8_t *digest)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    return n;
}

/* SHA-256 of bytes, date and a number. */
static bool hash_number(struct import_store *s, uint64_t number, uint8_t *digest)
{
    uint8_t bytes[8];
    struct writer w = writer_of(bytes, sizeof(bytes));
    unsigned len;

    writer_uint(&w, number, 8);
    return EVP_DigestUpdate(s->hash, bytes, sizeof(bytes)) == 1 &&
           EVP_DigestFinal_ex(s->hash, digest, &len) == 1;
}

static bool identity_of(struct import_store *s, uint64_t date_ms, struct id128 *identity_out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint32_t before;

    if (!hash_number(s, date_ms, digest) ||
        !import_seen_add(&s->seen, first_eight(digest), &before))
        return false;
    if (EVP_DigestInit_ex(s->hash, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(s->hash, digest, 32) != 1 || !hash_number(s, before, digest))
        return false;
    memcpy(identity_out->bytes, digest, sizeof(identity_out->bytes));
    return true;
}

static void complete(struct import_store *s, const struct import_meta *meta)
{
    struct message *m = &s->message;

    mime_reader_finish(&s->mime);
    read_tree(s, span_of(NULL, 0));
    m->tree = mime_tree_finish(&s->tree);
    m->received_ms = meta->date_ms;
    m->envelope.sender = meta->sender;
    m->rest = s->row->len ? s->row : NULL;
    m->deliveries = 1;
    m->delivery[0] = (struct message_delivery){
        .recipient = s->options.address, .place = MESSAGE_INBOX, .account = s->options.account};
}

static enum import_result end(void *context, const struct import_meta *meta, struct writer *why)
{
    static const char forwarded[] = "\0\0\0\12$Forwarded";
    struct import_store *s = context;
    struct store_import import = {.message = &s->message, .flags = meta->flags};
    struct store_change change = {.kind = STORE_IMPORT, .import = &import};
    enum import_result result;

    if (meta->forwarded)
        import.keywords = span_of(forwarded, sizeof(forwarded) - 1);
    if ((!s->open && !begin(s)) || !identity_of(s, meta->date_ms, &import.identity)) {
        discard(s);
        writer_text(why, "no memory");
        return IMPORT_FAILED;
    }
    complete(s, meta);
    store_apply(s->options.store, &change, 1);
    result = result_of(s, change.status_out, why);
    s->open = false;
    return result == IMPORT_DONE && import.there_out ? IMPORT_THERE : result;
}

struct import_sink import_store_sink(struct import_store *s)
{
    return (struct import_sink){.context = s, .bytes = take_bytes, .end = end, .cancel = cancel};
}
