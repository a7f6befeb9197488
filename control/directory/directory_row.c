/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_row.h"

#include "proto/base/cursor.h"

/* FORWARDING: with a list of forwards, which is not empty. Who does not know it reads no such row,
 * and says that it cannot tell where the address leads. */
enum { VERSION = 1, FORWARDING = 2 };

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

/* {version, ...}; *forwarding_out: it is the second. */
static bool begin_either(struct cursor *c, bool *forwarding_out)
{
    uint8_t version = (uint8_t)cursor_uint(c, 1);

    *forwarding_out = version == FORWARDING;
    return version == VERSION || version == FORWARDING;
}

static void put_version(struct writer *w, const struct directory_row_list *forward)
{
    writer_byte(w, forward->count ? FORWARDING : VERSION);
}

static bool read_forward(struct cursor *c, bool forwarding, struct directory_row_list *list_out)
{
    list_out->count = 0;
    return !forwarding || (read_list(c, list_out) && list_out->count);
}

/* {version, disabled, quota, mailbox, hash, keys of SCRAM-SHA-1, of SCRAM-SHA-256, list}; in the
 * second version then {keep_copy, list of forwards} */
void directory_row_put_account(struct writer *w, const struct directory_row_account *row)
{
    put_version(w, &row->forward);
    writer_byte(w, row->disabled);
    writer_uint(w, row->quota, 8);
    writer_blob(w, row->mailbox);
    writer_blob(w, row->hash);
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        writer_blob(w, row->scram[i]);
    put_list(w, &row->send_as);
    if (!row->forward.count)
        return;
    writer_byte(w, row->keep_copy);
    put_list(w, &row->forward);
}

bool directory_row_read_account(struct span value, struct directory_row_account *row_out)
{
    struct cursor c = cursor_of(value);
    bool forwarding;

    if (!begin_either(&c, &forwarding))
        return false;
    row_out->disabled = read_flag(&c);
    row_out->quota = cursor_uint(&c, 8);
    row_out->mailbox = cursor_blob(&c);
    row_out->hash = cursor_blob(&c);
    row_out->scram[SCRAM_NONE] = span_of(NULL, 0);
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        row_out->scram[i] = cursor_blob(&c);
    if (!read_list(&c, &row_out->send_as))
        return false;
    row_out->keep_copy = forwarding ? read_flag(&c) : true;
    return read_forward(&c, forwarding, &row_out->forward) && end(&c);
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

/* {version, list}; in the second version then {list of forwards} */
void directory_row_put_alias(struct writer *w, const struct directory_row_alias *row)
{
    put_version(w, &row->forward);
    put_list(w, &row->members);
    if (row->forward.count)
        put_list(w, &row->forward);
}

bool directory_row_read_alias(struct span value, struct directory_row_alias *row_out)
{
    struct cursor c = cursor_of(value);
    bool forwarding;

    return begin_either(&c, &forwarding) && read_list(&c, &row_out->members) &&
           read_forward(&c, forwarding, &row_out->forward) && end(&c) &&
           row_out->members.count + row_out->forward.count;
}

/* {version, id, key} */
void directory_row_put_unique(struct writer *w, const struct directory_row_unique *row)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->id, 8);
    writer_blob(w, row->key);
}

bool directory_row_read_unique(struct span value, struct directory_row_unique *row_out)
{
    struct cursor c = cursor_of(value);

    if (!begin(&c))
        return false;
    row_out->id = cursor_uint(&c, 8);
    row_out->key = cursor_blob(&c);
    return end(&c) && row_out->id && row_out->key.len;
}
