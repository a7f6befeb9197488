/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/mail/mail_index_part.h"
#include "proto/base/tally.h"

/*
 * A question is answered in slices, so that those of others get their turn: first which messages of
 * the mailbox are in the index, then for each text the documents that have its trigrams, which are
 * looked through; where it has none, all of the mailbox are.
 */
enum {
    PAGE = 1024, /* of what is listed at a time */
    PLACES = 64, /* UIDs of one document, likewise */
};

struct index_page {
    bool listed;
    bool by_document; /* `documents`, else `entries` */
    bool last;        /* nothing is behind it */
    uint32_t count, at;
    char query[MAIL_INDEX_QUERY];
    int64_t documents[PAGE];
    struct mail_index_entry entries[PAGE];
};

struct mail_index_query *mail_index_query_new(uint64_t account, uint64_t mailbox,
                                              const struct mail_grep *what, uint32_t count,
                                              void (*done)(void *context), void *context)
{
    struct mail_index_query *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    *q = (struct mail_index_query){.account = account,
                                   .mailbox = mailbox,
                                   .what = what,
                                   .count = count,
                                   .done = done,
                                   .context = context,
                                   .hits = calloc(count + 1, sizeof(*q->hits)),
                                   .page = calloc(1, sizeof(*q->page))};
    if (q->hits && q->page)
        return q;
    mail_index_query_free(q);
    return NULL;
}

void mail_index_query_free(struct mail_index_query *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; q->hits && i < q->count; i++)
        free(q->hits[i].uids);
    free(q->hits);
    free(q->page);
    free(q->known);
    free(q);
}

/* ---- the answer ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static bool has(const uint32_t *uids, uint32_t count, uint32_t uid)
{
    return count > 0 && bsearch(&uid, uids, count, sizeof(*uids), by_number);
}

enum mail_index_answer mail_index_query_answer(const struct mail_index_query *q, uint32_t which,
                                               uint32_t uid)
{
    const struct index_hits *hits = &q->hits[which];

    if (!hits->whole)
        return MAIL_INDEX_UNKNOWN;
    if (has(hits->uids, hits->count, uid))
        return MAIL_INDEX_YES;
    return has(q->known, q->known_count, uid) ? MAIL_INDEX_NO : MAIL_INDEX_UNKNOWN;
}

static bool put(uint32_t **uids, uint32_t *count, uint32_t *cap, uint32_t uid)
{
    if (*count == *cap) {
        uint32_t more = *cap ? 2 * *cap : 256;
        uint32_t *grown = realloc(*uids, more * sizeof(**uids));

        if (!grown)
            return false;
        *uids = grown;
        *cap = more;
    }
    (*uids)[(*count)++] = uid;
    return true;
}

static bool put_hit(struct mail_index_query *q, uint32_t uid)
{
    struct index_hits *hits = &q->hits[q->which];

    return put(&hits->uids, &hits->count, &hits->cap, uid);
}

/* ---- slices ---- */

/* False: a fault, or no memory. */
static bool list_known(struct mail_index_query *q, struct mail_index_file *file)
{
    struct index_page *p = q->page;

    if (mail_index_file_entries(file, q->mailbox, q->uid, p->entries, PAGE, &p->count) !=
        MAIL_INDEX_FINE)
        return false;
    for (uint32_t i = 0; i < p->count; i++)
        if (!p->entries[i].partial &&
            !put(&q->known, &q->known_count, &q->known_cap, p->entries[i].uid))
            return false;
    q->all_known = p->count < PAGE;
    q->uid = q->all_known ? 0 : p->entries[PAGE - 1].uid + 1;
    return true;
}

static bool put_places(struct mail_index_query *q, struct mail_index_file *file, int64_t document)
{
    uint32_t uids[PLACES], count, uid = 0;

    do {
        count = mail_index_file_places(file, document, q->mailbox, uid, uids, PLACES);
        for (uint32_t i = 0; i < count; i++)
            if (!put_hit(q, uids[i]))
                return false;
        uid = count ? uids[count - 1] + 1 : 0;
    } while (count == PLACES);
    return true;
}

