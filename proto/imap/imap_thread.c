/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_thread.h"

#include "proto/base/siphash.h"
#include "proto/mime/mime_id.h"

enum { RUNS = 33 /* of a list of 2^32 at most */ };

static struct imap_thread_node *node_at(const struct imap_thread *t, uint32_t at)
{
    return &t->nodes[at];
}

static uint32_t slot_of(const struct imap_thread *t, struct span text)
{
    return (uint32_t)(siphash_table(t->key, text) % t->cap);
}

static void clear_slots(struct imap_thread *t)
{
    for (uint32_t i = 0; i < t->cap; i++)
        t->nodes[i].slot = 0;
}

/* A new node, or 0 when there is none left. */
static uint32_t new_node(struct imap_thread *t)
{
    if (t->count == t->cap) {
        t->full = true;
        return 0;
    }
    memset(&t->nodes[t->count], 0, offsetof(struct imap_thread_node, slot));
    t->nodes[t->count].kept = 0;
    return t->count++;
}

/* ---- step 1: links between ids ---- */

static uint32_t find_id(const struct imap_thread *t, struct span id)
{
    uint32_t at = t->nodes[slot_of(t, id)].slot;

    while (at && !span_equal(t->nodes[at].id, id))
        at = t->nodes[at].follows;
    return at;
}

static void add_id(struct imap_thread *t, uint32_t at, struct span id)
{
    struct imap_thread_node *slot = node_at(t, slot_of(t, id));

    t->nodes[at].id = id;
    t->nodes[at].follows = slot->slot;
    slot->slot = at;
}

/* The node of an id; a new one when it is not there; 0 when there is no room for it. */
static uint32_t node_of_id(struct imap_thread *t, struct span id)
{
    uint32_t at = find_id(t, id);

    if (at)
        return at;
    at = new_node(t);
    if (at)
        add_id(t, at, id);
    return at;
}

/* Would the link make a loop? So it is taken, too, when that takes too long to know. */
static bool makes_loop(const struct imap_thread *t, uint32_t parent, uint32_t child)
{
    for (unsigned steps = 0; parent; steps++) {
        if (parent == child || steps == IMAP_THREAD_CHAIN)
            return true;
        parent = t->nodes[parent].parent;
    }
    return false;
}

/* The ids that a message refers to, linked in a row; the last one, or 0. */
static uint32_t link_references(struct imap_thread *t, const struct imap_thread_message *m)
{
    struct span value = m->references, id;
    uint32_t last = 0;

    for (bool first = true; mime_id_next(&value, first, &id); first = false) {
        uint32_t at = node_of_id(t, id);

        if (at == 0)
            continue;
        if (last && t->nodes[at].parent == 0 && !makes_loop(t, last, at))
            t->nodes[at].parent = last;
        last = at;
    }
    value = m->in_reply_to;
    if (last == 0 && mime_id_next(&value, true, &id))
        last = node_of_id(t, id);
    return last;
}

static void link_all(struct imap_thread *t, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct span value = t->messages[i].message_id, id;

        if (mime_id_next(&value, true, &id) && !find_id(t, id))
            add_id(t, i + 1, id);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = link_references(t, &t->messages[i]);

        /* Its own word counts, whatever others said of its parent. */
        t->nodes[i + 1].parent = 0;
        if (!makes_loop(t, parent, i + 1))
            t->nodes[i + 1].parent = parent;
    }
}

/* ---- steps 2 and 3: those that are only spoken of go, but for one above several threads ---- */

/* The nearest message above, else the topmost node that is only spoken of; 0: there is none. */
static uint32_t resolve(struct imap_thread *t, uint32_t at)
{
    uint32_t top = at;

    while (top && t->nodes[top].message == 0 && t->nodes[top].parent)
        top = t->nodes[top].parent;
    while (at != top && t->nodes[at].message == 0) {
        uint32_t parent = t->nodes[at].parent;

        t->nodes[at].parent = top;
        at = parent;
    }
    return top;
}

static void prune(struct imap_thread *t, uint32_t messages)
{
    for (uint32_t i = 1; i <= messages; i++) {
        uint32_t parent = resolve(t, t->nodes[i].parent);

        t->nodes[i].parent = parent;
        t->nodes[parent].kept++;
    }
    for (uint32_t i = 1; i <= messages; i++) {
        struct imap_thread_node *parent = node_at(t, t->nodes[i].parent);

        if (parent->message == 0 && parent->kept == 1)
            t->nodes[i].parent = 0;
    }
}

/* ---- lists of children ---- */

/* Makes lists of children out of links to parents. */
static void gather(struct imap_thread *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        t->nodes[i].child = 0;
    for (uint32_t i = t->count; i-- > 1;) {
        struct imap_thread_node *n = node_at(t, i), *parent = node_at(t, n->parent);

        if (n->message == 0 && n->kept < 2)
            continue;
        n->next = parent->child;
        parent->child = i;
    }
}

