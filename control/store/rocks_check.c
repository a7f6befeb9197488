/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

/*
 * Every row once, and each from both ends: entries lead to references and bodies, references to
 * entries, rows of bodies to bodies, counters to sums. Holds `changing`, so that what it sees
 * stands still.
 */
struct check {
    struct rocks *r;
    struct store_health *health;
};

static bool there(struct check *c, enum rocks_family family, const struct store_key *key)
{
    struct rocks_value value;
    enum store_status status = rocks_value_get(c->r, c->r->read, family, rocks_key(key), &value);

    rocks_value_free(&value);
    return status == STORE_OK;
}

/* Calls `visit` for each row of a table of the index. */
static enum store_status each(struct check *c, enum store_table table,
                              void (*visit)(struct check *, struct span key, struct span value))
{
    struct store_key prefix = store_key_table(table);
    struct rocks_walk walk;

    rocks_walk_begin(&walk, c->r, ROCKS_INDEX, &prefix, NULL);
    while (rocks_walk_next(&walk))
        visit(c, walk.key, walk.value);
    return rocks_walk_end(&walk);
}

static void check_entry(struct check *c, struct span key, struct span value)
{
    struct store_entry entry;
    struct store_row_body body;
    struct store_key other;

    c->health->entries++;
    if (!store_key_read_entry(key, &entry.mailbox, &entry.uid) ||
        !store_row_read_entry(value, &entry)) {
        c->health->bad++;
        return;
    }
    if (rocks_value_body(c->r, &entry.message, &body) != STORE_OK ||
        body.incarnation != entry.incarnation || body.size != entry.size - entry.prefix_len)
        c->health->bodiless++;
    other = store_key_reference(&entry.message, entry.mailbox, entry.uid);
    if (!there(c, ROCKS_INDEX, &other))
        c->health->bodiless++;
    other = store_key_flags(entry.mailbox, entry.uid);
    if (!there(c, ROCKS_FLAGS, &other))
        c->health->bodiless++;
    other = store_key_entry(STORE_TABLE_PREFIX, entry.mailbox, entry.uid);
    if (!there(c, ROCKS_INDEX, &other))
        c->health->bodiless++;
}

static void check_reference(struct check *c, struct span key, struct span value)
{
    struct store_key other;
    struct id128 message;
    uint64_t mailbox;
    uint32_t uid;

    if (!store_key_read_reference(key, &message, &mailbox, &uid)) {
        c->health->bad++;
        return;
    }
    other = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    if (!there(c, ROCKS_INDEX, &other))
        c->health->orphans++;
}

static void check_prefix(struct check *c, struct span key, struct span value)
{
    struct store_key other;
    struct span content;
    uint64_t mailbox;
    uint32_t uid;

    if (!store_key_read_entry(key, &mailbox, &uid) || !store_row_read_content(value, &content)) {
        c->health->bad++;
        return;
    }
    other = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    if (!there(c, ROCKS_INDEX, &other))
        c->health->orphans++;
}

/* Envelopes and trees. */
static void check_companion(struct check *c, struct span key, struct span value)
{
    struct store_key other;
    struct id128 message;

    if (!store_key_read_message(key, &message)) {
        c->health->bad++;
        return;
    }
    other = store_key_message(STORE_TABLE_BODY, &message);
    if (!there(c, ROCKS_INDEX, &other))
        c->health->orphans++;
}

static void check_body(struct check *c, struct span key, struct span value)
{
    struct store_row_body body;
    struct id128 message;
    struct store_key other;
    struct rocks_walk walk;
    uint64_t rows = 0, octets = 0;

    c->health->bodies++;
    if (!store_key_read_message(key, &message) || !store_row_read_body(value, &body)) {
        c->health->bad++;
        return;
    }
    other = store_key_row(body.incarnation, &message, 0);
    other.len -= 4;
    rocks_walk_begin(&walk, c->r, ROCKS_BODY, &other, NULL);
    while (rocks_walk_next(&walk)) {
        struct span content;

        rows++;
        if (store_row_read_content(walk.value, &content))
            octets += content.len;
        else
            c->health->bad++;
    }
    if (rocks_walk_end(&walk) != STORE_OK)
        c->health->bad++;
    if (rows != body.rows || octets != body.size)
        c->health->bodiless++;
    other = store_key_message(STORE_TABLE_REFERENCE, &message);
    rocks_walk_begin(&walk, c->r, ROCKS_INDEX, &other, NULL);
    if (!rocks_walk_next(&walk))
        c->health->orphans++;
    rocks_walk_end(&walk);
}

