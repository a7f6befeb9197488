/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_walk.h"

#include <stdlib.h>
#include <unicase.h>

#include "proto/base/ascii.h"
#include "proto/base/writer.h"
#include "proto/charset/charset.h"
#include "proto/imap/imap_address.h"
#include "proto/mime/mime_reader.h"
#include "proto/mime/mime_text.h"
#include "proto/mime/mime_word.h"

enum {
    WINDOW = 64 * 1024, /* octets of text that are folded together */
    CUT = 1024,         /* so far back a window looks for a good place to end */
    FIELD = 16 * 1024,
    DECODED = 3 * FIELD,
    SCRATCH = 64 * 1024,
};

/* A pass over one message. */
struct pass {
    const struct mail_walk *walk;
    struct mime_reader reader;
    struct mime_text text;
    struct writer window;
    uint8_t *decoded, *scratch;
    bool in_text; /* the leaf under way is text, */
    bool first;   /* and none of it was told yet */
    bool ended;   /* nobody wants more */
    bool failed;  /* no memory */
};

/* ---- folding ---- */

static bool is_ascii(struct span text)
{
    uint8_t all = 0;

    for (size_t i = 0; i < text.len; i++)
        all |= text.data[i];
    return all < 0x80;
}

uint8_t *mail_fold(struct span text, size_t *len_out)
{
    uint8_t *out;

    if (!is_ascii(text))
        return u8_casefold(text.data, text.len, NULL, UNINORM_NFKD, NULL, len_out);
    /* What most of all text is, and the library takes forty times as long for. */
    out = malloc(text.len + 1);
    for (size_t i = 0; out && i < text.len; i++)
        out[i] = ascii_lower(text.data[i]);
    *len_out = text.len;
    return out;
}

/* ---- pieces ---- */

static void tell(struct pass *p, struct mail_piece *piece, struct span text)
{
    piece->text = text;
    p->ended = !p->walk->visit(p->walk->context, piece);
}

static void tell_folded(struct pass *p, struct mail_piece piece, struct span text)
{
    size_t len;
    uint8_t *folded;

    if (p->ended || p->failed || text.len == 0)
        return;
    folded = mail_fold(text, &len);
    if (folded)
        tell(p, &piece, span_of(folded, len));
    else
        p->failed = true;
    free(folded);
}

/* The name and the value are folded each by itself: so the value is the same with the name in front
 * of it and without. */
static void tell_field(struct pass *p, struct mail_piece piece, struct span value)
{
    struct writer head = writer_of(p->decoded + DECODED, FIELD);
    size_t name_len, value_len = 0;
    uint8_t *name, *folded = NULL;

    writer_span_put(&head, piece.name);
    writer_text(&head, ": ");
    name = mail_fold(writer_span(&head), &name_len);
    if (name && value.len)
        folded = mail_fold(value, &value_len);
    if (folded) {
        uint8_t *both = realloc(name, name_len + value_len);

        name = both ? both : name;
        if (both)
            memcpy(name + name_len, folded, value_len);
        p->failed |= !both;
    }
    p->failed |= !name || (value.len && !folded);
    piece.value = name_len;
    if (!p->failed)
        tell(p, &piece, span_of(name, name_len + value_len));
    free(folded);
    free(name);
}

/* ---- text ---- */

/* Where a full window is cut: in front of an octet of ASCII, so that no character is, nor one from
 * the marks behind it, which folding orders; else at least between two characters. */
static size_t cut_of(struct span text)
{
    size_t end = text.len;

    for (size_t at = end - 1; at > 0 && at + CUT > end; at--)
        if (text.data[at] < 0x80)
            return at;
    while (end > 1 && (text.data[end - 1] & 0xc0) == 0x80)
        end--;
    return end > 1 ? end - 1 : text.len;
}

static void tell_window(struct pass *p, size_t end)
{
    tell_folded(p, (struct mail_piece){.kind = MAIL_PIECE_TEXT, .first = p->first},
                span_of(p->window.data, end));
    p->first = false;
    memmove(p->window.data, p->window.data + end, p->window.len - end);
    p->window.len -= end;
}

static void feed(struct pass *p, struct span text)
{
    while (text.len && !p->ended && !p->failed) {
        struct span head;

        if (writer_room(&p->window) == 0)
            tell_window(p, cut_of(writer_span(&p->window)));
        head = span_head(text, writer_room(&p->window));
        writer_span_put(&p->window, head);
        text = span_skip(text, head.len);
    }
}

/* ---- events ---- */

