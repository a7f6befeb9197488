/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/store_backend.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/directory/directory_admin.h"
#include "control/directory/directory_pool.h"
#include "control/directory/directory_row.h"
#include "control/store/store_directory.h"

enum {
    THREADS = 2,
    WAITING = 4096,
    DEPTH = 4,    /* of aliases that lead to aliases */
    STEPS = 4096, /* rows that one question may take */
};

struct store_backend {
    struct directory_backend backend;
    struct store_backend_options options;
    struct directory_pool *pool;
    uint32_t steps[THREADS]; /* rows that the question has taken */
    uint8_t value[THREADS][1 + DEPTH][DIRECTORY_ROW_VALUE];
};

/* What one thread works on. */
struct answering {
    struct store_backend *backend;
    struct directory_question *question;
    uint32_t thread;
};

/* The row's value, in the thread's memory for that depth. */
static enum store_status find(const struct answering *a, enum directory_row_kind kind,
                              struct span name, uint32_t depth, struct span *value_out)
{
    uint8_t bytes[DIRECTORY_ROW_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct writer value = writer_of(a->backend->value[a->thread][depth], DIRECTORY_ROW_VALUE);
    enum store_status status;

    directory_row_key(&key, kind, name);
    if (key.full)
        return STORE_NONE;
    if (a->backend->steps[a->thread]++ == STEPS)
        return STORE_FAILED;
    status = store_directory_find(a->backend->options.store, writer_span(&key), &value);
    *value_out = writer_span(&value);
    return status;
}

static enum directory_result result_of(enum store_status status)
{
    return status == STORE_OK     ? DIRECTORY_FOUND
           : status == STORE_NONE ? DIRECTORY_NOBODY
                                  : DIRECTORY_UNAVAILABLE;
}

static struct span domain_of(struct span key)
{
    size_t at = key.len;

    while (at > 0 && key.data[at - 1] != '@')
        at--;
    return span_skip(key, at);
}

static enum directory_result find_domain(const struct answering *a, struct span name,
                                         struct directory_row_domain *row_out)
{
    struct span value;
    enum store_status status = find(a, DIRECTORY_ROW_DOMAIN, name, DEPTH, &value);

    if (status == STORE_OK && !directory_row_read_domain(value, row_out))
        return DIRECTORY_UNAVAILABLE;
    return result_of(status);
}

/* ---- members ---- */

static bool has_member(const struct directory_answer *answer, struct span key)
{
    for (uint32_t i = 0; i < answer->count; i++)
        if (span_equal(answer->members[i].key, key))
            return true;
    return false;
}

static enum directory_result add_elsewhere(const struct answering *a, struct span key)
{
    struct directory_member *m = directory_member(a->question);

    if (!m)
        return DIRECTORY_UNAVAILABLE;
    m->key = directory_text(a->question, key);
    m->elsewhere = true;
    return a->question->answer.text.full ? DIRECTORY_UNAVAILABLE : DIRECTORY_FOUND;
}

/* What goes on to other servers. Of a login nobody asks for that. */
static enum directory_result add_forwards(const struct answering *a, struct span forwarder,
                                          const struct directory_row_list *list)
{
    struct directory_question *q = a->question;

    if (q->kind != DIRECTORY_ASK_ADDRESS && q->kind != DIRECTORY_ASK_DOMAIN)
        return DIRECTORY_FOUND;
    for (uint32_t i = 0; i < list->count; i++) {
        struct directory_member *m = directory_member(q);

        if (!m)
            return DIRECTORY_UNAVAILABLE;
        m->mailbox = directory_text(q, forwarder);
        m->forward = directory_text(q, list->name[i]);
    }
    return q->answer.text.full ? DIRECTORY_UNAVAILABLE : DIRECTORY_FOUND;
}

static enum directory_result add_account(const struct answering *a, struct span key,
                                         const struct directory_row_account *row)
{
    struct directory_question *q = a->question;
    struct directory_row_domain domain;
    struct directory_member *m;
    enum directory_result result = find_domain(a, domain_of(key), &domain);

    if (result == DIRECTORY_UNAVAILABLE)
        return result;
    m = directory_member(q);
    if (!m)
        return DIRECTORY_UNAVAILABLE;
    m->key = directory_text(q, key);
    m->mailbox = directory_text(q, row->mailbox);
    m->quota = row->quota;
    m->no_copy = row->forward.count && !row->keep_copy;
    if (result == DIRECTORY_FOUND) {
        m->policy = domain.policy;
        m->policy.tenant = directory_text(q, domain.policy.tenant);
    }
    return add_forwards(a, row->mailbox, &row->forward);
}

static enum directory_result add(const struct answering *a, struct span key, uint32_t depth);

static enum directory_result add_alias(const struct answering *a, struct span key, uint32_t depth)
{
    struct directory_row_alias row;
    struct span value;
    enum store_status status = find(a, DIRECTORY_ROW_ALIAS, key, depth, &value);
    enum directory_result result = DIRECTORY_FOUND;