static bool list_page(struct mail_index_query *q, struct mail_index_file *file)
{
    struct index_page *p = q->page;

    if (!p->listed)
        p->by_document = mail_index_text_query(&q->what[q->which], p->query);
    p->listed = true;
    p->at = 0;
    if (p->by_document)
        mail_index_file_candidates(file, p->query, q->document, p->documents, PAGE, &p->count);
    else
        mail_index_file_entries(file, q->mailbox, q->uid, p->entries, PAGE, &p->count);
    p->last = p->count < PAGE;
    if (p->count > 0 && p->by_document)
        q->document = p->documents[p->count - 1];
    else if (p->count > 0)
        q->uid = p->entries[p->count - 1].uid + 1;
    return mail_index_file_fault(file) == MAIL_INDEX_FINE;
}

static bool look_through(struct mail_index_query *q, struct mail_index_file *file)
{
    struct index_page *p = q->page;
    int64_t document = p->by_document ? p->documents[p->at] : p->entries[p->at].document;
    bool found = false;

    if (document &&
        mail_index_file_find(file, document, &q->what[q->which], &found) != MAIL_INDEX_FINE)
        return false;
    if (found && p->by_document)
        return put_places(q, file, document);
    return !found || put_hit(q, p->entries[p->at].uid);
}

/* The text is looked for everywhere. */
static void end_text(struct mail_index_query *q)
{
    struct index_hits *hits = &q->hits[q->which];

    if (hits->count > 0)
        qsort(hits->uids, hits->count, sizeof(*hits->uids), by_number);
    hits->whole = true;
    q->which++;
    q->uid = 0;
    q->document = 0;
    *q->page = (struct index_page){.listed = false};
}

/* False: it is over. */
static bool go_on(struct mail_index_query *q, struct mail_index_file *file)
{
    struct index_page *p = q->page;

    if (!q->all_known)
        return list_known(q, file);
    if (q->which == q->count)
        return false;
    if (!p->listed || (p->at == p->count && !p->last))
        return list_page(q, file);
    if (p->at == p->count) {
        end_text(q);
        return true;
    }
    if (!look_through(q, file))
        return false;
    p->at++;
    return true;
}

/* What the store has and the file has not is found and indexed, if nothing else has told of it. */
static void check_mailbox(struct mail_index *index, struct mail_index_query *q,
                          struct mail_index_file *file)
{
    struct store_mailbox m;
    struct mail_index_box box = {0};

    if (index_feed_show(index, q->mailbox, &m) != STORE_OK || m.account != q->account ||
        m.messages == 0)
        return;
    if (file)
        mail_index_file_box(file, q->mailbox, &box);
    if (box.uid_validity != m.uid_validity || box.uid_next != m.uid_next)
        index_feed_put(index, q->mailbox, q->account);
}

static void take(struct mail_index *index)
{
    struct mail_index_query *q = index->queries;

    index->queries = q->next;
    if (!index->queries)
        index->queries_end = &index->queries;
    q->next = NULL;
}

/* The file was damaged: what it said before may be wrong, too. */
static void distrust(struct mail_index_query *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        q->hits[i].whole = false;
    q->which = 0;
}

static void end(struct mail_index *index, struct mail_index_query *q)
{
    tally_add(&index->searches, 1);
    tally_add(&index->unanswered, q->which < q->count);
    q->done(q->context);
}

void index_query_slice(struct mail_index *index, uint64_t until_ns)
{
    struct mail_index_query *q = index->queries;
    struct mail_index_file *file = index_folder_file(index, q->account, false);
    bool more = file != NULL && clock_monotonic_ms() < q->deadline_ms;

    if (!q->all_known && q->known_count == 0)
        check_mailbox(index, q, file);
    while (more && clock_monotonic_ns() < until_ns)
        more = go_on(q, file);
    take(index);
    if (file && index_folder_settle(index, q->account) != MAIL_INDEX_FINE) {
        more = false;
        distrust(q);
    }
    if (!more) {
        end(index, q);
        return;
    }
    *index->queries_end = q;
    index->queries_end = &q->next;
}

void index_query_cancel(struct mail_index *index)
{
    while (index->queries) {
        struct mail_index_query *q = index->queries;

        take(index);
        end(index, q);
    }
}
