/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_derive.h"

enum file { FILE_NONE, FILE_UU, FILE_TNEF };

static void note(struct mime_derive *d, enum mime_anomaly anomaly)
{
    d->anomalies |= 1ull << anomaly;
}

void mime_derive_begin(struct mime_derive *d, const struct mime_part *part,
                       const struct mime_charset *charsets)
{
    bool text = span_equal_nocase(part->type, span_text("text"));

    mime_text_begin(&d->text, part, charsets);
    d->text.charsets = charsets;
    d->text_in = d->file_in = span_of(NULL, 0);
    d->anomalies = 0;
    d->open = false;
    d->told = false;
    d->finished = false;
    d->file = part->kind != MIME_LEAF              ? FILE_NONE
              : part->encoding == MIME_ENCODING_UU ? FILE_NONE
              : text                               ? FILE_UU
                                                   : FILE_TNEF;
    if (d->file == FILE_UU)
        mime_uu_init(&d->uu);
    else if (d->file == FILE_TNEF)
        mime_tnef_init(&d->tnef);
    if (d->file == FILE_TNEF && span_equal_nocase(part->subtype, span_text("ms-tnef"))) {
        note(d, MIME_ANOMALY_FILE_TNEF);
        d->told = true;
    }
    if (d->text.kind == MIME_TEXT_UNKNOWN)
        note(d, MIME_ANOMALY_CHARSET_BODY);
}

void mime_derive_feed(struct mime_derive *d, struct span data)
{
    d->text_in = data;
    d->file_in = data;
}

void mime_derive_finish(struct mime_derive *d)
{
    d->finished = true;
}

static bool give(struct mime_event *event_out, enum mime_event_kind kind, struct span data)
{
    event_out->kind = kind;
    event_out->data = data;
    return true;
}

static bool begin_file(struct mime_derive *d, struct span name, struct mime_event *event_out)
{
    d->open = true;
    return give(event_out, MIME_FILE_BEGIN, name);
}

static bool uu_next(struct mime_derive *d, struct writer *w, struct mime_event *event_out)
{
    struct span found;

    for (;;) {
        switch (mime_uu_next(&d->uu, &d->file_in, d->finished, w, &found)) {
        case MIME_UU_MORE:
            return false;
        case MIME_UU_DATA:
            return give(event_out, MIME_FILE_DATA, writer_span(w));
        case MIME_UU_BEGIN:
            if (!d->told)
                note(d, MIME_ANOMALY_FILE_UUENCODE);
            d->told = true;
            mime_charset_clean(found, w);
            return begin_file(d, writer_span(w), event_out);
        case MIME_UU_END:
            d->open = false;
            if (d->uu.bad)
                note(d, MIME_ANOMALY_UU_BAD);
            return give(event_out, MIME_FILE_END, span_of(NULL, 0));
        case MIME_UU_BESIDE:
            break;
        }
    }
}

static struct span tnef_name(struct mime_derive *d, struct span name, struct writer *w)
{
    if (!d->tnef.wide || !mime_charset_to_utf8(d->text.charsets, span_text("utf-16le"), name, w))
        mime_charset_clean(name, w);
    return writer_span(w);
}

static bool tnef_next(struct mime_derive *d, struct writer *w, struct mime_event *event_out)
{
    struct span found;

    switch (mime_tnef_next(&d->tnef, &d->file_in, &found)) {
    case MIME_TNEF_MORE:
        break;
    case MIME_TNEF_NAME_IS:
        return give(event_out, MIME_NAME, tnef_name(d, found, w));
    case MIME_TNEF_BEGIN:
        return begin_file(d, span_of(NULL, 0), event_out);
    case MIME_TNEF_DATA:
        return give(event_out, MIME_FILE_DATA, found);
    case MIME_TNEF_END:
        d->open = false;
        return give(event_out, MIME_FILE_END, span_of(NULL, 0));
    case MIME_TNEF_TEXT:
        return give(event_out, MIME_TEXT, found);
    }
    if (d->tnef.known && !d->told) {
        note(d, MIME_ANOMALY_FILE_TNEF);
        d->told = true;
    }
    if (!d->finished || !mime_tnef_finish(&d->tnef))
        return false;
    d->open = false;
    return give(event_out, MIME_FILE_END, span_of(NULL, 0));
}

static bool file_next(struct mime_derive *d, struct writer *w, struct mime_event *event_out)
{
    if (d->file == FILE_NONE || (d->file_in.len == 0 && !d->finished))
        return false;
    return d->file == FILE_UU ? uu_next(d, w, event_out) : tnef_next(d, w, event_out);
}

bool mime_derive_next(struct mime_derive *d, uint8_t *scratch, struct mime_event *event_out)
{
    struct writer w = writer_of(scratch, MIME_DERIVE_ROOM);
    struct span text = span_of(NULL, 0);

    if (mime_text_next(&d->text, &d->text_in, d->finished, &w, &text))
        return give(event_out, MIME_TEXT, text);
    if (file_next(d, &w, event_out))
        return true;
    if (d->anomalies == 0)
        return false;
    event_out->kind = MIME_ANOMALY;
    event_out->anomaly = (enum mime_anomaly)__builtin_ctzll(d->anomalies);
    d->anomalies &= d->anomalies - 1;
    return true;
}
