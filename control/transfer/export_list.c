/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/export_list.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROW = 128 + STORE_NAME };

struct making {
    struct store *store;
    struct export_list *list;
    bool failed;
};

static bool note_inbox(void *context, const struct store_mailbox *m)
{
    struct making *x = context;

    if (m->place == MESSAGE_INBOX) {
        x->list->mailbox = m->id;
        x->list->uid_validity = m->uid_validity;
    }
    return true;
}

static void put(struct export_list *l, const char *text, size_t len)
{
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static bool note_sender(void *context, const struct store_message *m)
{
    struct export_list *l = context;
    struct span s = m->envelope.sender;

    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] == 0x7f)
            return false;
    put(l, (const char *)s.data, s.len < STORE_NAME ? s.len : 0);
    return false;
}

static bool note_entry(void *context, const struct store_entry *e)
{
    static const char forwarded[] = "$Forwarded";
    struct making *x = context;
    struct export_list *l = x->list;
    char *grown;
    int n;

    if (l->cap - l->len < ROW) {
        l->cap = l->cap ? 2 * l->cap : 64 * ROW;
        grown = realloc(l->text, l->cap);
        x->failed = !grown;
        if (!grown)
            return false;
        l->text = grown;
    }
    n = snprintf(l->text + l->len, l->cap - l->len, "%u %llu %u %d ", e->uid,
                 (unsigned long long)e->internal_ms, e->flags,
                 e->keywords.len && memmem(e->keywords.data, e->keywords.len, forwarded,
                                           sizeof(forwarded) - 1) != NULL);
    l->len += (size_t)n;
    store_message_show(x->store, &e->message, note_sender, l);
    put(l, "\n", 1);
    return true;
}

bool export_list_make(struct store *store, uint64_t account, struct export_list *list)
{
    struct making x = {.store = store, .list = list};

    *list = (struct export_list){.cap = 0};
    if (store_mailboxes(store, account, note_inbox, &x) == STORE_OK && list->mailbox &&
        store_entries(store, list->mailbox, note_entry, &x) == STORE_OK && !x.failed)
        return true;
    export_list_free(list);
    return false;
}

void export_list_free(struct export_list *list)
{
    free(list->text);
    *list = (struct export_list){.cap = 0};
}

static bool take_number(struct span *text, uint64_t most, uint64_t *out)
{
    size_t i = 0;

    *out = 0;
    while (i < text->len && (uint8_t)(text->data[i] - '0') <= 9 && *out <= most / 10)
        *out = *out * 10 + (uint64_t)(text->data[i++] - '0');
    if (i == 0 || i == text->len || text->data[i] != ' ' || *out > most)
        return false;
    *text = span_skip(*text, i + 1);
    return true;
}

bool export_list_next(struct span *text, struct export_row *row)
{
    uint64_t uid, flags, forwarded;
    ptrdiff_t end;

    if (!take_number(text, UINT32_MAX, &uid) || !take_number(text, UINT64_MAX, &row->date_ms) ||
        !take_number(text, UINT32_MAX, &flags) || !take_number(text, 1, &forwarded))
        return false;
    end = span_find(*text, '\n');
    if (end < 0)
        return false;
    row->uid = (uint32_t)uid;
    row->flags = (uint32_t)flags;
    row->forwarded = forwarded == 1;
    row->sender = span_head(*text, (size_t)end);
    *text = span_skip(*text, (size_t)end + 1);
    return true;
}