/* Rows of bodies: each belongs to a body, or to one that is still being written. */
static enum store_status check_rows(struct check *c)
{
    struct store_key all = {.len = 0}, key;
    struct rocks_walk walk;

    rocks_walk_begin(&walk, c->r, ROCKS_BODY, &all, NULL);
    while (rocks_walk_next(&walk)) {
        struct store_row_body body;
        struct id128 message;
        uint64_t incarnation;
        uint32_t row;

        c->health->rows++;
        if (!store_key_read_row(walk.key, &incarnation, &message, &row)) {
            c->health->bad++;
            continue;
        }
        key = store_key_pending(incarnation, &message);
        if (rocks_value_body(c->r, &message, &body) == STORE_OK
                ? body.incarnation != incarnation || row >= body.rows
                : incarnation != c->r->incarnation || !there(c, ROCKS_INDEX, &key))
            c->health->orphans++;
    }
    return rocks_walk_end(&walk);
}

static struct store_row_usage sum_mailbox(struct check *c, uint64_t mailbox)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, mailbox);
    struct store_row_usage sum = {0};
    struct store_row_state state = {.uid_next = 0};
    struct rocks_walk walk;

    rocks_walk_begin(&walk, c->r, ROCKS_INDEX, &prefix, NULL);
    if (rocks_value_state(c->r, mailbox, &state) != STORE_OK)
        c->health->bad++;
    while (rocks_walk_next(&walk)) {
        struct store_entry entry;

        if (!store_key_read_entry(walk.key, &entry.mailbox, &entry.uid) ||
            !store_row_read_entry(walk.value, &entry))
            continue;
        sum.messages++;
        sum.octets += entry.size;
        if (entry.uid >= state.uid_next)
            c->health->counts++;
    }
    rocks_walk_end(&walk);
    if (sum.messages != state.messages || sum.octets != state.octets)
        c->health->counts++;
    return sum;
}

static void check_account(struct check *c, struct span key, struct span value)
{
    struct store_row_account account;
    struct store_row_usage usage, inbox;
    uint64_t id;

    if (!store_key_read_id(key, &id) || !store_row_read_account(value, &account) ||
        rocks_value_usage(c->r, id, &usage) != STORE_OK) {
        c->health->bad++;
        return;
    }
    inbox = sum_mailbox(c, account.inbox);
    sum_mailbox(c, account.quarantine);
    if (inbox.messages != usage.messages || inbox.octets != usage.octets)
        c->health->counts++;
}

enum store_status rocks_check(struct store *store, struct store_health *health_out)
{
    struct rocks *r = (struct rocks *)store;
    struct check c = {.r = r, .health = health_out};
    enum store_status status;

    *health_out = (struct store_health){0};
    pthread_mutex_lock(&r->changing);
    if (!rocks_db_use(r)) {
        pthread_mutex_unlock(&r->changing);
        return STORE_FAILED;
    }
    if ((status = each(&c, STORE_TABLE_ENTRY, check_entry)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_REFERENCE, check_reference)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_PREFIX, check_prefix)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_ENVELOPE, check_companion)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_TREE, check_companion)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_BODY, check_body)) == STORE_OK &&
        (status = each(&c, STORE_TABLE_ACCOUNT, check_account)) == STORE_OK)
        status = check_rows(&c);
    rocks_db_release(r);
    pthread_mutex_unlock(&r->changing);
    return status;
}