static void tell_addresses(struct pass *p, struct mail_piece piece, struct span value)
{
    uint8_t *scratch = p->decoded + FIELD, *unfolded = p->decoded;
    struct writer w = writer_of(unfolded, FIELD);
    struct imap_address_list list;
    struct imap_address a;

    mime_word_unfold(value, &w);
    list = imap_address_list_of(writer_span(&w), scratch, FIELD);
    while (!p->ended && !p->failed && imap_address_next(&list, &a)) {
        struct writer text = writer_of(scratch + FIELD, FIELD);

        if (a.kind != IMAP_ADDRESS_MAILBOX)
            continue;
        writer_text(&text, "<");
        writer_span_put(&text, a.mailbox);
        writer_byte(&text, '@');
        writer_span_put(&text, a.host);
        writer_byte(&text, '>');
        tell_folded(p, piece, writer_span(&text));
    }
}

static bool has_addresses(enum mime_field id)
{
    return id == MIME_FIELD_FROM || id == MIME_FIELD_TO || id == MIME_FIELD_CC ||
           id == MIME_FIELD_BCC || id == MIME_FIELD_SENDER || id == MIME_FIELD_REPLY_TO;
}

static bool is_wanted(const struct mail_walk *walk, bool own, struct span name)
{
    if (!own)
        return walk->texts;
    return walk->fields && (!walk->named || span_equal_nocase(name, walk->name));
}

static void on_field(struct pass *p, const struct mime_event *e)
{
    struct writer w = writer_of(p->decoded, DECODED);
    struct mail_piece piece = {.kind = MAIL_PIECE_FIELD,
                               .own = e->part == 0 && e->field.message,
                               .name = e->field.name};

    if (!is_wanted(p->walk, piece.own, e->field.name))
        return;
    mime_word_decode(e->field.value, &charset_all, &w);
    tell_field(p, piece, writer_span(&w));
    piece.kind = MAIL_PIECE_ADDRESS;
    if (has_addresses(e->field.id))
        tell_addresses(p, piece, e->field.value);
}

static void on_data(struct pass *p, struct span data, bool finished)
{
    uint8_t room[MIME_TEXT_ROOM];

    if (!p->in_text)
        return;
    for (;;) {
        struct writer w = writer_of(room, sizeof(room));
        struct span text = {0};

        if (!mime_text_next(&p->text, &data, finished, &w, &text))
            return;
        feed(p, text);
    }
}

static void on_event(struct pass *p, const struct mime_event *e)
{
    switch (e->kind) {
    case MIME_FIELD:
        on_field(p, e);
        break;
    case MIME_PART_BEGIN:
        p->in_text = p->walk->texts && e->begin->kind == MIME_LEAF &&
                     span_equal_nocase(e->begin->type, span_text("text"));
        p->first = true;
        if (p->in_text)
            mime_text_begin(&p->text, e->begin, &charset_all);
        break;
    case MIME_DATA:
        if (p->in_text && (p->text.kind == MIME_TEXT_NONE || p->text.kind == MIME_TEXT_UNKNOWN))
            feed(p, e->data);
        else
            on_data(p, e->data, false);
        break;
    case MIME_PART_END:
        on_data(p, span_of(NULL, 0), true);
        tell_window(p, p->window.len);
        p->in_text = false;
        break;
    default:
        break;
    }
}

/* ---- the pass ---- */

static void read_bytes(struct pass *p, struct span in)
{
    struct mime_event e;

    while (!p->ended && !p->failed && mime_reader_next(&p->reader, &in, &e) == MIME_EVENT)
        on_event(p, &e);
}

static enum store_status read_message(struct pass *p, struct store *store,
                                      const struct store_reading *reading)
{
    for (uint64_t at = 0; at < reading->size && !p->ended && !p->failed;) {
        struct span bytes;
        void *pin = NULL;
        enum store_status status = store_reading_read(store, reading, at, &bytes, &pin);

        if (status != STORE_OK || bytes.len == 0)
            return status == STORE_OK ? STORE_CORRUPT : status;
        read_bytes(p, bytes);
        at += bytes.len;
        store_unpin(store, &pin, 1);
    }
    mime_reader_finish(&p->reader);
    read_bytes(p, span_of(NULL, 0));
    return p->failed ? STORE_FAILED : STORE_OK;
}

enum store_status mail_walk(struct store *store, const struct store_reading *reading,
                            const struct mail_walk *walk)
{
    static const struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct pass *p = malloc(sizeof(*p) + WINDOW + FIELD + DECODED + FIELD + SCRATCH);
    uint8_t *memory = (uint8_t *)(p + 1);
    enum store_status status = STORE_FAILED;

    if (!p)
        return STORE_FAILED;
    p->walk = walk;
    p->window = writer_of(memory, WINDOW);
    p->decoded = memory + WINDOW + FIELD;
    p->scratch = p->decoded + DECODED + FIELD;
    p->in_text = p->first = p->ended = p->failed = false;
    if (mime_reader_init(&p->reader,
                         &(struct mime_memory){.field = memory + WINDOW,
                                               .scratch = p->scratch,
                                               .scratch_size = SCRATCH,
                                               .charset = &charset_all},
                         &limits))
        status = read_message(p, store, reading);
    free(p);
    return status;
}