/* The message that a node is compared by: its own, its first child's, or the latest of its thread.
 */
static const struct imap_thread_message *shown(const struct imap_thread *t, uint32_t at)
{
    const struct imap_thread_node *n = node_at(t, at);

    if (t->latest && n->parent == 0)
        return &t->messages[n->slot - 1];
    /* What is only spoken of stands at the top, and has messages, or the like, as children. */
    while (n->message == 0)
        n = node_at(t, n->child);
    return &t->messages[n->message - 1];
}

static bool is_before(const struct imap_thread_message *a, const struct imap_thread_message *b)
{
    return a->date != b->date ? a->date < b->date : a->number < b->number;
}

static bool by_date(const struct imap_thread *t, uint32_t a, uint32_t b)
{
    return is_before(shown(t, a), shown(t, b));
}

static bool by_subject(const struct imap_thread *t, uint32_t a, uint32_t b)
{
    struct span x = shown(t, a)->subject, y = shown(t, b)->subject;
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n ? memcmp(x.data, y.data, n) : 0;

    if (order || x.len != y.len)
        return order ? order < 0 : x.len < y.len;
    return by_date(t, a, b);
}

/* Two sorted lists into one. */
static uint32_t merge(struct imap_thread *t, uint32_t a, uint32_t b,
                      bool (*before)(const struct imap_thread *t, uint32_t a, uint32_t b))
{
    uint32_t first = 0, *tail = &first;

    while (a && b) {
        uint32_t *from = before(t, b, a) ? &b : &a;

        *tail = *from;
        tail = &t->nodes[*from].next;
        *from = *tail;
    }
    *tail = a ? a : b;
    return first;
}

/* Sorts a list: runs of 1, 2, 4 ... are put together as they come. */
static uint32_t sort(struct imap_thread *t, uint32_t list,
                     bool (*before)(const struct imap_thread *t, uint32_t a, uint32_t b))
{
    uint32_t runs[RUNS] = {0}, sorted = 0;

    while (list) {
        uint32_t run = list;
        unsigned i = 0;

        list = t->nodes[run].next;
        t->nodes[run].next = 0;
        for (; i < RUNS - 1 && runs[i]; i++) {
            run = merge(t, runs[i], run, before);
            runs[i] = 0;
        }
        runs[i] = run;
    }
    for (unsigned i = 0; i < RUNS; i++)
        sorted = merge(t, runs[i], sorted, before);
    return sorted;
}

/* What is known of a node's thread goes up: the latest message of it. */
static void tell_parent(struct imap_thread *t, uint32_t at)
{
    struct imap_thread_node *n = node_at(t, at), *parent = node_at(t, n->parent);

    if (n->message &&
        (n->slot == 0 || is_before(&t->messages[n->slot - 1], &t->messages[n->message - 1])))
        n->slot = n->message;
    if (n->parent &&
        (parent->slot == 0 || is_before(&t->messages[parent->slot - 1], &t->messages[n->slot - 1])))
        parent->slot = n->slot;
}

/* Sorts all siblings, children before their parents. Without recursion: chains are long. */
static void sort_all(struct imap_thread *t)
{
    uint32_t at = 0;

    clear_slots(t);
    for (;;) {
        while (t->nodes[at].child)
            at = t->nodes[at].child;
        for (;;) {
            if (at == 0)
                return;
            tell_parent(t, at);
            if (t->nodes[at].next)
                break;
            at = t->nodes[at].parent;
            t->nodes[at].child = sort(t, t->nodes[at].child, by_date);
        }
        at = t->nodes[at].next;
    }
}

/* ---- step 5: threads of one subject ---- */

/* The entry of a subject: the first thread that had it, whose `kept` names who stands for it. */
static uint32_t find_subject(const struct imap_thread *t, struct span subject)
{
    uint32_t at = t->nodes[slot_of(t, subject)].slot;

    while (at && !span_equal(shown(t, at)->subject, subject))
        at = t->nodes[at].follows;
    return at;
}

static bool is_reply(const struct imap_thread *t, uint32_t at)
{
    return t->nodes[at].message && shown(t, at)->reply;
}

/* Who stands for a subject: one that is only spoken of first, then one that is no reply. */
static void enter_subject(struct imap_thread *t, uint32_t at)
{
    struct span subject = shown(t, at)->subject;
    uint32_t entry, *stands, *slot;

    if (subject.len == 0)
        return;
    slot = &t->nodes[slot_of(t, subject)].slot;
    entry = find_subject(t, subject);
    stands = &t->nodes[entry].stands;
    if (entry == 0) {
        t->nodes[at].follows = *slot;
        t->nodes[at].stands = at;
        *slot = at;
    } else if ((t->nodes[at].message == 0 && t->nodes[*stands].message) ||
               (is_reply(t, *stands) && !is_reply(t, at))) {
        *stands = at;
    }
}

