/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_envelope.h"

#include "proto/base/ascii.h"
#include "proto/imap/imap_address.h"
#include "proto/imap/imap_write.h"
#include "proto/mime/mime_word.h"

/* Octets of the field at the begin of a header, with the lines that go on with it. */
static size_t field_len(struct span header)
{
    size_t at = 0;

    do {
        ptrdiff_t end = span_find(span_skip(header, at), '\n');

        at = end < 0 ? header.len : at + (size_t)end + 1;
    } while (at < header.len && ascii_blank(header.data[at]));
    return at;
}

static int field_index(struct span name)
{
    static const uint8_t ids[IMAP_ENVELOPE_FIELDS] = {
#define ATTRIBUTE(NAME) MIME_FIELD_##NAME,
        MIME_TREE_ENVELOPE(ATTRIBUTE)
#undef ATTRIBUTE
    };
    enum mime_field id = mime_field_of(name);

    for (int i = 0; i < IMAP_ENVELOPE_FIELDS; i++)
        if (ids[i] == id)
            return i;
    return -1;
}

/* Takes a field of the prefix, when it is one of the envelope's and the first of its name. */
static void read_field(struct span field, struct writer *scratch, struct imap_envelope *e)
{
    ptrdiff_t colon = span_find(field, ':');
    size_t begin = scratch->len;
    int index;

    if (colon < 0)
        return;
    index = field_index(ascii_trim(span_head(field, (size_t)colon)));
    if (index < 0 || e->fields[index].data)
        return;
    mime_word_unfold(span_skip(field, (size_t)colon + 1), scratch);
    e->fields[index] = span_of(scratch->data + begin, scratch->len - begin);
}

void imap_envelope_read(const struct mime_tree_part *part, struct span prefix,
                        struct writer *scratch, struct imap_envelope *envelope_out)
{
    static const uint8_t tags[IMAP_ENVELOPE_FIELDS] = {
#define ATTRIBUTE(NAME) MIME_TREE_##NAME,
        MIME_TREE_ENVELOPE(ATTRIBUTE)
#undef ATTRIBUTE
    };

    memset(envelope_out, 0, sizeof(*envelope_out));
    while (prefix.len) {
        size_t n = field_len(prefix);

        read_field(span_head(prefix, n), scratch, envelope_out);
        prefix = span_skip(prefix, n);
    }
    for (int i = 0; i < IMAP_ENVELOPE_FIELDS; i++) {
        struct span *field = &envelope_out->fields[i];

        if (!field->data && part->present & 1u << tags[i])
            *field = part->attributes[tags[i]];
        if (!field->data && part->present & 1u << tags[i])
            *field = span_text("");
    }
}

/*
 * What people read, not programs: subjects and names. Runs of blanks are one blank, so that what
 * was folded with a tab, or twice, reads as what was not; other servers tell it so, too.
 */
static void put_human(struct writer *w, struct span text, bool utf8)
{
    uint8_t bytes[MIME_TREE_VALUE_MAX];
    struct writer collapsed = writer_of(bytes, sizeof(bytes));

    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_blank(text.data[i]))
            writer_byte(&collapsed, text.data[i]);
        else if (collapsed.len && collapsed.data[collapsed.len - 1] != ' ')
            writer_byte(&collapsed, ' ');
    }
    if (collapsed.len && collapsed.data[collapsed.len - 1] == ' ')
        collapsed.len--;
    imap_write_nstring(w, text.data ? writer_span(&collapsed) : text, utf8);
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" */
static void put_address(struct writer *w, const struct imap_address *a, bool utf8)
{
    writer_byte(w, '(');
    put_human(w, a->name, utf8);
    writer_byte(w, ' ');
    imap_write_nstring(w, a->route, utf8);
    writer_byte(w, ' ');
    imap_write_nstring(w, a->mailbox, utf8);
    writer_byte(w, ' ');
    imap_write_nstring(w, a->host, utf8);
    writer_byte(w, ')');
}

/* "(" 1*address ")" / nil */
static void put_addresses(struct writer *w, struct span text, bool utf8)
{
    uint8_t scratch[MIME_TREE_VALUE_MAX];
    struct imap_address_list list = imap_address_list_of(text, scratch, sizeof(scratch));
    struct imap_address a;
    bool any = false;

    writer_byte(w, ' ');
    while (imap_address_next(&list, &a)) {
        if (!any)
            writer_byte(w, '(');
        any = true;
        put_address(w, &a, utf8);
    }
    writer_text(w, any ? ")" : "NIL");
}

/* Sender and Reply-To are From's where they are missing or empty (RFC 9051 section 7.5.2). */
static struct span or_from(const struct imap_envelope *e, struct span field)
{
    return ascii_trim(field).len ? field : e->fields[IMAP_ENVELOPE_FROM];
}

void imap_envelope_put(struct writer *w, const struct imap_envelope *envelope, bool utf8)
{
    const struct span *f = envelope->fields;

    writer_byte(w, '(');
    imap_write_nstring(w, f[IMAP_ENVELOPE_DATE], utf8);
    writer_byte(w, ' ');
    put_human(w, f[IMAP_ENVELOPE_SUBJECT], utf8);
    put_addresses(w, f[IMAP_ENVELOPE_FROM], utf8);
    put_addresses(w, or_from(envelope, f[IMAP_ENVELOPE_SENDER]), utf8);
    put_addresses(w, or_from(envelope, f[IMAP_ENVELOPE_REPLY_TO]), utf8);
    put_addresses(w, f[IMAP_ENVELOPE_TO], utf8);
    put_addresses(w, f[IMAP_ENVELOPE_CC], utf8);
    put_addresses(w, f[IMAP_ENVELOPE_BCC], utf8);
    writer_byte(w, ' ');
    imap_write_nstring(w, f[IMAP_ENVELOPE_IN_REPLY_TO], utf8);
    writer_byte(w, ' ');
    imap_write_nstring(w, f[IMAP_ENVELOPE_MESSAGE_ID], utf8);
    writer_byte(w, ')');
}
