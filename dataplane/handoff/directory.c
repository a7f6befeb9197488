/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/directory.h"

#include <pthread.h>
#include <stdlib.h>
#include <urcu-qsbr.h>
#include <urcu/rculfhash.h>

/*
 * A node holds one entry, which never changes once readers can see it; only `version`, which no
 * reader looks at, is written in place.
 */
struct directory_node {
    struct cds_lfht_node link;
    struct rcu_head rcu;
    struct directory_entry entry;
};

struct directory {
    struct cds_lfht *table;
    pthread_mutex_t writer;
    uint32_t max;
    _Atomic uint32_t count; /* changed under the lock */
};

struct directory_name {
    struct span key;
    enum directory_kind kind;
};

/* FNV-1a; keys are our own configuration's, so an attacker cannot choose what collides. */
static unsigned long hash_of(enum directory_kind kind, struct span key)
{
    uint64_t h = 14695981039346656037ull ^ (uint64_t)kind;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.data[i]) * 1099511628211ull;
    return (unsigned long)(h ^ h >> 32);
}

static struct directory_node *node_of(struct cds_lfht_node *link)
{
    return link ? caa_container_of(link, struct directory_node, link) : NULL;
}

static int matches(struct cds_lfht_node *link, const void *name_)
{
    const struct directory_entry *e = &node_of(link)->entry;
    const struct directory_name *name = name_;

    return e->kind == name->kind && span_equal(e->key, name->key);
}

static void free_node(struct rcu_head *head)
{
    free(caa_container_of(head, struct directory_node, rcu));
}

static struct cds_lfht_node *lookup(struct directory *d, enum directory_kind kind, struct span key)
{
    struct directory_name name = {.key = key, .kind = kind};
    struct cds_lfht_iter iter;

    cds_lfht_lookup(d->table, hash_of(kind, key), matches, &name, &iter);
    return cds_lfht_iter_get_node(&iter);
}

struct directory *directory_new(uint32_t entries_max)
{
    struct directory *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->max = entries_max;
    pthread_mutex_init(&d->writer, NULL);
    d->table = cds_lfht_new(64, 64, 0, CDS_LFHT_AUTO_RESIZE, NULL);
    if (!d->table) {
        free(d);
        return NULL;
    }
    return d;
}

/* Writers are control threads, which are no readers at other times. */
static void write_begin(struct directory *d)
{
    pthread_mutex_lock(&d->writer);
    rcu_register_thread();
}

static void write_end(struct directory *d)
{
    rcu_unregister_thread();
    pthread_mutex_unlock(&d->writer);
}

static bool same_accounts(const struct directory_entry *a, const struct directory_entry *b)
{
    if (a->account_count != b->account_count)
        return false;
    for (uint32_t i = 0; i < a->account_count; i++) {
        const struct directory_account *x = &a->accounts[i], *y = &b->accounts[i];

        if (x->id != y->id || x->quarantine_score != y->quarantine_score ||
            x->reject_score != y->reject_score || !span_equal(x->address, y->address) ||
            !span_equal(x->tenant, y->tenant))
            return false;
    }
    return true;
}

static bool same_but_version(const struct directory_entry *a, const struct directory_entry *b)
{
    return a->tenant == b->tenant && a->domain == b->domain && a->kind == b->kind &&
           a->class == b->class && a->detail_separator == b->detail_separator &&
           a->case_sensitive == b->case_sensitive && a->exempt == b->exempt &&
           a->greylist == b->greylist && same_accounts(a, b);
}

/* Copies the bytes to *at and moves it behind them. */
static struct span keep(uint8_t **at, struct span bytes)
{
    struct span kept = span_of(*at, bytes.len);

    if (bytes.len)
        memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
    return kept;
}

/* One block: the node, its accounts, then the key and the accounts' texts. */
static struct directory_node *new_node(const struct directory_entry *fields, struct span key)
{
    size_t accounts = fields->account_count * sizeof(*fields->accounts), text = key.len;
    struct directory_account *copies;
    struct directory_node *node;
    uint8_t *at;

    for (uint32_t i = 0; i < fields->account_count; i++)
        text += fields->accounts[i].address.len + fields->accounts[i].tenant.len;
    node = malloc(sizeof(*node) + accounts + text);
    if (!node)
        return NULL;
    cds_lfht_node_init(&node->link);
    node->entry = *fields;
    copies = (struct directory_account *)(node + 1);
    at = (uint8_t *)copies + accounts;
    node->entry.accounts = copies;
    node->entry.key = keep(&at, key);
    for (uint32_t i = 0; i < fields->account_count; i++) {
        copies[i] = fields->accounts[i];
        copies[i].address = keep(&at, fields->accounts[i].address);
        copies[i].tenant = keep(&at, fields->accounts[i].tenant);
    }
    return node;
}

static bool put(struct directory *d, const struct directory_entry *fields, struct span key)
{
    struct directory_node *old = node_of(lookup(d, fields->kind, key)), *node;
    struct directory_name name = {.key = key, .kind = fields->kind};

    if (old && same_but_version(&old->entry, fields)) {
        old->entry.version = fields->version;
        return true;
    }
    if (!old && d->count >= d->max)
        return false;
    node = new_node(fields, key);
    if (!node)
        return false;
    cds_lfht_add_replace(d->table, hash_of(fields->kind, key), matches, &name, &node->link);
    if (old)
        call_rcu(&old->rcu, free_node);
    else
        d->count++;
    return true;
}

bool directory_put(struct directory *d, const struct directory_entry *fields, struct span key)
{
    bool ok;

    write_begin(d);
    ok = put(d, fields, key);
    write_end(d);
    return ok;
}

/* Removes every entry, or those of another version. */
static void sweep(struct directory *d, bool all, uint64_t version)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *link;

    cds_lfht_for_each(d->table, &iter, link)
    {
        struct directory_node *node = caa_container_of(link, struct directory_node, link);

        if (!all && node->entry.version == version)
            continue;
        if (cds_lfht_del(d->table, &node->link) != 0)
            continue;
        call_rcu(&node->rcu, free_node);
        d->count--;
    }
}

void directory_sweep(struct directory *d, uint64_t version)
{
    write_begin(d);
    sweep(d, false, version);
    write_end(d);
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    write_begin(d);
    sweep(d, true, 0);
    write_end(d);
    rcu_barrier();
    cds_lfht_destroy(d->table, NULL);
    pthread_mutex_destroy(&d->writer);
    free(d);
}

uint32_t directory_count(const struct directory *d)
{
    return d->count;
}

const struct directory_entry *directory_find(struct directory *d, enum directory_kind kind,
                                             struct span key)
{
    struct directory_node *node = node_of(lookup(d, kind, key));

    return node ? &node->entry : NULL;
}
