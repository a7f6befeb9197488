/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/directory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <urcu-qsbr.h>
#include <urcu/rculfhash.h>

#include "proto/base/siphash.h"

/*
 * A node holds one entry, which never changes once readers can see it; only `version`, which no
 * reader looks at, is written in place.
 */
struct directory_node {
    struct cds_lfht_node link;
    struct rcu_head rcu;
    struct directory_node *older, *newer; /* of the writer, among those for a while of its kind */
    struct directory_entry entry;
};

/* Entries for a while, in the order of their coming. */
struct directory_queue {
    struct directory_node *oldest, *newest;
    uint32_t max;
    _Atomic uint32_t count;
};

struct directory {
    struct cds_lfht *table;
    pthread_mutex_t writer;
    uint32_t max;
    _Atomic uint32_t count; /* changed under the lock */
    _Atomic bool dynamic;
    _Atomic uint64_t changes; /* changed under the lock */
    uint8_t key[16];
    struct directory_queue queue[2]; /* of names that are there, that are not */
};

struct directory_name {
    struct span key;
    enum directory_kind kind;
};

/* Who sends mail chooses the names of those that are not there. */
static unsigned long hash_of(const struct directory *d, enum directory_kind kind, struct span key)
{
    return (unsigned long)(siphash_table(d->key, key) + (uint64_t)kind);
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

    cds_lfht_lookup(d->table, hash_of(d, kind, key), matches, &name, &iter);
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

void directory_cache(struct directory *d, uint32_t found, uint32_t absent, const uint8_t key[16])
{
    d->queue[false].max = found;
    d->queue[true].max = absent;
    memcpy(d->key, key, sizeof(d->key));
}

void directory_set_dynamic(struct directory *d, bool dynamic)
{
    atomic_store_explicit(&d->dynamic, dynamic, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->changes, 1, memory_order_release);
}

/* Writers are control threads, which are no readers at other times. */
static void write_begin(struct directory *d)
{
    pthread_mutex_lock(&d->writer);
    rcu_register_thread();
}

static void write_end(struct directory *d)
{
    atomic_fetch_add_explicit(&d->changes, 1, memory_order_release);
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
            !span_equal(x->tenant, y->tenant) || !span_equal(x->forward, y->forward) ||
            x->no_copy != y->no_copy)
            return false;
    }
    return true;
}

static bool same_but_version(const struct directory_entry *a, const struct directory_entry *b)
{
    return a->tenant == b->tenant && a->domain == b->domain && a->kind == b->kind &&
           a->class == b->class && a->detail_separator == b->detail_separator &&
           a->case_sensitive == b->case_sensitive && a->exempt == b->exempt &&
           a->greylist == b->greylist && a->absent == b->absent && a->until_s == b->until_s &&
           same_accounts(a, b);
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
        text += fields->accounts[i].address.len + fields->accounts[i].tenant.len +
                fields->accounts[i].forward.len;
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
        copies[i].forward = keep(&at, fields->accounts[i].forward);
    }
    return node;
}

/* ---- those for a while ---- */

static void enqueue(struct directory *d, struct directory_node *node)
{
    struct directory_queue *q = &d->queue[node->entry.absent];

    node->older = q->newest;
    node->newer = NULL;
    *(q->newest ? &q->newest->newer : &q->oldest) = node;
    q->newest = node;
    q->count++;
}

static void dequeue(struct directory *d, struct directory_node *node)
{
    struct directory_queue *q = &d->queue[node->entry.absent];

    *(node->older ? &node->older->newer : &q->oldest) = node->newer;
    *(node->newer ? &node->newer->older : &q->newest) = node->older;
    q->count--;
}

/* It is not in the table any more. */
static void drop(struct directory *d, struct directory_node *node)
{
    if (node->entry.until_s)
        dequeue(d, node);
    else
        d->count--;
    call_rcu(&node->rcu, free_node);
}

static void remove_node(struct directory *d, struct directory_node *node)
{
    if (cds_lfht_del(d->table, &node->link) == 0)
        drop(d, node);
}

/* Makes room for one more. */
static bool make_room(struct directory *d, const struct directory_entry *fields)
{
    struct directory_queue *q = &d->queue[fields->absent];

    if (!fields->until_s)
        return d->count < d->max;
    if (q->count >= q->max && q->oldest)
        remove_node(d, q->oldest);
    return q->count < q->max;
}