    if (status != STORE_OK)
        return result_of(status);
    if (!directory_row_read_alias(value, &row))
        return DIRECTORY_UNAVAILABLE;
    for (uint32_t i = 0; i < row.members.count && result == DIRECTORY_FOUND; i++) {
        if (has_member(&a->question->answer, row.members.name[i]))
            continue;
        result = add(a, row.members.name[i], depth + 1);
        if (result == DIRECTORY_NOBODY)
            result = add_elsewhere(a, row.members.name[i]);
    }
    return result == DIRECTORY_FOUND ? add_forwards(a, key, &row.forward) : result;
}

/* What the key leads to. Aliases deeper than DEPTH lead nowhere. */
static enum directory_result add(const struct answering *a, struct span key, uint32_t depth)
{
    struct directory_row_account row;
    struct span value;
    enum store_status status;

    if (depth >= DEPTH)
        return DIRECTORY_NOBODY;
    status = find(a, DIRECTORY_ROW_ACCOUNT, key, depth, &value);
    if (status == STORE_OK)
        return directory_row_read_account(value, &row) ? add_account(a, key, &row)
                                                       : DIRECTORY_UNAVAILABLE;
    return status == STORE_NONE ? add_alias(a, key, depth) : DIRECTORY_UNAVAILABLE;
}

/* ---- questions ---- */

static enum directory_result answer_domain(const struct answering *a)
{
    struct directory_question *q = a->question;
    struct directory_row_domain row;
    enum directory_result result = find_domain(a, q->name, &row);

    if (result != DIRECTORY_FOUND)
        return result;
    row.policy.tenant = directory_text(q, row.policy.tenant);
    q->answer.policy = row.policy;
    row.catch_all = directory_text(q, row.catch_all);
    if (row.catch_all.len)
        result = add(a, row.catch_all, 0);
    if (result == DIRECTORY_NOBODY)
        result = add_elsewhere(a, row.catch_all);
    return q->answer.text.full ? DIRECTORY_UNAVAILABLE : result;
}

static bool is_granted(const struct directory_row_account *row, struct span name)
{
    struct span domain = domain_of(name);

    for (uint32_t i = 0; i < row->send_as.count; i++) {
        struct span grant = row->send_as.name[i];

        if (span_equal(grant, name) || (grant.len == domain.len + 1 && grant.data[0] == '@' &&
                                        span_equal(span_skip(grant, 1), domain)))
            return true;
    }
    return false;
}

static bool is_stale(const struct store_backend *b, const struct directory_row_account *row)
{
    const char *method = b->options.method;

    return row->hash.len && (!row->scram[SCRAM_SHA256].len || row->hash.len < strlen(method) ||
                             memcmp(row->hash.data, method, strlen(method)) != 0);
}

/* The first account that is not before a key. */
struct near {
    uint8_t key_bytes[DIRECTORY_ROW_KEY];
    struct writer key, value;
};

static bool take_near(void *context, const struct store_directory_row *row)
{
    struct near *n = context;

    n->key.len = n->value.len = 0;
    if (row->key.data[0] == DIRECTORY_ROW_ACCOUNT) {
        writer_span_put(&n->key, row->key);
        writer_span_put(&n->value, row->value);
    }
    return false;
}

/* Behind the last one it is the first of all. STORE_NONE: there are none. */
static enum store_status find_near(const struct answering *a, struct span key, struct near *n)
{
    static const uint8_t first = DIRECTORY_ROW_ACCOUNT;
    enum store_status status;

