/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_cursor.h"
#include "proto/imap/imap_fetch.h"
#include "proto/imap/imap_flag.h"
#include "proto/imap/imap_list.h"
#include "proto/imap/imap_pattern.h"
#include "proto/imap/imap_select.h"
#include "proto/imap/imap_set.h"
#include "proto/imap/imap_status.h"
#include "proto/imap/imap_use.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RANGES = 64, SIZE_MAX_IN = 4096 };

static uint8_t scratch[SIZE_MAX_IN];

/* Numbers of a set are ascending and apart, and what it says of one number is one thing. */
static void check_set(struct imap_set *set, uint32_t largest)
{
    imap_set_resolve(set, largest);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct imap_range *r = &set->ranges[i];

        if (r->low == 0 || r->low > r->high || (i && r[-1].high + 1 >= r->low))
            abort();
        if (!imap_set_contains(set, r->low) || !imap_set_contains(set, r->high) ||
            imap_set_next(set, r->low) != r->low)
            abort();
    }
    if (imap_set_contains(set, 0))
        abort();
}

static void read_set(struct imap_cursor *c, uint32_t largest)
{
    struct imap_range ranges[RANGES];
    struct imap_set set = imap_set_of(ranges, RANGES);

    if (imap_set_parse(c, &set))
        check_set(&set, largest);
}

static void read_words(struct imap_cursor *c, uint8_t how)
{
    struct imap_flags flags;
    struct span s = {0};
    uint64_t a, b;
    int64_t seconds;
    int32_t days;
    int16_t zone;
    bool binary;

    while (!imap_cursor_end(c) && !c->bad) {
        const uint8_t *at = c->at;

        switch (how++ % 12) {
        case 0:
            (void)imap_cursor_astring(c, &s);
            break;
        case 1:
            (void)imap_cursor_space(c);
            break;
        case 2:
            (void)imap_cursor_binary(c, &s);
            break;
        case 3:
            (void)imap_cursor_nstring(c, &s);
            break;
        case 4:
            (void)imap_cursor_list_mailbox(c, &s);
            break;
        case 5:
            (void)imap_cursor_date(c, &days);
            break;
        case 6:
            (void)imap_cursor_date_time(c, &seconds, &zone);
            break;
        case 7:
            (void)imap_cursor_partial(c, &a, &b);
            break;
        case 8:
            (void)imap_flags_parse(c, &flags);
            break;
        case 9:
            (void)imap_cursor_announced(c, &a, &binary);
            break;
        case 10:
            (void)imap_cursor_nz_number64(c, &a);
            break;
        default:
            (void)imap_cursor_string(c, &s);
            break;
        }
        if (c->at < at || c->at > c->end || (!c->bad && c->at == at))
            abort();
    }
}

/* What was understood is written, and what was written is understood the same way. */
static void read_fetch(struct imap_cursor *c, bool uid)
{
    static struct imap_fetch fetch, again;
    static uint8_t out[8 * SIZE_MAX_IN], once_more[8 * SIZE_MAX_IN], other[SIZE_MAX_IN];
    struct writer w = writer_of(out, sizeof(out)), w2 = writer_of(once_more, sizeof(once_more));
    struct imap_cursor back;

    /* The reader lets no NUL through, and none is written. */
    if (memchr(c->at, 0, (size_t)(c->end - c->at)) || !imap_fetch_parse(c, uid, &fetch))
        return;
    for (unsigned i = 0; i < fetch.count; i++) {
        size_t begin = w.len;

        if (fetch.items[i].partial || fetch.items[i].kind == IMAP_FETCH_PREVIEW)
            continue;
        imap_fetch_put_name(&w, &fetch.items[i]);
        back = imap_cursor_of(span_of(out + begin, w.len - begin), false, other, sizeof(other));
        if (!imap_fetch_parse(&back, uid, &again) || again.count != 1)
            abort();
        w2.len = 0;
        imap_fetch_put_name(&w2, &again.items[0]);
        if (!span_equal(writer_span(&w2), span_of(out + begin, w.len - begin)))
            abort();
    }
}

