/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_row.h"

#include "proto/base/cursor.h"

enum { VERSION = 1 };

void directory_row_key(struct writer *w, enum directory_row_kind kind, struct span name)
{
    writer_byte(w, (uint8_t)kind);
    writer_span_put(w, name);
}

static void put_list(struct writer *w, const struct directory_row_list *list)
{
    writer_uint(w, list->count, 2);
    for (uint32_t i = 0; i < list->count; i++)
        writer_blob(w, list->name[i]);
}

static bool read_list(struct cursor *c, struct directory_row_list *list_out)
{
    list_out->count = (uint32_t)cursor_uint(c, 2);
    if (list_out->count > DIRECTORY_ROW_NAMES)
        return false;
    for (uint32_t i = 0; i < list_out->count; i++)
        list_out->name[i] = cursor_blob(c);
    return !c->bad;
}

/* A flag is 0 or 1, so that what is read is written again as it was. */
static bool read_flag(struct cursor *c)
{
    uint8_t value = (uint8_t)cursor_uint(c, 1);

    c->bad = c->bad || value > 1;
    return value;
}

static bool begin(struct cursor *c)
{
    return cursor_uint(c, 1) == VERSION;
}

static bool end(const struct cursor *c)
{
    return !c->bad && cursor_left(c) == 0;
}

/* {version, disabled, quota, mailbox, hash, keys of SCRAM-SHA-1, of SCRAM-SHA-256, list} */
void directory_row_put_account(struct writer *w, const struct directory_row_account *row)
{
    writer_byte(w, VERSION);
    writer_byte(w, row->disabled);
    writer_uint(w, row->quota, 8);
    writer_blob(w, row->mailbox);
    writer_blob(w, row->hash);
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        writer_blob(w, row->scram[i]);
    put_list(w, &row->send_as);
}

bool directory_row_read_account(struct span value, struct directory_row_account *row_out)
{
    struct cursor c = cursor_of(value);

    if (!begin(&c))
        return false;
    row_out->disabled = read_flag(&c);
    row_out->quota = cursor_uint(&c, 8);
    row_out->mailbox = cursor_blob(&c);
    row_out->hash = cursor_blob(&c);
    row_out->scram[SCRAM_NONE] = span_of(NULL, 0);
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        row_out->scram[i] = cursor_blob(&c);
    return read_list(&c, &row_out->send_as) && end(&c);
}

/* {version, class, detail separator, greylist, two scores, tenant, catch-all} */
void directory_row_put_domain(struct writer *w, const struct directory_row_domain *row)
{
    const struct directory_policy *p = &row->policy;

    writer_byte(w, VERSION);
    writer_byte(w, p->class);
    writer_byte(w, p->detail_separator);
    writer_byte(w, p->greylist);
    writer_uint(w, (uint32_t)p->quarantine_score, 4);
    writer_uint(w, (uint32_t)p->reject_score, 4);
    writer_blob(w, p->tenant);
    writer_blob(w, row->catch_all);
}

bool directory_row_read_domain(struct span value, struct directory_row_domain *row_out)
{
    struct directory_policy *p = &row_out->policy;
    struct cursor c = cursor_of(value);

    if (!begin(&c))
        return false;
    *p = (struct directory_policy){.known = true};
    p->class = (uint8_t)cursor_uint(&c, 1);
    p->detail_separator = (uint8_t)cursor_uint(&c, 1);
    p->greylist = read_flag(&c);
    p->quarantine_score = (int32_t)cursor_uint(&c, 4);
    p->reject_score = (int32_t)cursor_uint(&c, 4);
    p->tenant = cursor_blob(&c);
    row_out->catch_all = cursor_blob(&c);
    return end(&c) && p->class <= DIRECTORY_REFUSED && p->tenant.len;
}

/* {version, list} */
void directory_row_put_alias(struct writer *w, const struct directory_row_alias *row)
{
    writer_byte(w, VERSION);
    put_list(w, &row->members);
}

bool directory_row_read_alias(struct span value, struct directory_row_alias *row_out)
{
    struct cursor c = cursor_of(value);

    return begin(&c) && read_list(&c, &row_out->members) && end(&c) && row_out->members.count;
}