static void set_parent(struct imap_thread *t, uint32_t at, uint32_t parent)
{
    t->nodes[at].parent = parent;
    t->nodes[parent].kept++;
}

/* A thread joins the one that stands for its subject (RFC 5256 section 3, step 5.C). */
static void join_subject(struct imap_thread *t, uint32_t at)
{
    struct span subject = shown(t, at)->subject;
    uint32_t entry = subject.len ? find_subject(t, subject) : 0, stands = t->nodes[entry].stands;
    uint32_t both;

    if (entry == 0 || stands == at)
        return;
    if (t->nodes[stands].message == 0 && t->nodes[at].message == 0) {
        for (uint32_t child = t->nodes[at].child; child; child = t->nodes[child].next)
            set_parent(t, child, stands);
        t->nodes[at].kept = 0;
    } else if (t->nodes[stands].message == 0 || (is_reply(t, at) && !is_reply(t, stands))) {
        set_parent(t, at, stands);
    } else {
        both = new_node(t);
        if (both == 0)
            return;
        set_parent(t, stands, both);
        set_parent(t, at, both);
        t->nodes[entry].stands = both;
    }
}

static void join_subjects(struct imap_thread *t)
{
    clear_slots(t);
    for (uint32_t at = t->nodes[0].child; at; at = t->nodes[at].next)
        enter_subject(t, at);
    for (uint32_t at = t->nodes[0].child; at; at = t->nodes[at].next)
        join_subject(t, at);
}

/* ---- ORDEREDSUBJECT ---- */

/* The earliest message of a subject is its thread, the others are its children. */
static void group_subjects(struct imap_thread *t)
{
    uint32_t first = 0;

    t->nodes[0].child = sort(t, t->nodes[0].child, by_subject);
    for (uint32_t at = t->nodes[0].child; at; at = t->nodes[at].next) {
        if (first && span_equal(shown(t, first)->subject, shown(t, at)->subject))
            t->nodes[at].parent = first;
        else
            first = at;
    }
}

bool imap_thread_init(struct imap_thread *t, enum imap_thread_how how,
                      const struct imap_thread_message *messages, uint32_t count,
                      struct imap_thread_node *nodes, uint32_t cap, const uint8_t key[16])
{
    if (cap <= count)
        return false;
    *t = (struct imap_thread){.nodes = nodes, .cap = cap, .messages = messages};
    memcpy(t->key, key, sizeof(t->key));
    clear_slots(t);
    for (uint32_t i = 0; i <= count; i++) {
        (void)new_node(t);
        t->nodes[i].message = i;
    }
    t->latest = how == IMAP_THREAD_REFS;
    if (how != IMAP_THREAD_ORDEREDSUBJECT) {
        link_all(t, count);
        prune(t, count);
    }
    gather(t);
    if (how == IMAP_THREAD_ORDEREDSUBJECT)
        group_subjects(t);
    if (how == IMAP_THREAD_REFERENCES) {
        sort_all(t);
        join_subjects(t);
    }
    gather(t);
    sort_all(t);
    t->walk = nodes[0].child;
    return true;
}

/* ---- telling them ---- */

/* Does a node stand in brackets? All but an only child of a message do. */
static bool in_brackets(const struct imap_thread *t, const struct imap_thread_node *n)
{
    const struct imap_thread_node *parent = node_at(t, n->parent);

    return n->parent == 0 || parent->message == 0 || t->nodes[parent->child].next;
}

static void put_node(struct imap_thread *t, struct writer *w)
{
    const struct imap_thread_node *n = node_at(t, t->walk), *parent = node_at(t, n->parent);

    /* A blank behind the parent's number. */
    if (parent->message && parent->child == t->walk)
        writer_byte(w, ' ');
    if (in_brackets(t, n))
        writer_byte(w, '(');
    if (n->message)
        writer_number(w, t->messages[n->message - 1].number);
}

bool imap_thread_put(struct imap_thread *t, struct writer *w)
{
    while (t->walk) {
        const struct imap_thread_node *n = node_at(t, t->walk);

        if (writer_room(w) < IMAP_THREAD_PUT_MAX)
            return true;
        if (!t->leaving)
            put_node(t, w);
        if (!t->leaving && n->child) {
            t->walk = n->child;
            continue;
        }
        if (in_brackets(t, n))
            writer_byte(w, ')');
        t->leaving = n->next == 0;
        t->walk = n->next ? n->next : n->parent;
    }
    return false;
}