static bool put(struct directory *d, const struct directory_entry *fields, struct span key)
{
    struct directory_node *old = node_of(lookup(d, fields->kind, key)), *node;
    struct directory_name name = {.key = key, .kind = fields->kind};

    if (old && same_but_version(&old->entry, fields)) {
        old->entry.version = fields->version;
        return true;
    }
    /* What the configuration has, it has. */
    if (old && !old->entry.until_s && fields->until_s)
        return true;
    if (old && (old->entry.until_s || fields->until_s)) {
        remove_node(d, old);
        old = NULL;
    }
    if (!old && !make_room(d, fields))
        return false;
    node = new_node(fields, key);
    if (!node)
        return false;
    cds_lfht_add_replace(d->table, hash_of(d, fields->kind, key), matches, &name, &node->link);
    if (old)
        call_rcu(&old->rcu, free_node);
    else if (node->entry.until_s)
        enqueue(d, node);
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

bool directory_put_like(struct directory *d, const struct directory_entry *fields, struct span key,
                        enum directory_kind like_kind, struct span like)
{
    const struct directory_node *of;
    bool ok = false;

    write_begin(d);
    of = node_of(lookup(d, like_kind, like));
    if (of && !of->entry.absent) {
        struct directory_entry copy = of->entry;

        copy.kind = fields->kind;
        copy.exempt = fields->exempt;
        copy.until_s = fields->until_s;
        copy.version = fields->version;
        ok = put(d, &copy, key);
    }
    write_end(d);
    return ok;
}

void directory_forget(struct directory *d, enum directory_kind kind, struct span key)
{
    struct directory_node *node;

    write_begin(d);
    node = node_of(lookup(d, kind, key));
    if (node && node->entry.until_s)
        remove_node(d, node);
    write_end(d);
}

void directory_forget_all(struct directory *d)
{
    write_begin(d);
    for (int absent = 0; absent < 2; absent++)
        while (d->queue[absent].oldest)
            remove_node(d, d->queue[absent].oldest);
    write_end(d);
}

static struct span put_text(struct writer *w, struct span text)
{
    const uint8_t *at = w->data + w->len;

    writer_span_put(w, text);
    return span_of(at, text.len);
}

uint32_t directory_copy(struct directory *d, struct span key, struct directory_account *accounts,
                        uint32_t room, struct writer *text)
{
    const struct directory_node *node;
    uint32_t n = 0;

    write_begin(d);
    node = node_of(lookup(d, DIRECTORY_ADDRESS, key));
    if (node && !node->entry.until_s && node->entry.account_count <= room)
        for (; n < node->entry.account_count; n++) {
            accounts[n] = node->entry.accounts[n];
            accounts[n].address = put_text(text, accounts[n].address);
            accounts[n].tenant = put_text(text, accounts[n].tenant);
            accounts[n].forward = put_text(text, accounts[n].forward);
        }
    write_end(d);
    return text->full ? 0 : n;
}

bool directory_keeps(struct directory *d, enum directory_kind kind, struct span key)
{
    const struct directory_node *node;
    bool keeps;

    write_begin(d);
    node = node_of(lookup(d, kind, key));
    keeps = node && !node->entry.until_s;
    write_end(d);
    return keeps;
}

/* Removes every entry, or those of another version. */
static void sweep(struct directory *d, bool all, uint64_t version)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *link;

    cds_lfht_for_each(d->table, &iter, link)
    {
        struct directory_node *node = caa_container_of(link, struct directory_node, link);

        if (all || node->entry.until_s || node->entry.version != version)
            remove_node(d, node);
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

uint64_t directory_changes(const struct directory *d)
{
    return atomic_load_explicit(&d->changes, memory_order_acquire);
}

uint32_t directory_count(const struct directory *d)
{
    return d->count + d->queue[false].count + d->queue[true].count;
}

uint32_t directory_cached(const struct directory *d, bool absent)
{
    return d->queue[absent].count;
}

enum directory_sight directory_look(struct directory *d, enum directory_kind kind, struct span key,
                                    uint32_t now_s, const struct directory_entry **entry_out)
{
    struct directory_node *node = node_of(lookup(d, kind, key));

    if (!node || (node->entry.until_s && now_s >= node->entry.until_s))
        return atomic_load_explicit(&d->dynamic, memory_order_relaxed) ? DIRECTORY_UNSEEN
                                                                       : DIRECTORY_ABSENT;
    *entry_out = &node->entry;
    return node->entry.absent ? DIRECTORY_ABSENT : DIRECTORY_HERE;
}

const struct directory_entry *directory_find(struct directory *d, enum directory_kind kind,
                                             struct span key)
{
    struct directory_node *node = node_of(lookup(d, kind, key));

    return node && !node->entry.absent ? &node->entry : NULL;
}
