/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_esearch.h"

#include "proto/imap/imap_search.h"
#include "proto/imap/imap_write.h"

static void put_number(struct writer *w, const char *name, uint64_t n)
{
    writer_text(w, name);
    writer_number(w, n);
}

/*
 * esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
 * search-correlator = SP "(" "TAG" SP tag-string ")"
 */
bool imap_esearch_put(struct writer *w, struct span tag, const struct imap_esearch *answer)
{
    const struct imap_esearch *a = answer;
    bool all = a->count && a->wanted & IMAP_RETURN_ALL;

    writer_text(w, "* ESEARCH (TAG ");
    imap_write_quoted(w, tag);
    writer_text(w, a->uid ? ") UID" : ")");
    if (a->count && a->wanted & IMAP_RETURN_MIN)
        put_number(w, " MIN ", a->min);
    if (a->count && a->wanted & IMAP_RETURN_MAX)
        put_number(w, " MAX ", a->max);
    if (a->wanted & IMAP_RETURN_COUNT)
        put_number(w, " COUNT ", a->count);
    if (all)
        writer_text(w, " ALL ");
    return all;
}

void imap_esearch_end(struct writer *w, const struct imap_esearch *answer)
{
    if (answer->count && answer->modseq)
        put_number(w, " MODSEQ ", answer->modseq);
    writer_text(w, "\r\n");
}