    n->key = writer_of(n->key_bytes, sizeof(n->key_bytes));
    n->value = writer_of(a->backend->value[a->thread][0], DIRECTORY_ROW_VALUE);
    status = store_directory_walk(a->backend->options.store, key, take_near, n);
    if (status == STORE_OK && !n->key.len)
        status = store_directory_walk(a->backend->options.store, span_of(&first, 1), take_near, n);
    if (status == STORE_OK && !n->key.len)
        status = STORE_NONE;
    return n->key.full || n->value.full ? STORE_CORRUPT : status;
}

static void put_secrets(const struct answering *a, const struct directory_row_account *row)
{
    struct directory_question *q = a->question;

    q->answer.hash = directory_text(q, row->hash);
    q->answer.stale = is_stale(a->backend, row);
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        q->answer.scram[i] = directory_text(q, row->scram[i]);
}

/* For a name that nobody has the account next to it is read and written of like somebody's, lest
 * time tell who exists; a look-up of a key that is not there would come back sooner. */
static enum directory_result answer_credentials(const struct answering *a)
{
    struct directory_question *q = a->question;
    uint8_t bytes[DIRECTORY_ROW_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct directory_row_account row;
    enum directory_result result;
    enum store_status status;
    struct near near;
    bool known, allowed;

    directory_row_key(&key, DIRECTORY_ROW_ACCOUNT, q->name);
    if (key.full)
        return DIRECTORY_NOBODY;
    status = find_near(a, writer_span(&key), &near);
    if (status != STORE_OK)
        return result_of(status);
    known = span_equal(writer_span(&key), writer_span(&near.key));
    if (!directory_row_read_account(writer_span(&near.value), &row))
        return known ? DIRECTORY_UNAVAILABLE : DIRECTORY_NOBODY;
    put_secrets(a, &row);
    result = add_account(a, q->name, &row);
    allowed = known && !row.disabled;
    q->answer.stale &= allowed;
    q->answer.hash.len *= allowed;
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        q->answer.scram[i].len *= allowed;
    q->answer.count *= known;
    return known || result == DIRECTORY_UNAVAILABLE ? result : DIRECTORY_NOBODY;
}

static enum directory_result answer_account(const struct answering *a)
{
    struct directory_question *q = a->question;
    struct directory_row_account row;
    struct span value;
    struct span name = q->kind == DIRECTORY_ASK_SENDER ? q->account : q->name;
    enum store_status status = find(a, DIRECTORY_ROW_ACCOUNT, name, 0, &value);

    if (status != STORE_OK)
        return result_of(status);
    if (!directory_row_read_account(value, &row))
        return DIRECTORY_UNAVAILABLE;
    if (q->kind == DIRECTORY_ASK_SENDER)
        return is_granted(&row, q->name) ? DIRECTORY_FOUND : DIRECTORY_NOBODY;
    if (q->kind == DIRECTORY_ASK_IDENTITY && row.disabled)
        return DIRECTORY_NOBODY;
    return add_account(a, name, &row);
}

static void serve(void *context, uint32_t thread, struct directory_question *q)
{
    const struct answering a = {.backend = context, .question = q, .thread = thread};
    enum directory_result result = DIRECTORY_NOBODY;

    a.backend->steps[thread] = 0;
    switch (q->kind) {
    case DIRECTORY_ASK_DOMAIN:
        result = answer_domain(&a);
        break;
    case DIRECTORY_ASK_ADDRESS:
        result = add(&a, q->name, 0);
        break;
    case DIRECTORY_ASK_UPGRADE:
        result = result_of(directory_admin_upgrade(a.backend->options.store, q));
        break;
    case DIRECTORY_ASK_CREDENTIALS:
        result = answer_credentials(&a);
        break;
    case DIRECTORY_ASK_SENDER:
    case DIRECTORY_ASK_IDENTITY:
        result = answer_account(&a);
        break;
    default:
        break;
    }
    directory_answer(q, result);
}

static void ask(struct directory_backend *backend, struct directory_question *question)
{
    directory_pool_ask(((struct store_backend *)backend)->pool, question);
}

static void free_backend(struct directory_backend *backend)
{
    struct store_backend *b = (struct store_backend *)backend;

    directory_pool_stop(b->pool);
    explicit_bzero(b->value, sizeof(b->value));
    free(b);
}

static const struct directory_backend_ops ops = {
    .name = "store", .dynamic = true, .ask = ask, .free = free_backend};

struct directory_backend *store_backend_new(const struct store_backend_options *options)
{
    struct store_backend *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->backend.ops = &ops;
    b->options = *options;
    b->pool = directory_pool_start(&(struct directory_pool_options){
        .name = "dir-store", .threads = THREADS, .waiting = WAITING, .serve = serve, .context = b});
    if (b->pool)
        return &b->backend;
    free(b);
    return NULL;
}
