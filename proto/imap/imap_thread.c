/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_thread.h"

#include "proto/base/siphash.h"
#include "proto/mime/mime_id.h"

/* ---- what it is made of ---- */

bool imap_thread_parse(struct imap_cursor *c, enum imap_thread_how *how_out,
                       struct imap_search *search)
{
    static const char *const names[] = {[IMAP_THREAD_ORDEREDSUBJECT] = "ORDEREDSUBJECT",
                                        [IMAP_THREAD_REFERENCES] = "REFERENCES",
                                        [IMAP_THREAD_REFS] = "REFS"};
    unsigned how = 0;

    while (how < 3 && !imap_cursor_take_word(c, names[how]))
        how++;
    if (how == 3)
        return imap_cursor_fail(c);
    *how_out = (enum imap_thread_how)how;
    return imap_cursor_space(c) && imap_cursor_astring(c, &search->charset) &&
           imap_cursor_space(c) && imap_search_parse_keys(c, search);
}

/* 0 is none. */
static uint64_t hash(struct span text, const uint8_t key[16])
{
    uint64_t h = siphash(key, text);

    return h ? h : 1;
}

uint32_t imap_thread_ids(struct span message_id, struct span references, struct span in_reply_to,
                         const uint8_t key[16], uint64_t *ids_out, uint32_t cap)
{
    struct span id;
    uint32_t count = 1;

    ids_out[0] = mime_id_next(&message_id, true, &id) ? hash(id, key) : 0;
    for (bool first = true; count < cap && mime_id_next(&references, first, &id); first = false)
        ids_out[count++] = hash(id, key);
    if (count == 1 && cap > 1 && mime_id_next(&in_reply_to, true, &id))
        ids_out[count++] = hash(id, key);
    return count;
}

uint64_t imap_thread_subject(struct span subject, const uint8_t key[16])
{
    return subject.len ? hash(subject, key) : 0;
}

static struct imap_thread_node *node_at(const struct imap_thread *t, uint32_t at)
{
    return &t->nodes[at];
}

static uint32_t slot_of(const struct imap_thread *t, uint64_t hash)
{
    return (uint32_t)(hash % t->cap);
}

/* A new node, or 0 when there is none left. */
static uint32_t new_node(struct imap_thread *t)
{
    if (t->count == t->cap) {
        t->full = true;
        return 0;
    }
    t->nodes[t->count] = (struct imap_thread_node){.slot = t->nodes[t->count].slot};
    return t->count++;
}

static void make_node(struct imap_thread *t, uint32_t at)
{
    (void)new_node(t);
    t->nodes[at].message = at;
}

static void clear_slot(struct imap_thread *t, uint32_t at)
{
    t->nodes[at].slot = 0;
}

/* ---- step 1: links between ids ---- */

static uint32_t find_id(const struct imap_thread *t, uint64_t id)
{
    uint32_t at = t->nodes[slot_of(t, id)].slot;

    while (at && t->nodes[at].id != id)
        at = t->nodes[at].follows;
    return at;
}

static void add_id(struct imap_thread *t, uint32_t at, uint64_t id)
{
    struct imap_thread_node *slot = node_at(t, slot_of(t, id));

    t->nodes[at].id = id;
    t->nodes[at].follows = slot->slot;
    slot->slot = at;
}

/* The node of an id; a new one when it is not there; 0 when there is no room for it. */
static uint32_t node_of_id(struct imap_thread *t, uint64_t id)
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
static bool makes_loop(struct imap_thread *t, uint32_t parent, uint32_t child)
{
    for (unsigned steps = 0; parent; steps++) {
        if (parent == child || steps == IMAP_THREAD_CHAIN)
            return true;
        parent = t->nodes[parent].parent;
        t->work++;
    }
    return false;
}

/* The ids that a message refers to, linked in a row; the last one, or 0. */
static uint32_t link_references(struct imap_thread *t, const struct imap_thread_message *m)
{
    uint32_t last = 0;

    for (uint32_t i = 1; i < m->id_count; i++) {
        uint32_t at = node_of_id(t, m->ids[i]);

        if (at == 0)
            continue;
        if (last && t->nodes[at].parent == 0 && !makes_loop(t, last, at))
            t->nodes[at].parent = last;
        last = at;
    }
    return last;
}

static void name_message(struct imap_thread *t, uint32_t at)
{
    const struct imap_thread_message *m = &t->messages[at - 1];
    uint64_t id = m->id_count ? m->ids[0] : 0;

    if (id && !find_id(t, id))
        add_id(t, at, id);
}

