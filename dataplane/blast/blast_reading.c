/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_reading.h"

#include "proto/base/ascii.h"

#define FIELD "X-Blast: "

/* ---- comparing ---- */

/* blast = FIELD 16HEXDIG SP 1*16HEXDIG SP ...; the first names the run, which is this one where
 * that is asked for */
static bool read_field(const struct blast_client *c, struct span line, struct blast_reading *r)
{
    uint64_t value[2] = {0, 0};
    size_t at = sizeof(FIELD) - 1;

    if (!span_equal(span_head(line, at), span_text(FIELD)))
        return false;
    for (int i = 0; i < 2; i++) {
        size_t begin = at;

        for (; at < line.len && at < begin + 16 && ascii_hex(line.data[at]) >= 0; at++)
            value[i] = value[i] << 4 | (uint64_t)ascii_hex(line.data[at]);
        if (at == begin || at == line.len || line.data[at++] != ' ')
            return false;
    }
    r->run = value[0];
    r->number = value[1];
    return c->order->compare || r->run == c->order->run;
}

/* A header line has ended: is it the one that names the message? The rest of the head is compared
 * from there on. */
static void end_line(struct blast_client *c, struct blast_reading *r)
{
    struct span line = span_of(r->text, r->line < sizeof(r->text) ? r->line : sizeof(r->text));

    if (r->line <= 2) {
        r->seeking = false; /* the header's end */
    } else if (read_field(c, line, r)) {
        r->seeking = false;
        r->ours = true;
    }
    r->line = 0;
}

/* Looks for the field, up to the end of the header. Returns what stands behind it. */
static struct span seek(struct blast_client *c, struct blast_reading *r, struct span in)
{
    while (in.len && r->seeking) {
        ptrdiff_t lf = span_find(in, '\n');
        struct span piece = span_head(in, lf < 0 ? in.len : (size_t)lf + 1);

        if (r->line < sizeof(r->text)) {
            size_t room = sizeof(r->text) - r->line;

            memcpy(r->text + r->line, piece.data, piece.len < room ? piece.len : room);
        }
        r->line =
            (uint16_t)(piece.len < BLAST_LINE - (size_t)r->line ? r->line + piece.len : BLAST_LINE);
        in = span_skip(in, piece.len);
        if (lf >= 0)
            end_line(c, r);
    }
    return in;
}

/* What must stand at offset `at` behind the field that names the message. */
static struct span expected(const struct blast_client *c, const struct blast_reading *r,
                            struct writer *head)
{
    const struct blast_text *text = blast_text_of(c->order, r->number);
    struct span rest;
    ptrdiff_t lf;

    blast_head_of(head, c->order, r->run, r->number);
    lf = span_find(writer_span(head), '\n');
    rest = span_skip(writer_span(head), (size_t)lf + 1);
    return r->at < rest.len ? span_skip(rest, r->at) : span_skip(text->raw, r->at - rest.len);
}

static void compare(struct blast_client *c, struct blast_reading *r, struct span in)
{
    while (in.len && r->ours && !r->wrong) {
        uint8_t bytes[BLAST_HEAD];
        struct writer head = writer_of(bytes, sizeof(bytes));
        struct span want = expected(c, r, &head);
        size_t n = in.len < want.len ? in.len : want.len;

        if (!n || memcmp(in.data, want.data, n) != 0) {
            r->wrong = true;
            return;
        }
        r->at += n;
        in = span_skip(in, n);
    }
}

static bool is_whole(const struct blast_client *c, const struct blast_reading *r)
{
    uint8_t bytes[BLAST_HEAD];
    struct writer head = writer_of(bytes, sizeof(bytes));

    return !r->wrong && !expected(c, r, &head).len;
}

/* ---- a message ---- */

void blast_reading_begin(struct blast_reading *r)
{
    r->at = 0;
    r->line = 0;
    r->seeking = true;
    r->ours = r->wrong = false;
}

void blast_reading_feed(struct blast_client *c, struct blast_session *s, struct span bytes)
{
    if (s->verifies || c->order->compare)
        compare(c, &s->reading, seek(c, &s->reading, bytes));
    if (!s->verifies)
        c->tally->counts.bytes_retrieved += bytes.len;
}

/* Whether it is what was sent, and to this mailbox. */
static bool is_same(const struct blast_client *c, const struct blast_session *s)
{
    const struct blast_order *o = c->order;
    uint32_t first = blast_ledger_first(o, s->reading.number);

    return s->reading.ours && is_whole(c, &s->reading) &&
           (s->user + o->user_count - first) % o->user_count < o->recipients;
}

/* header = *field CRLF: what came is that of the message, and all of it. */
static bool is_header(const struct blast_client *c, const struct blast_reading *r)
{
    uint8_t bytes[BLAST_HEAD];
    struct writer head = writer_of(bytes, sizeof(bytes));
    struct span rest =
        expected(c, &(struct blast_reading){.run = r->run, .number = r->number}, &head);
    const struct blast_text *text = blast_text_of(c->order, r->number);
    const uint8_t *end = memmem(text->raw.data, text->raw.len, "\r\n\r\n", 4);

    return r->ours && !r->wrong &&
           r->at == rest.len + (end ? (size_t)(end - text->raw.data) + 4 : text->raw.len);
}

void blast_reading_end_header(struct blast_client *c, struct blast_session *s)
{
    struct blast_counts *counts = &c->tally->counts;

    if (c->order->compare && !s->verifies)
        (*(is_header(c, &s->reading) ? &counts->headers_same : &counts->headers_differing))++;
}

void blast_reading_end(struct blast_client *c, struct blast_session *s)
{
    struct blast_ledger *ledger = c->shared->ledger;
    struct blast_reading *r = &s->reading;
    struct blast_step_tally *step = blast_session_step(c, s);

    if (step)
        step->messages++;
    if (!s->verifies) {
        c->tally->counts.messages_retrieved++;
        if (c->order->compare)
            (*(is_same(c, s) ? &c->tally->counts.messages_same
                             : &c->tally->counts.messages_differing))++;
    } else if (!r->ours || r->run != c->order->run) {
        atomic_fetch_add(&ledger->foreign, 1);
    } else {
        blast_ledger_found(ledger, c->order,
                           (struct blast_finding){r->number, s->user, is_whole(c, r)});
    }
}
