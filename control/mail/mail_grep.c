/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_grep.h"

#include <stdlib.h>
#include <unicase.h>
#include <unistr.h>

#include "proto/charset/charset.h"
#include "proto/imap/imap_address.h"
#include "proto/mime/mime_reader.h"
#include "proto/mime/mime_text.h"
#include "proto/mime/mime_word.h"

enum {
    WINDOW = 64 * 1024, /* octets of text that are looked at together */
    FIELD = 16 * 1024,
    DECODED = 3 * FIELD,
    SCRATCH = 64 * 1024,
};

/* A pass over one message. */
struct pass {
    const struct mail_grep *what;
    struct mime_reader reader;
    struct mime_text text;
    struct writer window;
    uint8_t *decoded, *scratch;
    bool in_text; /* the leaf under way is text */
    bool found;
    bool failed; /* no memory */
};

static uint8_t *fold(struct span text, size_t *len_out)
{
    return u8_casefold(text.data, text.len, NULL, UNINORM_NFKD, NULL, len_out);
}

bool mail_needle_make(struct span text, struct mail_needle *needle_out)
{
    *needle_out = (struct mail_needle){0};
    if (text.len == 0)
        return true;
    if (u8_check(text.data, text.len))
        return false;
    needle_out->text = fold(text, &needle_out->len);
    return needle_out->text != NULL;
}

/* ---- text ---- */

static void look(struct pass *p, struct span text)
{
    const struct mail_needle *n = p->what->needle;
    size_t len;
    uint8_t *folded;

    if (p->found || text.len == 0)
        return;
    folded = fold(text, &len);
    if (!folded) {
        p->failed = true;
        return;
    }
    p->found = memmem(folded, len, n->text, n->len) != NULL;
    free(folded);
}

/* Of what was looked at, as much stays as a match may begin in; a character is never cut. */
static void slide(struct pass *p)
{
    size_t kept = 4 * p->what->needle->len + 64, end = p->window.len, begin;

    while (end > 0 && (p->window.data[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && p->window.data[end - 1] >= 0xc0)
        end--;
    look(p, span_of(p->window.data, end));
    begin = kept < end ? end - kept : 0;
    while (begin < end && (p->window.data[begin] & 0xc0) == 0x80)
        begin++;
    memmove(p->window.data, p->window.data + begin, p->window.len - begin);
    p->window.len -= begin;
}

static void feed(struct pass *p, struct span text)
{
    while (text.len && !p->found && !p->failed) {
        struct span head;

        if (writer_room(&p->window) == 0)
            slide(p);
        head = span_head(text, writer_room(&p->window));
        writer_span_put(&p->window, head);
        text = span_skip(text, head.len);
    }
}

static void finish_text(struct pass *p)
{
    look(p, writer_span(&p->window));
    p->window.len = 0;
}

/* ---- events ---- */

/* Addresses as everybody would write them: without comments, folds and blanks within. */
static void look_addresses(struct pass *p, struct span value)
{
    uint8_t *scratch = p->decoded + FIELD, *unfolded = p->decoded;
    struct writer w = writer_of(unfolded, FIELD);
    struct imap_address_list list;
    struct imap_address a;

    mime_word_unfold(value, &w);
    list = imap_address_list_of(writer_span(&w), scratch, FIELD);
    while (!p->found && !p->failed && imap_address_next(&list, &a)) {
        struct writer text = writer_of(scratch + FIELD, FIELD);

        if (a.kind != IMAP_ADDRESS_MAILBOX)
            continue;
        writer_text(&text, "<");
        writer_span_put(&text, a.mailbox);
        writer_byte(&text, '@');
        writer_span_put(&text, a.host);
        writer_byte(&text, '>');
        look(p, writer_span(&text));
    }
}

static bool has_addresses(enum mime_field id)
{
    return id == MIME_FIELD_FROM || id == MIME_FIELD_TO || id == MIME_FIELD_CC ||
           id == MIME_FIELD_BCC || id == MIME_FIELD_SENDER || id == MIME_FIELD_REPLY_TO;
}

static void on_field(struct pass *p, const struct mime_event *e)
{
    struct writer w = writer_of(p->decoded, DECODED);
    bool own = e->part == 0 && e->field.message;

    if (p->what->where == MAIL_GREP_BODY ? own : !own && p->what->where == MAIL_GREP_FIELD)
        return;
    if (p->what->where == MAIL_GREP_FIELD && !span_equal_nocase(e->field.name, p->what->name))
        return;
    if (p->what->needle->len == 0) {
        p->found = true;
        return;
    }
    if (p->what->where != MAIL_GREP_FIELD) {
        writer_span_put(&w, e->field.name);
        writer_text(&w, ": ");
    }
    mime_word_decode(e->field.value, &charset_all, &w);
    look(p, writer_span(&w));
    if (has_addresses(e->field.id))
        look_addresses(p, e->field.value);
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
        p->in_text = p->what->where != MAIL_GREP_FIELD && e->begin->kind == MIME_LEAF &&
                     span_equal_nocase(e->begin->type, span_text("text"));
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
        finish_text(p);
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

    while (!p->found && !p->failed && mime_reader_next(&p->reader, &in, &e) == MIME_EVENT)
        on_event(p, &e);
}

static enum store_status read_message(struct pass *p, struct store *store,
                                      const struct store_reading *reading)
{
    for (uint64_t at = 0; at < reading->size && !p->found && !p->failed;) {
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

enum store_status mail_grep(struct store *store, const struct store_reading *reading,
                            const struct mail_grep *what, bool *found_out)
{
    static const struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct pass *p = malloc(sizeof(*p) + WINDOW + FIELD + DECODED + SCRATCH);
    uint8_t *memory = (uint8_t *)(p + 1);
    enum store_status status = STORE_FAILED;

    *found_out = false;
    if (!p)
        return STORE_FAILED;
    p->what = what;
    p->window = writer_of(memory, WINDOW);
    p->decoded = memory + WINDOW + FIELD;
    p->scratch = p->decoded + DECODED;
    p->in_text = p->found = p->failed = false;
    if (mime_reader_init(&p->reader,
                         &(struct mime_memory){.field = memory + WINDOW,
                                               .scratch = p->scratch,
                                               .scratch_size = SCRATCH,
                                               .charset = &charset_all},
                         &limits))
        status = read_message(p, store, reading);
    *found_out = p->found;
    free(p);
    return status;
}
