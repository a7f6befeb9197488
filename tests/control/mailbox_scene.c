/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/mailbox_scene.h"

#include <stdio.h>

#include "tests/harness/check.h"

void mailbox_scene_begin(struct mailbox_scene *s, uint64_t quota)
{
    store_scene_begin(&s->scene, "message");
    s->alice = store_fixture_account(s->scene.store, "alice@example.org", quota);
    s->inbox = store_fixture_mailbox(s->scene.store, s->alice, MESSAGE_INBOX, NULL);
    CHECK(store_mailbox_create(s->scene.store, s->alice, span_text("folder"), 0, &s->folder) ==
          STORE_OK);
}

void mailbox_scene_deliver(struct mailbox_scene *s, uint64_t first, uint32_t count, uint64_t size)
{
    for (uint32_t i = 0; i < count; i++)
        CHECK(store_scene_send(&s->scene, first + i, size, s->alice, MESSAGE_INBOX, 0) == STORE_OK);
}

enum store_status mailbox_scene_apply(struct mailbox_scene *s, enum store_change_kind kind,
                                      void *operand)
{
    struct store_change change = {.kind = (uint8_t)kind, .mark = operand};

    store_apply(s->scene.store, &change, 1);
    return change.status_out;
}

struct span mailbox_scene_blob(struct writer *w, const char *keyword)
{
    writer_blob(w, span_text(keyword));
    return writer_span(w);
}

enum store_status mailbox_scene_mark(struct mailbox_scene *s, uint32_t uid, const char *keyword)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_mark_row row = {.uid = uid, .keywords = mailbox_scene_blob(&w, keyword)};
    struct store_mark mark = {.mailbox = s->inbox, .rows = &row, .count = 1};

    return mailbox_scene_apply(s, STORE_MARK, &mark);
}

static bool keep_mailbox(void *context, const struct store_mailbox *m)
{
    struct store_mailbox *out = context;

    *out = *m;
    out->name = out->keywords = span_of(NULL, 0);
    return true;
}

struct store_mailbox mailbox_scene_show(struct mailbox_scene *s, uint64_t mailbox)
{
    struct store_mailbox m = {0};

    CHECK(store_mailbox_show(s->scene.store, mailbox, keep_mailbox, &m) == STORE_OK);
    return m;
}

static bool see(void *context, const struct store_entry *e)
{
    struct mailbox_lines *l = context;
    struct span rest = e->keywords;

    l->count++;
    if (e->modseq > l->modseq)
        l->modseq = e->modseq;
    if (l->len > sizeof(l->text) / 2)
        return true;
    l->len +=
        (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%u %u", e->uid, e->flags);
    while (rest.len >= 4) {
        uint32_t len = rest.data[3];

        l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, " %.*s", (int)len,
                                   (const char *)rest.data + 4);
        rest = span_skip(rest, 4 + len);
    }
    l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, ";");
    return true;
}

struct mailbox_lines mailbox_scene_list(struct mailbox_scene *s, uint64_t mailbox, uint32_t from)
{
    struct mailbox_lines l = {.len = 0};

    CHECK(store_entries_from(s->scene.store, mailbox, from, see, &l) == STORE_OK);
    return l;
}

bool mailbox_scene_listed(struct mailbox_scene *s, uint64_t mailbox, const char *wanted)
{
    struct mailbox_lines l = mailbox_scene_list(s, mailbox, 0);

    return CHECK_TEXT(span_of(l.text, l.len), wanted);
}

static bool add_tombstone(void *context, const struct store_entry *e)
{
    struct mailbox_lines *l = context;

    l->count++;
    l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%u;", e->uid);
    return true;
}

bool mailbox_scene_gone(struct mailbox_scene *s, uint64_t mailbox, uint64_t since,
                        const char *wanted)
{
    struct mailbox_lines l = {.len = 0};

    return CHECK(store_tombstones(s->scene.store, mailbox, since, add_tombstone, &l) == STORE_OK) &&
           CHECK_TEXT(span_of(l.text, l.len), wanted);
}

uint64_t mailbox_scene_octets(struct mailbox_scene *s)
{
    struct store_quota q = {0};

    CHECK(store_quota(s->scene.store, s->alice, &q) == STORE_OK);
    return q.octets;
}
