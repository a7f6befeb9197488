/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_table.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/config_settings.h"
#include "control/directory/password.h"
#include "control/store/store.h"
#include "proto/address/address.h"

enum { METHODS_MAX = 16 };

struct account_row {
    struct span key; /* address_key() of the account's address */
    struct span mailbox;
    uint32_t domain; /* its place among the domains */
    uint64_t account;
    const char *hash;
    const char *scram[SCRAM_HASHES]; /* texts of keys; empty: none */
};

struct account_domain {
    struct span key;
    struct directory_policy policy;
};

struct account_table {
    struct directory_backend backend;
    uint32_t domain_count;
    struct account_domain *domains;       /* in the order of the configuration */
    const struct account_domain **sorted; /* by key */
    uint32_t count;
    struct account_row *rows; /* by key */
    char *text;               /* keys, names and hashes */
    struct account_fakes fakes;
};

static const struct directory_backend_ops ops;

const struct account_fakes *account_table_fakes(const struct account_table *table)
{
    return &table->fakes;
}

static int compare_rows(const void *a, const void *b)
{
    const struct account_row *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, n);

    return order ? order : x->key.len < y->key.len ? -1 : x->key.len > y->key.len;
}

/* "$6$" of "$6$salt$hash": what decides most about the time. */
static struct span method_of(const char *hash)
{
    const char *end = strchr(hash + 1, '$');

    return span_of(hash, end ? (size_t)(end - hash) : strlen(hash));
}

/* What a name that nobody has is hashed with: a hash of the most common method. */
static bool choose_dummy(struct account_table *t, const char *method)
{
    struct {
        const char *hash;
        uint32_t count;
    } methods[METHODS_MAX] = {{0}};
    uint32_t n = 0, best = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t m = 0;

        while (m < n && !span_equal(method_of(methods[m].hash), method_of(t->rows[i].hash)))
            m++;
        if (m == METHODS_MAX)
            continue;
        if (m == n)
            methods[n++].hash = t->rows[i].hash;
        if (++methods[m].count > methods[best].count)
            best = m;
    }
    if (!n)
        return crypt_gensalt_rn(method, 0, NULL, 0, t->fakes.hash, sizeof(t->fakes.hash)) != NULL;
    return snprintf(t->fakes.hash, sizeof(t->fakes.hash), "%s", methods[best].hash) <
           (int)sizeof(t->fakes.hash);
}

static size_t text_size(const struct config *config)
{
    size_t n = 1;

    for (uint32_t i = 0; i < config->accounts_count; i++)
        n += 2 * ADDRESS_KEY_MAX + strlen(config->accounts[i].password) +
             strlen(config->accounts[i].scram_sha_256) + strlen(config->accounts[i].scram_sha_1) +
             3;
    for (uint32_t i = 0; i < config->domains_count; i++)
        n += config->domains[i].key.len + strlen(config->domains[i].tenant);
    return n;
}

static const char *put_text(struct writer *w, const char *text)
{
    const char *at = (const char *)w->data + w->len;

    writer_text(w, text);
    writer_byte(w, 0);
    return at;
}

static struct span put_span(struct writer *w, struct span octets)
{
    const uint8_t *at = w->data + w->len;

    writer_span_put(w, octets);
    return span_of(at, octets.len);
}

/* Who has no keys, or is nobody, gets a challenge like the first who has some. */
static void put_scram(struct account_table *t, struct account_row *row, enum scram_hash hash,
                      const char *text, struct writer *w)
{
    uint32_t *iterations = &t->fakes.iterations[hash];
    struct scram_keys keys;

    row->scram[hash] = put_text(w, text);
    if (!*iterations && text[0] && scram_keys_read(span_text(text), &keys))
        *iterations = keys.iterations;
}

void account_table_set_secret(struct account_table *table, const uint8_t *secret)
{
    memcpy(table->fakes.secret, secret, sizeof(table->fakes.secret));
}

static int compare_domains(const void *a, const void *b)
{
    const struct account_domain *x = *(const struct account_domain *const *)a,
                                *y = *(const struct account_domain *const *)b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, n);

    return order ? order : x->key.len < y->key.len ? -1 : x->key.len > y->key.len;
}

