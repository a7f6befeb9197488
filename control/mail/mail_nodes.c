/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_nodes.h"

#include <stdlib.h>

/* ---- the names there are ---- */

static bool node_room(struct mail_nodes *n)
{
    size_t cap = n->cap ? 2 * n->cap : 64;
    struct mail_node *nodes;

    if (n->count < n->cap)
        return true;
    nodes = realloc(n->nodes, cap * sizeof(*nodes));
    n->failed = n->failed || !nodes;
    if (!nodes)
        return false;
    n->nodes = nodes;
    n->cap = cap;
    return true;
}

static bool text_room(struct mail_nodes *n, size_t len)
{
    size_t cap = 2 * n->text_cap + len + 4096;
    uint8_t *text;

    if (n->text_cap - n->text_len >= len)
        return true;
    text = malloc(cap);
    n->failed = n->failed || !text;
    if (!text)
        return false;
    if (n->text_len)
        memcpy(text, n->text, n->text_len);
    for (size_t i = 0; i < n->count; i++)
        n->nodes[i].name.data = text + (n->nodes[i].name.data - n->text);
    free(n->text);
    n->text = text;
    n->text_cap = cap;
    return true;
}

static struct mail_node *keep(struct mail_nodes *n, struct span name, uint8_t mark)
{
    struct mail_node *node;

    if (!node_room(n) || !text_room(n, name.len))
        return NULL;
    memcpy(n->text + n->text_len, name.data, name.len);
    node = &n->nodes[n->count++];
    *node = (struct mail_node){.name = span_of(n->text + n->text_len, name.len), .marks = mark};
    n->text_len += name.len;
    return node;
}

static bool keep_mailbox(void *context, const struct store_mailbox *m)
{
    struct mail_node *node;

    /* What is quarantined is not for whoever reads mail. */
    if (m->place == MESSAGE_QUARANTINE)
        return true;
    node = keep(context, m->name, MAIL_NODE_EXISTS);
    if (!node)
        return false;
    node->mailbox = m->id;
    node->uses = m->uses;
    return true;
}

static bool keep_subscription(void *context, struct span name)
{
    return keep(context, name, MAIL_NODE_SUBSCRIBED) != NULL;
}

/* ---- as a tree ---- */

/* By levels, so that what is below a name follows it. */
static int by_name(const void *a, const void *b)
{
    struct span x = ((const struct mail_node *)a)->name, y = ((const struct mail_node *)b)->name;
    size_t n = x.len < y.len ? x.len : y.len;

    for (size_t i = 0; i < n; i++) {
        int p = x.data[i] == STORE_SEPARATOR ? 0 : x.data[i] + 1;
        int q = y.data[i] == STORE_SEPARATOR ? 0 : y.data[i] + 1;

        if (p != q)
            return p < q ? -1 : 1;
    }
    return x.len == y.len ? 0 : x.len < y.len ? -1 : 1;
}

/* A name that is a mailbox and a subscription is one node. */
static void merge(struct mail_nodes *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n->count; i++) {
        struct mail_node *last = kept ? &n->nodes[kept - 1] : NULL;

        if (!last || !span_equal(last->name, n->nodes[i].name)) {
            n->nodes[kept++] = n->nodes[i];
            continue;
        }
        last->marks |= n->nodes[i].marks;
        if (n->nodes[i].marks & MAIL_NODE_EXISTS) {
            last->mailbox = n->nodes[i].mailbox;
            last->uses = n->nodes[i].uses;
        }
    }
    n->count = kept;
}

static bool is_above(struct span name, struct span other)
{
    return other.len > name.len && other.data[name.len] == STORE_SEPARATOR &&
           span_equal(span_head(other, name.len), name);
}

/* The levels between `above` bytes of the name and the name: each a node of its own, whose name
 * lies in this one's. */
static bool put_levels(struct mail_nodes *n, const struct mail_node *node, uint32_t parent)
{
    size_t above = parent ? n->nodes[parent - 1].name.len + 1 : 0;

    for (size_t end = above ? above : 1; end < node->name.len; end++) {
        if (node->name.data[end] != STORE_SEPARATOR)
            continue;
        if (!node_room(n))
            return false;
        n->nodes[n->count] =
            (struct mail_node){.name = span_head(node->name, end), .parent = parent};
        parent = (uint32_t)++n->count;
    }
    if (!node_room(n))
        return false;
    n->nodes[n->count] = *node;
    n->nodes[n->count++].parent = parent;
    return true;
}

/* Each node knows the one above it, and there is one for each level. */
static bool grow(struct mail_nodes *n)
{
    struct mail_nodes tree = {.count = 0};

    for (size_t i = 0; i < n->count; i++) {
        uint32_t parent = (uint32_t)tree.count;

        while (parent && !is_above(tree.nodes[parent - 1].name, n->nodes[i].name))
            parent = tree.nodes[parent - 1].parent;
        if (!put_levels(&tree, &n->nodes[i], parent)) {
            free(tree.nodes);
            return false;
        }
    }
    free(n->nodes);
    n->nodes = tree.nodes;
    n->count = tree.count;
    n->cap = tree.cap;
    return true;
}

void mail_nodes_raise(struct mail_nodes *n, uint8_t marks, uint8_t mark)
{
    /* What is above stands before. */
    for (size_t i = n->count; i-- > 0;) {
        const struct mail_node *node = &n->nodes[i];

        if (node->parent && node->marks & (marks | mark))
            n->nodes[node->parent - 1].marks |= mark;
    }
}

enum store_status mail_nodes_read(struct mail_nodes *n, struct store *store, uint64_t account,
                                  bool mailboxes, bool subscriptions)
{
    enum store_status status = STORE_OK;

    *n = (struct mail_nodes){.count = 0};
    if (mailboxes)
        status = store_mailboxes(store, account, keep_mailbox, n);
    if (status == STORE_OK && subscriptions)
        status = store_subscriptions(store, account, keep_subscription, n);
    if (status != STORE_OK || n->failed)
        return status == STORE_OK ? STORE_FAILED : status;
    if (n->count)
        qsort(n->nodes, n->count, sizeof(*n->nodes), by_name);
    merge(n);
    if (!grow(n))
        return STORE_FAILED;
    mail_nodes_raise(n, MAIL_NODE_EXISTS, MAIL_NODE_CHILDREN);
    return STORE_OK;
}

void mail_nodes_free(struct mail_nodes *n)
{
    free(n->nodes);
    free(n->text);
}