static void link_message(struct imap_thread *t, uint32_t at)
{
    uint32_t parent = link_references(t, &t->messages[at - 1]);

    /* Its own word counts, whatever others said of its parent. */
    t->nodes[at].parent = 0;
    if (!makes_loop(t, parent, at))
        t->nodes[at].parent = parent;
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

static void lift(struct imap_thread *t, uint32_t at)
{
    uint32_t parent = resolve(t, t->nodes[at].parent);

    t->nodes[at].parent = parent;
    t->nodes[parent].kept++;
}

static void free_only_child(struct imap_thread *t, uint32_t at)
{
    const struct imap_thread_node *parent = node_at(t, t->nodes[at].parent);

    if (parent->message == 0 && parent->kept == 1)
        t->nodes[at].parent = 0;
}

/* ---- steps 4 and 6: children in the order of their dates ---- */

static void reset_children(struct imap_thread *t, uint32_t at)
{
    t->nodes[at].child = t->nodes[at].kept = 0;
}

static void count_child(struct imap_thread *t, uint32_t at)
{
    t->nodes[t->nodes[at].parent].kept++;
}

/* In front of its siblings. */
static void prepend(struct imap_thread *t, uint32_t at)
{
    struct imap_thread_node *n = node_at(t, at), *parent = node_at(t, n->parent);

    n->next = parent->child;
    parent->child = at;
}

static uint32_t by_date(const struct imap_thread *t, uint32_t place)
{
    return t->order.from[place] + 1;
}

/* Messages come from the latest to the earliest. One that is only spoken of stands where its first
 * child does, so it comes with that, which is the last. */
static void hang(struct imap_thread *t, uint32_t place)
{
    uint32_t at = by_date(t, t->message_count - place), parent = t->nodes[at].parent;

    if (t->how == IMAP_THREAD_REFS && parent == 0)
        return;
    prepend(t, at);
    if (parent && t->nodes[parent].message == 0 && --t->nodes[parent].kept == 0 &&
        t->how != IMAP_THREAD_REFS)
        prepend(t, parent);
}

/* The top of a thread, which all on the way remember. */
static uint32_t top_of(struct imap_thread *t, uint32_t at)
{
    uint32_t top = at;

    while (t->nodes[top].slot == 0 && t->nodes[top].parent)
        top = t->nodes[top].parent;
    if (t->nodes[top].slot)
        top = t->nodes[top].slot;
    for (; at != top && t->nodes[at].slot == 0; at = t->nodes[at].parent)
        t->nodes[at].slot = top;
    return top;
}

/* REFS: the first message of a thread that comes is its latest. */
static void hang_thread(struct imap_thread *t, uint32_t place)
{
    uint32_t top = top_of(t, by_date(t, t->message_count - place));

    if (t->nodes[top].stands)
        return;
    t->nodes[top].stands = top;
    prepend(t, top);
}

/* ---- step 5: threads of one subject ---- */

/* The message that a thread is compared by: its first, or its first child. */
static const struct imap_thread_message *shown(const struct imap_thread *t, uint32_t at)
{
    const struct imap_thread_node *n = node_at(t, at);

    if (n->message == 0)
        n = node_at(t, n->child);
    return &t->messages[n->message - 1];
}

/* The entry of a subject: the first thread that had it, whose `stands` names who stands for it. */
static uint32_t find_subject(const struct imap_thread *t, uint64_t subject)
{
    uint32_t at = t->nodes[slot_of(t, subject)].slot;

    while (at && shown(t, at)->subject != subject)
        at = t->nodes[at].follows;
    return at;
}

static void add_subject(struct imap_thread *t, uint32_t at, uint64_t subject)
{
    uint32_t *slot = &t->nodes[slot_of(t, subject)].slot;

    t->nodes[at].follows = *slot;
    t->nodes[at].stands = at;
    *slot = at;
}

static bool is_reply(const struct imap_thread *t, uint32_t at)
{
    return t->nodes[at].message && shown(t, at)->reply;
}

/* Who stands for a subject: one that is only spoken of first, then one that is no reply. */
static void enter_subject(struct imap_thread *t, uint32_t at)
{
    uint64_t subject = shown(t, at)->subject;
    uint32_t entry, *stands;

    if (subject == 0)
        return;
    entry = find_subject(t, subject);
    stands = &t->nodes[entry].stands;
    if (entry == 0)
        add_subject(t, at, subject);
    else if ((t->nodes[at].message == 0 && t->nodes[*stands].message) ||
             (is_reply(t, *stands) && !is_reply(t, at)))
        *stands = at;
}

/* A thread joins the one that stands for its subject (RFC 5256 section 3, step 5.C). */
static void join_subject(struct imap_thread *t, uint32_t at)
{
    uint64_t subject = shown(t, at)->subject;
    uint32_t entry = subject ? find_subject(t, subject) : 0, stands = t->nodes[entry].stands;
    uint32_t both;

    if (entry == 0 || stands == at)
        return;
    if (t->nodes[stands].message == 0 && t->nodes[at].message == 0) {
        for (uint32_t child = t->nodes[at].child; child; child = t->nodes[child].next)
            t->nodes[child].parent = stands;
    } else if (t->nodes[stands].message == 0 || (is_reply(t, at) && !is_reply(t, stands))) {
        t->nodes[at].parent = stands;
    } else {
        both = new_node(t);
        if (both == 0)
            return;
        t->nodes[stands].parent = t->nodes[at].parent = both;
        t->nodes[entry].stands = both;
    }
}

/* ---- ORDEREDSUBJECT ---- */

/* The earliest message of a subject is its thread, the others are its children. */
static void group_subject(struct imap_thread *t, uint32_t place)
{
    uint32_t at = by_date(t, place - 1);
    uint64_t subject = t->messages[at - 1].subject;
    uint32_t first = find_subject(t, subject);

    if (first)
        t->nodes[at].parent = first;
    else
        add_subject(t, at, subject);
}

/* ---- one after the other ---- */

/*
 * What is done to messages (or their places in the order of dates) 1 to message_count, to all
 * nodes in use, to all there is memory for, or to the threads in their order.
 */
enum over { OVER_MESSAGES, OVER_NODES, OVER_MEMORY, OVER_THREADS };

enum phase {
    PHASE_END,
    CLEAR,
    MAKE,
    SORT,
    NAME,
    LINK,
    LIFT,
    FREE,
    RESET,
    COUNT,
    HANG,
    THREAD,
    ENTER,
    JOIN,
    GROUP,
};

static const struct {
    void (*one)(struct imap_thread *t, uint32_t at);
    enum over over;
} phases[] = {
    [CLEAR] = {clear_slot, OVER_MEMORY},      [MAKE] = {make_node, OVER_MESSAGES},
    [NAME] = {name_message, OVER_MESSAGES},   [LINK] = {link_message, OVER_MESSAGES},
    [LIFT] = {lift, OVER_MESSAGES},           [FREE] = {free_only_child, OVER_MESSAGES},
    [RESET] = {reset_children, OVER_NODES},   [COUNT] = {count_child, OVER_MESSAGES},
    [HANG] = {hang, OVER_MESSAGES},           [THREAD] = {hang_thread, OVER_MESSAGES},
    [ENTER] = {enter_subject, OVER_THREADS},  [JOIN] = {join_subject, OVER_THREADS},
    [GROUP] = {group_subject, OVER_MESSAGES},
};

static const uint8_t by_subjects[] = {CLEAR, MAKE, SORT, GROUP, RESET, COUNT, HANG, PHASE_END};
static const uint8_t by_refs[] = {CLEAR, MAKE,  SORT, NAME,  LINK,   LIFT,     FREE,
                                  RESET, COUNT, HANG, CLEAR, THREAD, PHASE_END};
static const uint8_t by_references[] = {CLEAR, MAKE,  SORT,  NAME, LINK,     LIFT,
                                        FREE,  RESET, COUNT, HANG, CLEAR,    ENTER,
                                        JOIN,  RESET, COUNT, HANG, PHASE_END};

static bool earlier(const void *context, uint32_t a, uint32_t b)
{
    const struct imap_thread *t = context;

    return t->messages[a].date < t->messages[b].date;
}

bool imap_thread_init(struct imap_thread *t, enum imap_thread_how how,
                      const struct imap_thread_message *messages, uint32_t count,
                      struct imap_thread_node *nodes, uint32_t cap, uint32_t *order)
{
    static const uint8_t *const ways[] = {[IMAP_THREAD_ORDEREDSUBJECT] = by_subjects,
                                          [IMAP_THREAD_REFERENCES] = by_references,
                                          [IMAP_THREAD_REFS] = by_refs};

    if (cap <= count)
        return false;
    *t = (struct imap_thread){.nodes = nodes,
                              .cap = cap,
                              .how = how,
                              .messages = messages,
                              .message_count = count,
                              .phase = ways[how]};
    nodes[0] = (struct imap_thread_node){0};
    t->count = 1;
    index_sort_init(&t->order, order, count, earlier, t);
    return true;
}

/* True: the phase is over. */
static bool go_on(struct imap_thread *t, uint32_t steps)
{
    enum over over = phases[*t->phase].over;
    uint32_t end = over == OVER_MESSAGES ? t->message_count + 1
                   : over == OVER_NODES  ? t->count
                                         : t->cap;

    if (over == OVER_THREADS) {
        if (t->at == 0)
            t->at = t->nodes[0].child;
        while (t->at && t->work++ < steps) {
            phases[*t->phase].one(t, t->at);
            t->at = t->nodes[t->at].next;
        }
        return t->at == 0;
    }
    if (t->at == 0 && over == OVER_MESSAGES)
        t->at = 1;
    while (t->at < end && t->work++ < steps)
        phases[*t->phase].one(t, t->at++);
    return t->at >= end;
}

bool imap_thread_step(struct imap_thread *t, uint32_t steps)
{
    t->work = 0;
    for (; *t->phase != PHASE_END; t->phase++) {
        if (*t->phase == SORT ? !index_sort_step(&t->order, steps) : !go_on(t, steps))
            return false;
        t->at = 0;
    }
    t->walk = t->nodes[0].child;
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
