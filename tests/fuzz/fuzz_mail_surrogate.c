/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part tree of a surrogate: of a tree as a damaged disk might give it, and of any places. The
 * first byte says how many places there are, six bytes each; the rest is the tree.
 */
#include <stdlib.h>

#include "control/mail/mail_surrogate_tree.h"
#include "proto/base/utf8.h"

enum { PLACES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span take_places(struct span in, struct mail_places *p)
{
    uint32_t count = in.len ? in.data[0] % PLACES : 0;
    uint64_t was_at = 0;

    in = span_skip(in, 1);
    for (; p->count < count && in.len >= 6; in = span_skip(in, 6)) {
        struct mail_place *place = &p->list[p->count++];

        *place = (struct mail_place){.at = p->size,
                                     .len = (uint64_t)in.data[0] << 4 | (in.data[1] & 15),
                                     .was_at = was_at,
                                     .was = (uint64_t)in.data[2] << 4 | (in.data[3] & 15),
                                     .lines = (int8_t)in.data[4],
                                     .text = in.data[5] & 1};
        if (!place->text)
            place->len = place->was;
        p->size += place->len;
        was_at += place->was;
    }
    return in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[1 << 20];
    struct mail_place list[PLACES];
    struct mail_places places = {.list = list};
    struct span tree = take_places(span_of(data, size), &places);
    struct writer w = writer_of(out, sizeof(out));
    enum mime_tree_status status;
    struct mime_tree_part part;
    struct mime_tree_read read;

    if (!mail_surrogate_tree(tree, &places, &w) || w.len == 0)
        return 0;
    if (!mime_tree_read_init(&read, writer_span(&w)) || mime_tree_utf8(writer_span(&w)))
        abort();
    while ((status = mime_tree_read_next(&read, &part)) == MIME_TREE_NEXT) {
        if (part.body_offset > places.size || part.body_len > places.size - part.body_offset)
            abort();
        for (unsigned tag = 0; tag < MIME_TREE_TAGS; tag++)
            if (tag != MIME_TREE_FILENAME && utf8_needed(part.attributes[tag]))
                abort();
    }
    if (status != MIME_TREE_DONE)
        abort();
    for (uint64_t at = 0; at <= places.size; at += 1 + at / 3) {
        const struct mail_place *place = mail_places_find(&places, at);

        if ((at < places.size) != (place != NULL) ||
            (place && (at < place->at || at - place->at >= place->len)))
            abort();
    }
    return 0;
}