static void put_domains(struct account_table *t, const struct config *config, struct writer *w)
{
    for (; t->domain_count < config->domains_count; t->domain_count++) {
        const struct config_domain *from = &config->domains[t->domain_count];
        struct account_domain *to = &t->domains[t->domain_count];

        to->key = put_span(w, from->key);
        to->policy =
            (struct directory_policy){.known = true,
                                      .class = (uint8_t)from->class,
                                      .detail_separator = (uint8_t)from->detail_separator[0],
                                      .case_sensitive = from->case_sensitive,
                                      .greylist = from->greylist,
                                      .quarantine_score = (int32_t)from->quarantine_score,
                                      .reject_score = (int32_t)from->reject_score,
                                      .tenant = put_span(w, span_text(from->tenant))};
        t->sorted[t->domain_count] = to;
    }
    qsort(t->sorted, t->domain_count, sizeof(t->sorted[0]), compare_domains);
}

static bool put_account(struct account_table *t, const struct config_account *account,
                        struct writer *w)
{
    struct account_row *row = &t->rows[t->count];

    row->key = put_span(w, account->key);
    row->mailbox = put_span(w, account->mailbox);
    row->domain = account->domain;
    row->hash = put_text(w, account->password);
    put_scram(t, row, SCRAM_SHA256, account->scram_sha_256, w);
    put_scram(t, row, SCRAM_SHA1, account->scram_sha_1, w);
    return !w->full;
}

struct account_table *account_table_new(const struct config *config,
                                        uint64_t (*account_id)(void *context, struct span key),
                                        void *context)
{
    struct account_table *t = calloc(1, sizeof(*t));
    struct writer w;
    size_t size = text_size(config);
    bool ok;

    if (!t)
        return NULL;
    t->backend.ops = &ops;
    t->rows = calloc(config->accounts_count + 1, sizeof(*t->rows));
    t->domains = calloc(config->domains_count + 1, sizeof(*t->domains));
    t->sorted = calloc(config->domains_count + 1, sizeof(*t->sorted));
    t->text = malloc(size);
    w = writer_of(t->text, size);
    ok = t->rows && t->domains && t->sorted && t->text;
    if (ok)
        put_domains(t, config, &w);
    for (; ok && t->count < config->accounts_count; t->count++) {
        ok = put_account(t, &config->accounts[t->count], &w);
        t->rows[t->count].account = ok ? account_id(context, t->rows[t->count].key) : 0;
        ok = t->rows[t->count].account != 0;
    }
    if (ok && choose_dummy(t, config_hash_prefix(config))) {
        qsort(t->rows, t->count, sizeof(*t->rows), compare_rows);
        return t;
    }
    account_table_free(t);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

struct account_ids *account_table_ids(const struct account_table *table, uint64_t more)
{
    struct account_ids *ids = malloc(sizeof(*ids) + (table->count + 1) * sizeof(ids->ids[0]));

    if (!ids)
        return NULL;
    ids->count = table->count + 1;
    ids->ids[table->count] = more;
    for (uint32_t i = 0; i < table->count; i++)
        ids->ids[i] = table->rows[i].account;
    qsort(ids->ids, ids->count, sizeof(ids->ids[0]), compare_ids);
    return ids;
}

struct account_ids *account_ids_changed(const struct account_ids *ids, uint64_t account, bool in)
{
    uint32_t count = ids ? ids->count : 0, n = 0;
    struct account_ids *copy = malloc(sizeof(*copy) + (count + 1) * sizeof(copy->ids[0]));

    if (!copy)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (ids->ids[i] == account)
            continue;
        if (in && ids->ids[i] > account && (n == 0 || copy->ids[n - 1] < account))
            copy->ids[n++] = account;
        copy->ids[n++] = ids->ids[i];
    }
    if (in && (n == 0 || copy->ids[n - 1] < account))
        copy->ids[n++] = account;
    copy->count = n;
    return copy;
}

bool account_ids_has(const struct account_ids *ids, uint64_t account)
{
    return ids && bsearch(&account, ids->ids, ids->count, sizeof(ids->ids[0]), compare_ids);
}

void account_table_free(struct account_table *table)
{
    if (!table)
        return;
    free(table->rows);
    free(table->domains);
    free(table->sorted);
    free(table->text);
    free(table);
}

/* Orders two keys by all of their octets and without a branch: memcmp() takes another way where
 * they are equal, which is where somebody is. */
static int order(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = 0;

    for (size_t i = 0; i < n; i++) {
        int undecided = -(order == 0);

        order |= undecided & (a.data[i] - b.data[i]);
    }
    return order | (-(order == 0) & ((a.len > b.len) - (a.len < b.len)));
}

/* The last row that is not behind the key, or the first; as many steps for a key that is there as
 * for one that is not. NULL: there are none. */
static const struct account_row *find_near(const struct account_table *t, struct span key)
{
    const struct account_row *at = t->rows;

    for (uint32_t n = t->count; n > 1; n -= n / 2)
        at = order(at[n / 2].key, key) <= 0 ? &at[n / 2] : at;
    return t->count ? at : NULL;
}

