/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_messages.h"

#include <math.h>
#include <stdlib.h>

#include "control/blast/blast_shape.h"
#include "control/blast/blast_text.h"
#include "control/blast/blast_words.h"
#include "proto/base/base64.h"
#include "proto/base/chance.h"

enum { LINE = 72, ENCODED_LINE = 57, SIZE_MOST = 64 << 20 };

/* The mix: so many percent of the messages, with sizes of this median and sigma. */
static const struct {
    uint32_t percent;
    double median, sigma;
    bool attachment;
} mix[] = {
    {60, 3000, 0.9, false},
    {28, 20000, 1.0, false},
    {12, 120000, 1.3, true},
};

static const char *const words[] = {
    "carrier", "postal",  "envelope", "relay",  "quiet",   "river",  "seven",  "paper",
    "north",   "wire",    "letter",   "window", "morning", "answer", "market", "table",
    "station", "account", "garden",   "minute", "report",  "street", "figure", "weather",
    "and",     "of",      "the",      "with",   "for",     "before", "after",  "between",
};

/* ---- chance ---- */

/* Evenly between 0, not included, and 1. */
static double even(struct chance *c)
{
    return ((double)(chance_next(c) >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller's. */
static double normal(struct chance *c)
{
    double a = even(c), b = even(c);

    return sqrt(-2 * log(a)) * cos(6.283185307179586 * b);
}

static uint64_t lognormal(struct chance *c, double median, double sigma)
{
    double size = median * exp(sigma * normal(c));

    return size > SIZE_MOST ? SIZE_MOST : (uint64_t)size;
}

/* ---- one message ---- */

static void put_words(struct writer *w, struct chance *c, size_t least)
{
    size_t begin = w->len;

    while (w->len - begin < least) {
        if (w->len > begin)
            writer_byte(w, ' ');
        writer_text(w, words[chance_next(c) % (sizeof(words) / sizeof(words[0]))]);
    }
}

/* Lines of text up to exactly `until` bytes; one in thirty begins with a dot. */
static void put_text(struct writer *w, struct chance *c, size_t until)
{
    while (w->len + 2 < until) {
        size_t begin = w->len, most = until - begin - 2;

        if (chance_next(c) % 30 == 0)
            writer_byte(w, '.');
        put_words(w, c, 20 + chance_next(c) % (LINE - 32));
        if (w->len - begin > most || most - (w->len - begin) < 4) {
            /* The last one: filled up, or cut. */
            while (w->len - begin < most)
                writer_byte(w, 'x');
            w->len = begin + most;
        }
        writer_text(w, "\r\n");
    }
}

static void put_attachment(struct writer *w, struct chance *c, size_t until)
{
    uint8_t raw[ENCODED_LINE], encoded[80];

    while (w->len + 78 < until) {
        struct writer line = writer_of(encoded, sizeof(encoded));

        for (size_t i = 0; i < sizeof(raw); i++)
            raw[i] = (uint8_t)chance_next(c);
        base64_put(&line, span_of(raw, sizeof(raw)));
        writer_span_put(w, writer_span(&line));
        writer_text(w, "\r\n");
    }
}

#define BOUNDARY "=_wirepost-blast"

static void put_header(struct writer *w, struct chance *c, const struct blast_messages_options *o)
{
    writer_printf(w, "From: %s\r\nTo: %s\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: ",
                  o->from, o->to);
    put_words(w, c, 20);
    writer_text(w, "\r\nMIME-Version: 1.0\r\n");
}

static void put_message(struct writer *w, struct chance *c, const struct blast_messages_options *o,
                        size_t size, bool attachment)
{
    static const char end[] = "\r\n--" BOUNDARY "--\r\n";

    put_header(w, c, o);
    if (!attachment) {
        writer_text(w, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
        put_text(w, c, size);
        return;
    }
    writer_text(w, "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n\r\n"
                   "--" BOUNDARY "\r\nContent-Type: text/plain\r\n\r\n");
    put_text(w, c, w->len + 400);
    writer_text(w, "--" BOUNDARY "\r\nContent-Type: application/octet-stream\r\n"
                   "Content-Transfer-Encoding: base64\r\n"
                   "Content-Disposition: attachment; filename=\"data.bin\"\r\n\r\n");
    put_attachment(w, c, size > sizeof(end) ? size - sizeof(end) + 1 : 0);
    writer_text(w, end);
}

/* What goes beyond English words, alone or with a file. False: it does not. */
static bool put_shaped(struct writer *w, struct chance *c, const struct blast_messages_options *o,
                       size_t size, bool attachment)
{
    struct blast_shape_options shape = {
        .shape = attachment ? BLAST_SHAPE_mixed : BLAST_SHAPE_plain, .from = o->from, .to = o->to};
    bool spam = o->spam && chance_below(c, 100) < o->spam;

    if (!o->shapes && !o->languages && !o->language && !spam)
        return false;
    if (o->shapes)
        shape.shape = blast_shape_choose(c);
    shape.writing =
        blast_language_write(c, o->languages && !spam ? blast_language_choose(c) : o->language);
    shape.writing.spam = spam;
    blast_shape_put(w, c, &shape, size);
    return true;
}

/* ---- all of them ---- */

static uint64_t size_of(const struct blast_messages_options *o, struct chance *c, bool *attachment)
{
    uint64_t percent = chance_next(c) % 100;
    size_t row = 0;

    *attachment = percent < o->attachments;
    if (o->size == BLAST_SIZE_FIXED)
        return o->bytes;
    if (o->size == BLAST_SIZE_LOGNORMAL)
        return lognormal(c, (double)o->bytes, o->sigma);
    while (percent >= mix[row].percent)
        percent -= mix[row++].percent;
    *attachment = mix[row].attachment;
    return lognormal(c, mix[row].median, mix[row].sigma);
}

struct blast_messages *blast_messages_make(const struct blast_messages_options *o,
                                           struct writer *why)
{
    struct blast_messages *m = blast_text_list(o->count);

    for (uint32_t i = 0; m && i < o->count; i++) {
        struct chance c = {o->seed + 1 + (uint64_t)i * 0x632be59bd9b4e019};
        bool attachment;
        uint64_t size = size_of(o, &c, &attachment);
        size_t room = (size < BLAST_MESSAGES_LEAST ? BLAST_MESSAGES_LEAST : size) + 8192;
        uint8_t *bytes = malloc(room);
        struct writer w = writer_of(bytes, room);

        if (bytes && !put_shaped(&w, &c, o, size, attachment))
            put_message(&w, &c, o, size, attachment);
        if (!bytes || !blast_text_add(m, writer_span(&w))) {
            free(bytes);
            blast_messages_free(m);
            m = NULL;
            break;
        }
        free(bytes);
    }
    if (!m)
        writer_text(why, "messages: out of memory, or more than 2 GiB of them: fewer --texts?");
    return m;
}

bool blast_messages_size(const char *text, struct blast_messages_options *o)
{
    char median[32];
    const char *colon;
    char *end;

    o->size = BLAST_SIZE_MIX;
    if (strcmp(text, "mix") == 0)
        return true;
    o->size = BLAST_SIZE_FIXED;
    if (strncmp(text, "lognormal:", 10) != 0)
        return blast_words_bytes(text, &o->bytes) && o->bytes >= BLAST_MESSAGES_LEAST &&
               o->bytes <= SIZE_MOST;
    o->size = BLAST_SIZE_LOGNORMAL;
    text += 10;
    colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof(median))
        return false;
    memcpy(median, text, (size_t)(colon - text));
    median[colon - text] = 0;
    o->sigma = strtod(colon + 1, &end);
    return blast_words_bytes(median, &o->bytes) && o->bytes >= BLAST_MESSAGES_LEAST &&
           o->bytes <= SIZE_MOST && end != colon + 1 && !*end && o->sigma >= 0 && o->sigma <= 4;
}