static void read_name(struct span text, bool utf8)
{
    static struct imap_pattern pattern;
    uint8_t out[IMAP_NAME_MAX], wire[IMAP_NAME_UTF7_MAX], again[IMAP_NAME_MAX];
    struct writer w = writer_of(out, sizeof(out)), w2 = writer_of(wire, sizeof(wire)),
                  w3 = writer_of(again, sizeof(again));
    bool trailing;

    if (imap_name_read_pattern(text, utf8, &w) == IMAP_NAME_OK &&
        imap_pattern_init(&pattern, span_text(""), writer_span(&w)))
        (void)imap_pattern_match(&pattern, span_text("INBOX/aaaaaaaaaaaaaaaaaaaaaaaaaaaa/bbb"));
    w.len = 0;
    if (imap_name_read(text, utf8, &w, &trailing) != IMAP_NAME_OK)
        return;
    imap_name_to_utf7(writer_span(&w), &w2);
    if (imap_name_read(writer_span(&w2), false, &w3, NULL) != IMAP_NAME_OK ||
        !span_equal(writer_span(&w), writer_span(&w3)))
        abort();
}

/* What was read is within the arguments, and of what there is. */
static void read_list(struct imap_cursor *c, uint8_t how)
{
    static struct imap_list list;
    struct imap_use_wanted wanted;
    struct span args = span_between(c->at, c->end);

    if (how % 4 == 3) {
        if (imap_use_read_create(c, &wanted) && wanted.uses >= 1u << 8)
            abort();
        return;
    }
    if (how % 4 == 2) {
        if (imap_status_read(c) >= 1u << IMAP_STATUS_ITEMS)
            abort();
        return;
    }
    if (!(how % 4 ? imap_list_read_lsub : imap_list_read)(c, &list))
        return;
    if (list.count == 0 || list.status >= 1u << IMAP_STATUS_ITEMS ||
        list.reference.len > args.len ||
        ((list.returns & IMAP_LIST_RETURN_STATUS) && list.status == 0))
        abort();
    for (uint32_t i = 0; i < list.count && i < IMAP_LIST_PATTERNS; i++)
        if (list.patterns[i].len > args.len)
            abort();
}

/* Pairs ascend, as many as either set says. */
static void read_select(struct imap_cursor *c)
{
    static struct imap_range ranges[SIZE_MAX_IN / 2 + 1];
    struct imap_select_pair pair = {0};
    struct imap_select s;
    uint64_t count = 0;

    if (!imap_select_parse(c, ranges, (uint32_t)(c->end - c->at) / 2 + 1, &s) || !s.matched)
        return;
    for (struct imap_select_pair last = pair; count < 1000 && imap_select_pair(&s, &pair);
         count++) {
        if (pair.number <= last.number || pair.uid <= last.uid ||
            !imap_set_contains(&s.match_numbers, pair.number) ||
            !imap_set_contains(&s.match_uids, pair.uid))
            abort();
        last = pair;
    }
    if (count < 1000 && count != imap_set_size(&s.match_uids))
        abort();
}

/* Arguments of all kinds: never outside, never without getting on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct imap_cursor c;
    uint8_t how;

    if (size < 1 || size > SIZE_MAX_IN)
        return 0;
    how = data[0];
    /* Memory of its own, so that the sanitizer sees its end. */
    data = memcpy(malloc(size), data + 1, size - 1);
    c = imap_cursor_of(span_of(data, size - 1), how & 1, scratch, sizeof(scratch));
    if (how >= 224)
        read_fetch(&c, how & 2);
    else if (how >= 192)
        read_name(span_of(data, size - 1), how & 2);
    else if (how >= 160)
        read_select(&c);
    else if (how >= 128)
        read_set(&c, how & 2 ? UINT32_MAX : how & 4 ? 0 : 7);
    else if (how >= 96)
        read_list(&c, how);
    else
        read_words(&c, how);
    free((void *)(uintptr_t)data);
    return 0;
}