static const struct account_row *find_exact(const struct account_table *t, struct span key)
{
    const struct account_row *near = find_near(t, key);

    return near && order(near->key, key) == 0 ? near : NULL;
}

static const struct account_domain *find_domain(const struct account_table *t, struct span key)
{
    const struct account_domain wanted = {.key = key}, *at = &wanted,
                                *const *found = bsearch(&at, t->sorted, t->domain_count,
                                                        sizeof(t->sorted[0]), compare_domains);

    return found ? *found : NULL;
}

static const struct account_row *find_key(const struct account_table *t, struct span user,
                                          bool fold)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    return config_address_key(&w, user, fold) ? find_exact(t, writer_span(&w)) : NULL;
}

/* Looks in every way, whichever finds it, lest time tell that one did. */
static const struct account_row *find_row(const struct account_table *t, struct span user)
{
    char *prepared = password_prepare_name(user);
    struct span other = prepared ? span_text(prepared) : user;
    const struct account_row *ways[] = {find_key(t, user, false), find_key(t, user, true),
                                        find_key(t, other, false), find_key(t, other, true)};
    const struct account_row *found = NULL;

    for (int i = 0; i < 4; i++)
        found = found ? found : ways[i];
    free(prepared);
    return found;
}

bool account_table_policy(const struct account_table *table, struct span domain,
                          struct directory_policy *policy_out)
{
    const struct account_domain *found = find_domain(table, domain);

    if (found)
        *policy_out = found->policy;
    return found != NULL;
}

/* ---- as a back end ---- */

static struct account_table *table_of(struct directory_backend *backend)
{
    return (struct account_table *)backend;
}

static enum directory_result answer_domain(const struct account_table *t,
                                           struct directory_question *q)
{
    const struct account_domain *d = find_domain(t, q->name);

    if (!d)
        return DIRECTORY_NOBODY;
    q->answer.policy = d->policy;
    return DIRECTORY_FOUND;
}

static enum directory_result put_member(const struct account_table *t,
                                        const struct account_row *row, struct directory_question *q)
{
    struct directory_member *m = directory_member(q);

    if (!m)
        return DIRECTORY_UNAVAILABLE;
    m->id = row->account;
    m->key = directory_text(q, row->key);
    m->mailbox = directory_text(q, row->mailbox);
    m->quota = DIRECTORY_QUOTA_DEFAULT;
    m->policy = t->domains[row->domain].policy;
    return q->answer.text.full ? DIRECTORY_UNAVAILABLE : DIRECTORY_FOUND;
}

static enum directory_result answer_account(const struct account_table *t,
                                            const struct account_row *row,
                                            struct directory_question *q)
{
    return row ? put_member(t, row, q) : DIRECTORY_NOBODY;
}

/* For nobody the same is done as for somebody, and neither takes a way of its own, lest time tell
 * who exists: what was written of nobody is empty in the end. */
static enum directory_result answer_credentials(const struct account_table *t,
                                                const struct account_row *found,
                                                struct directory_question *q)
{
    const struct account_row *row = find_near(t, q->name);
    size_t known = found != NULL;
    enum directory_result result;

    row = found ? found : row;
    if (!row)
        return DIRECTORY_NOBODY;
    q->answer.hash = directory_text(q, span_text(row->hash));
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        q->answer.scram[i] = directory_text(q, span_text(row->scram[i]));
    result = put_member(t, row, q);
    q->answer.count *= (uint32_t)known;
    q->answer.hash.len *= known;
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        q->answer.scram[i].len *= known;
    return known ? result : DIRECTORY_NOBODY;
}

/* What it answers it knows at once. What its accounts may send as, and its aliases, are in the
 * workers' table. */
static void ask(struct directory_backend *backend, struct directory_question *q)
{
    const struct account_table *t = table_of(backend);
    enum directory_result result = DIRECTORY_NOBODY;

    switch (q->kind) {
    case DIRECTORY_ASK_DOMAIN:
        result = answer_domain(t, q);
        break;
    case DIRECTORY_ASK_ADDRESS:
        result = answer_account(t, find_exact(t, q->name), q);
        break;
    case DIRECTORY_ASK_CREDENTIALS:
        result = answer_credentials(t, find_row(t, q->name), q);
        break;
    case DIRECTORY_ASK_IDENTITY:
        result = answer_account(t, find_row(t, q->name), q);
        break;
    default:
        break;
    }
    directory_answer(q, result);
}

static void free_backend(struct directory_backend *backend)
{
    account_table_free(table_of(backend));
}

static const struct directory_backend_ops ops = {
    .name = "yaml", .dynamic = false, .ask = ask, .free = free_backend};
