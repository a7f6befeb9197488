/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_binary.h"

#include <stdlib.h>

#include "proto/imap/imap_extent.h"
#include "proto/mime/mime_content_type.h"

enum phase {
    PHASE_READY,
    PHASE_SCAN, /* how long it is, and is there a NUL? */
    PHASE_SKIP, /* up to where what is sent begins */
};

static void start(struct mail_part *part, enum phase phase)
{
    struct mail_decode *d = part->decode;
    const struct mail_source source = d->source;

    part->phase = (uint8_t)phase;
    mail_decode_init(d, &source, d->begin, d->end, (enum mail_decode_kind)d->kind);
}

bool mail_binary_begin(struct mail_part *part, const struct mail_source *source,
                       const struct imap_fetch_item *item, const struct imap_extent *extent)
{
    enum mail_decode_kind kind = MAIL_DECODE_NONE;

    part->unknown = extent->leaf && !mail_decode_knows(extent->encoding, &kind);
    if (part->unknown)
        return true;
    if (item->kind == IMAP_FETCH_BINARY_SIZE) {
        part->total = kind == MAIL_DECODE_NONE ? extent->len : extent->decoded;
        return true;
    }
    part->decode = malloc(sizeof(*part->decode));
    if (!part->decode)
        return false;
    mail_decode_init(part->decode, source, extent->offset, extent->offset + extent->len, kind);
    part->phase = PHASE_SCAN;
    return true;
}

/* [from, to) of the decoded octets is wanted: the part of `run` that lies in it. */
static struct span wanted(const struct imap_fetch_item *item, struct span run, uint64_t at)
{
    uint64_t from = item->partial ? item->offset : 0;
    uint64_t to = item->partial && item->len < UINT64_MAX - from ? from + item->len : UINT64_MAX;

    if (to <= at || from >= at + run.len)
        return span_of(NULL, 0);
    run = span_head(run, to - at);
    return from > at ? span_skip(run, (size_t)(from - at)) : run;
}

static void end_scan(struct mail_part *part, const struct imap_fetch_item *item)
{
    struct mail_decode *d = part->decode;

    part->total = d->given;
    if (d->kind == MAIL_DECODE_NONE) {
        free(d);
        part->decode = NULL;
        part->phase = PHASE_READY;
        return;
    }
    start(part, PHASE_SKIP);
    part->skip = item->partial && item->offset < part->total ? item->offset
                 : item->partial                             ? part->total
                                                             : 0;
}

static void scan(struct mail_part *part, const struct imap_fetch_item *item)
{
    struct mail_decode *d = part->decode;
    struct span run = mail_decode_next(d), in = wanted(item, run, d->given - run.len);

    part->nul = part->nul || (in.len && memchr(in.data, 0, in.len));
    part->failed = d->failed;
    if (run.len == 0)
        end_scan(part, item);
}

static void skip(struct mail_part *part)
{
    struct mail_decode *d = part->decode;
    struct span run;

    if (part->skip == 0) {
        part->phase = PHASE_READY;
        return;
    }
    run = mail_decode_take(d, part->skip < SIZE_MAX ? (size_t)part->skip : SIZE_MAX);
    part->skip -= run.len;
    part->failed = run.len == 0;
}

bool mail_binary_step(struct mail_part *part, const struct imap_fetch_item *item)
{
    uint64_t from = part->decode ? part->decode->at : 0;

    while (part->phase != PHASE_READY && !part->failed) {
        uint8_t before = part->phase;

        if (part->phase == PHASE_SCAN)
            scan(part, item);
        else
            skip(part);
        if (part->phase != before || (part->decode && part->decode->at - from > MAIL_BINARY_STEP))
            break;
    }
    return part->phase == PHASE_READY || part->failed;
}

bool mail_binary_in(struct span tree)
{
    struct mime_tree_read read;
    struct mime_tree_part part;

    if (!mime_tree_read_init(&read, tree))
        return false;
    while (mime_tree_read_next(&read, &part) == MIME_TREE_NEXT)
        if (part.encoding == MIME_ENCODING_BINARY)
            return true;
    return false;
}
