/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/api/api_json.h"
#include "control/api/api_call.h"
#include "control/config/config_settings.h"
#include "proto/address/address.h"

/*
 * Pages: entries in the order of their keys, from behind the one that the cursor names. The cursor
 * is that key in hexadecimal, of an entry that was shown: it says nothing that was not told, and
 * what is put and removed between two pages moves none.
 */
struct page {
    const struct api_call *call;
    enum directory_row_kind kind;
    struct span domain; /* key; empty: all that the token may see */
    struct span behind; /* key of a row, with its kind; empty: the first */
    json_t *items;
    bool more;
    uint8_t last[DIRECTORY_ROW_KEY];
    size_t last_len;
};

static bool is_of(const struct page *p, struct span key)
{
    struct span domain = key;

    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '@')
            domain = span_skip(key, i + 1);
    return api_may_domain(p->call, domain) && (!p->domain.len || span_equal(domain, p->domain));
}

static bool note(void *context, const struct store_directory_row *row)
{
    struct page *p = context;
    struct span key = span_skip(row->key, 1);
    struct directory_admin_row *read;

    if (row->key.data[0] != p->kind)
        return false;
    if (!is_of(p, key) || span_equal(row->key, p->behind) || row->key.len > sizeof(p->last))
        return true;
    if (json_array_size(p->items) == p->call->limit) {
        p->more = true;
        return false;
    }
    read = calloc(1, sizeof(*read));
    if (!read)
        return false;
    read->kind = p->kind;
    if (api_json_read(row->value, read)) {
        json_array_append_new(p->items, api_json_row(key, read));
        memcpy(p->last, row->key.data, row->key.len);
        p->last_len = row->key.len;
    }
    free(read);
    return true;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* cursor = 1*(2HEXDIG) */
static bool read_cursor(struct span text, struct writer *w)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = digit(text.data[i]), low = digit(text.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        writer_byte(w, (uint8_t)(high << 4 | low));
    }
    return text.len % 2 == 0 && !w->full;
}

static json_t *cursor_of_page(const struct page *p)
{
    char text[2 * DIRECTORY_ROW_KEY];
    struct writer w = writer_of(text, sizeof(text));

    for (size_t i = 1; i < p->last_len; i++)
        writer_hex(&w, p->last[i], 2);
    return p->more && w.len ? json_stringn(text, w.len) : json_null();
}

void api_list(const struct api_call *call, struct api_answer *answer)
{
    uint8_t bytes[ADDRESS_KEY_MAX], start_bytes[DIRECTORY_ROW_KEY];
    struct writer domain = writer_of(bytes, sizeof(bytes));
    struct writer start = writer_of(start_bytes, sizeof(start_bytes));
    struct page p = {.call = call, .kind = DIRECTORY_ROW_ALIAS};
    enum store_status status;

    if (call->match.operation != API_ALIAS_LIST)
        p.kind = call->match.operation == API_ACCOUNT_LIST ? DIRECTORY_ROW_ACCOUNT
                                                           : DIRECTORY_ROW_DOMAIN;
    writer_byte(&start, (uint8_t)p.kind);
    if ((call->domain.len && !config_domain_key(&domain, call->domain)) ||
        !read_cursor(call->cursor, &start)) {
        api_refuse(answer, API_PROBLEM_BAD_QUERY, span_of(NULL, 0));
        return;
    }
    p.domain = writer_span(&domain);
    if (p.domain.len && !api_may_domain(call, p.domain)) {
        api_refuse(answer, API_PROBLEM_FORBIDDEN, span_of(NULL, 0));
        return;
    }
    p.behind = start.len > 1 ? writer_span(&start) : span_of(NULL, 0);
    p.items = json_array();
    status = store_directory_walk(call->context->mail->store, writer_span(&start), note, &p);
    answer->status = 200;
    answer->body = json_pack("{s:o, s:o}", "items", p.items, "next", cursor_of_page(&p));
    if (status != STORE_OK)
        api_refuse(answer, API_PROBLEM_UNAVAILABLE, span_text(store_status_name(status)));
}
