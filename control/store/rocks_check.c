/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <stdlib.h>

/*
 * Every row once, and each from both ends: entries lead to references and bodies, references to
 * entries, rows of bodies to bodies, counters to sums. All of it as of one snapshot, so that what
 * it sees stands still while mail goes on.
 */
struct check {
    struct rocks *r;
    const struct store_fsck *options;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
    struct store_health *health;
    bool unreferred; /* an entry without a reference stays so */
    uint8_t *named;  /* a bit for each mailbox that a name leads to, by its id */
    uint64_t named_bytes;
    uint64_t whole;  /* bodies with rows whose rows are all there */
    uint64_t wanted; /* bodies with rows */
};

static uint64_t *sum_of(struct store_health *h, enum store_fault_class class)
{
    switch (class) {
#define STORE_FAULT(NAME, name, sum, repair, text)                                                 \
    case STORE_FAULT_##NAME:                                                                       \
        return &h->sum;
#include "control/store/store_fault.def"
#undef STORE_FAULT
    case STORE_FAULTS:
        break;
    }
    return &h->bad;
}

/* A body is needed by the entry that its lost reference came from: those are made good before
 * bodies are looked at, unless they cannot be read or written. */
static bool repairable(const struct check *c, enum store_fault_class class)
{
    if (!c->options->repair || !store_faults[class].repair)
        return false;
    return class != STORE_FAULT_BODY_UNUSED ||
           (c->health->faults[STORE_FAULT_UNREADABLE] == 0 && !c->unreferred);
}

static void report(struct check *c, struct rocks_fault f)
{
    enum store_fault_class class = f.fault.class;

    ++*sum_of(c->health, class);
    if (repairable(c, class))
        f.fault.repaired = rocks_repair(c->r, &f);
    c->unreferred |= class == STORE_FAULT_ENTRY_UNREFERRED && !f.fault.repaired;
    c->health->repaired += f.fault.repaired;
    if (c->health->faults[class]++ < STORE_FSCK_VISITS && c->options->visit)
        c->options->visit(c->options->context, &f.fault);
}

static void report_entry(struct check *c, enum store_fault_class class,
                         const struct store_entry *entry)
{
    report(c, (struct rocks_fault){.fault = {.class = (uint8_t) class,
                                             .message = entry->message,
                                             .mailbox = entry->mailbox,
                                             .uid = entry->uid}});
}

static void report_unreadable(struct check *c)
{
    report(c, (struct rocks_fault){.fault.class = STORE_FAULT_UNREADABLE});
}

static bool there(struct check *c, enum rocks_family family, const struct store_key *key)
{
    struct rocks_value value;
    enum store_status status = rocks_value_get(c->r, c->read, family, rocks_key(key), &value);

    rocks_value_free(&value);
    return status == STORE_OK;
}

/* False when there is no readable row. */
static bool find_body(struct check *c, const struct id128 *message, struct store_row_body *body_out)
{
    struct store_key key = store_key_message(STORE_TABLE_BODY, message);
    struct rocks_value value;
    bool found = rocks_value_get(c->r, c->read, ROCKS_INDEX, rocks_key(&key), &value) == STORE_OK &&
                 store_row_read_body(value.bytes, body_out);

    rocks_value_free(&value);
    return found;
}

typedef void visit_row(struct check *c, struct span key, struct span value);

static enum store_status each(struct check *c, enum rocks_family family,
                              const struct store_key *prefix, visit_row *visit)
{
    struct rocks_walk walk;
    enum store_status status;
    bool wanted = false;

    rocks_walk_begin_once(&walk, c->r, family, prefix, c->snapshot);
    while (!wanted && rocks_walk_next(&walk)) {
        visit(c, walk.key, walk.value);
        wanted = atomic_load_explicit(&c->r->wanted, memory_order_relaxed);
    }
    status = rocks_walk_end(&walk);
    return status == STORE_OK && wanted ? STORE_BUSY : status;
}

static void check_entry(struct check *c, struct span key, struct span value)
{
    struct store_entry entry = {0};
    struct store_row_body body;
    struct store_key reference, flags, prefix, mailbox;

    c->health->entries++;
    if (!store_key_read_entry(key, &entry.mailbox, &entry.uid) ||
        !store_row_read_entry(value, &entry)) {
        report_unreadable(c);
        return;
    }
    reference = store_key_reference(&entry.message, entry.mailbox, entry.uid);
    flags = store_key_flags(entry.mailbox, entry.uid);
    prefix = store_key_entry(STORE_TABLE_PREFIX, entry.mailbox, entry.uid);
    if (!find_body(c, &entry.message, &body) || body.incarnation != entry.incarnation ||
        body.size != entry.size - entry.prefix_len)
        report_entry(c, STORE_FAULT_ENTRY_BODILESS, &entry);
    if (!there(c, ROCKS_INDEX, &reference))
        report_entry(c, STORE_FAULT_ENTRY_UNREFERRED, &entry);
    if (!there(c, ROCKS_FLAGS, &flags) || !there(c, ROCKS_INDEX, &prefix))
        report_entry(c, STORE_FAULT_ENTRY_INCOMPLETE, &entry);
    mailbox = store_key_id(STORE_TABLE_MAILBOX, entry.mailbox);
    if (!there(c, ROCKS_INDEX, &mailbox))
        report_entry(c, STORE_FAULT_ENTRY_HOMELESS, &entry);
}

/* What stands beside an entry: `entry` names it. */
static void check_beside(struct check *c, enum store_fault_class class,
                         const struct store_entry *entry)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, entry->mailbox, entry->uid);

    if (!there(c, ROCKS_INDEX, &key))
        report_entry(c, class, entry);
}

static void check_reference(struct check *c, struct span key, struct span value)
{
    struct store_entry entry = {0};

    if (store_key_read_reference(key, &entry.message, &entry.mailbox, &entry.uid))
        check_beside(c, STORE_FAULT_REFERENCE_LOST, &entry);
    else
        report_unreadable(c);
}

static void check_prefix(struct check *c, struct span key, struct span value)
{
    struct store_entry entry = {0};
    struct span content;

    if (store_key_read_entry(key, &entry.mailbox, &entry.uid) &&
        store_row_read_content(value, &content))
        check_beside(c, STORE_FAULT_PREFIX_LOST, &entry);
    else
        report_unreadable(c);
}

static void check_flags(struct check *c, struct span key, struct span value)
{
    struct store_entry entry = {0};

    if (store_key_read_flags(key, &entry.mailbox, &entry.uid) &&
        store_row_read_flags(value, &entry))
        check_beside(c, STORE_FAULT_FLAGS_LOST, &entry);
    else
        report_unreadable(c);
}

/* Envelopes and trees. */
static void check_companion(struct check *c, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_COMPANION_LOST, .table = key.data[0]};
    struct store_key body;

    if (!store_key_read_message(key, &f.fault.message)) {
        report_unreadable(c);
        return;
    }
    body = store_key_message(STORE_TABLE_BODY, &f.fault.message);
    if (!there(c, ROCKS_INDEX, &body))
        report(c, f);
}

static void check_body(struct check *c, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_BODY_UNUSED};
    struct store_row_body body;
    struct rocks_walk walk;
    struct store_key prefix;

    c->health->bodies++;
    if (!store_key_read_message(key, &f.fault.message) || !store_row_read_body(value, &body)) {
        report_unreadable(c);
        return;
    }
    c->wanted += body.rows > 0;
    prefix = store_key_message(STORE_TABLE_REFERENCE, &f.fault.message);
    rocks_walk_begin_once(&walk, c->r, ROCKS_INDEX, &prefix, c->snapshot);
    if (!rocks_walk_next(&walk))
        report(c, f);
    rocks_walk_end(&walk);
}

/* Only when fewer bodies were whole than there are: names those of which no row is there. */
static void check_rowless(struct check *c, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_BODY_INCOMPLETE};
    struct store_row_body body;
    struct rocks_walk walk;
    struct store_key prefix;

    if (!store_key_read_message(key, &f.fault.message) || !store_row_read_body(value, &body) ||
        body.rows == 0)
        return;
    prefix = store_key_row(body.incarnation, &f.fault.message, 0);
    prefix.len -= sizeof(uint32_t);
    rocks_walk_begin_once(&walk, c->r, ROCKS_BODY, &prefix, c->snapshot);
    if (!rocks_walk_next(&walk))
        report(c, f);
    rocks_walk_end(&walk);
}

/* ---- rows of bodies: those of one body lie together ---- */

struct rows {
    struct id128 message;
    uint64_t incarnation;
    struct store_row_body body;
    bool known;
    uint64_t rows, octets;
};

static void end_rows(struct check *c, struct rows *b)
{
    if (!b->known)
        return;
    if (b->rows == b->body.rows && b->octets == b->body.size)
        c->whole++;
    else
        report(c, (struct rocks_fault){
                      .fault = {.class = STORE_FAULT_BODY_INCOMPLETE, .message = b->message}});
    b->known = false;
}

static void begin_rows(struct check *c, struct rows *b, const struct id128 *message,
                       uint64_t incarnation)
{
    end_rows(c, b);
    *b = (struct rows){.message = *message, .incarnation = incarnation};
    b->known = find_body(c, message, &b->body) && b->body.incarnation == incarnation;
}

static void check_row(struct check *c, struct rows *b, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_ROWS_UNUSED};
    struct store_key pending;
    struct span content = {0};

    c->health->rows++;
    if (!store_key_read_row(key, &f.incarnation, &f.fault.message, &f.row)) {
        report_unreadable(c);
        return;
    }
    if (b->incarnation != f.incarnation ||
        memcmp(&b->message, &f.fault.message, sizeof(b->message)) != 0)
        begin_rows(c, b, &f.fault.message, f.incarnation);
    if (b->known && f.row < b->body.rows) {
        b->rows++;
        if (!store_row_read_content(value, &content))
            report_unreadable(c);
        b->octets += content.len;
        return;
    }
    pending = store_key_pending(f.incarnation, &f.fault.message);
    if (b->known || f.incarnation != c->r->incarnation || !there(c, ROCKS_INDEX, &pending))
        report(c, f);
}

static enum store_status check_rows(struct check *c)
{
    struct store_key all = {.len = 0}, bodies = store_key_table(STORE_TABLE_BODY);
    struct rows b = {.known = false};
    struct rocks_walk walk;
    enum store_status status;
    bool wanted = false;

    rocks_walk_begin_once(&walk, c->r, ROCKS_BODY, &all, c->snapshot);
    while (!wanted && rocks_walk_next(&walk)) {
        check_row(c, &b, walk.key, walk.value);
        wanted = atomic_load_explicit(&c->r->wanted, memory_order_relaxed);
    }
    end_rows(c, &b);
    status = rocks_walk_end(&walk);
    if (status == STORE_OK && wanted)
        return STORE_BUSY;
    if (status == STORE_OK && c->whole < c->wanted)
        status = each(c, ROCKS_INDEX, &bodies, check_rowless);
    return status;
}

/* ---- counters ---- */

struct sum {
    struct store_row_usage usage;
    uint32_t uid_next;
    bool sound;
};

static struct sum sum_mailbox(struct check *c, uint64_t mailbox)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, mailbox);
    struct sum sum = {.uid_next = 1, .sound = true};
    struct rocks_walk walk;

    rocks_walk_begin_once(&walk, c->r, ROCKS_INDEX, &prefix, c->snapshot);
    while (rocks_walk_next(&walk)) {
        struct store_entry entry;

        if (!store_key_read_entry(walk.key, &entry.mailbox, &entry.uid) ||
            !store_row_read_entry(walk.value, &entry)) {
            sum.sound = false;
            continue;
        }
        sum.usage.messages++;
        sum.usage.octets += entry.size;
        if (entry.uid >= sum.uid_next)
            sum.uid_next = entry.uid + 1;
    }
    if (rocks_walk_end(&walk) != STORE_OK)
        sum.sound = false;
    return sum;
}

static void check_mailbox(struct check *c, uint64_t account, uint64_t mailbox, struct sum *sum_out)
{
    struct store_key key = store_key_id(STORE_TABLE_STATE, mailbox);
    struct store_row_state state = {.uid_next = 0};
    struct rocks_value value;
    bool read = rocks_value_get(c->r, c->read, ROCKS_INDEX, rocks_key(&key), &value) == STORE_OK &&
                store_row_read_state(value.bytes, &state);

    rocks_value_free(&value);
    *sum_out = sum_mailbox(c, mailbox);
    if (!read) {
        report_unreadable(c);
    } else if (sum_out->sound &&
               (sum_out->usage.messages != state.messages ||
                sum_out->usage.octets != state.octets || sum_out->uid_next > state.uid_next)) {
        report(c, (struct rocks_fault){.fault = {.class = STORE_FAULT_MAILBOX_COUNT,
                                                 .account = account,
                                                 .mailbox = mailbox},
                                       .messages = sum_out->usage.messages - state.messages,
                                       .octets = sum_out->usage.octets - state.octets,
                                       .uid_next = sum_out->uid_next});
    }
}

/* ---- mailboxes and their names ---- */

static bool note_named(struct check *c, uint64_t mailbox)
{
    uint64_t bytes = c->named_bytes;
    uint8_t *grown;

    /* No mailbox has such an id. */
    if (mailbox > UINT32_MAX)
        return false;
    while (bytes <= mailbox / 8)
        bytes = 2 * bytes + 4096;
    if (bytes > c->named_bytes) {
        grown = realloc(c->named, bytes);
        if (!grown)
            return false;
        memset(grown + c->named_bytes, 0, bytes - c->named_bytes);
        c->named = grown;
        c->named_bytes = bytes;
    }
    c->named[mailbox / 8] |= (uint8_t)(1u << mailbox % 8);
    return true;
}

static bool is_named(const struct check *c, uint64_t mailbox)
{
    return mailbox / 8 < c->named_bytes && c->named[mailbox / 8] & 1u << mailbox % 8;
}

/* NONE: no row. */
static enum store_status find_mailbox(struct check *c, uint64_t mailbox,
                                      struct store_row_mailbox *row_out)
{
    struct store_key key = store_key_id(STORE_TABLE_MAILBOX, mailbox);
    struct rocks_value value;
    enum store_status status = rocks_value_get(c->r, c->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_mailbox(value.bytes, row_out))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    return status;
}

/* A name of the account's that leads to `mailbox`: what is in it is added to *sum. */
static void check_name(struct check *c, uint64_t account, uint64_t mailbox, struct sum *sum)
{
    struct store_row_mailbox row;
    struct sum of_mailbox;
    enum store_status status = find_mailbox(c, mailbox, &row);

    if (status == STORE_NONE || (status == STORE_OK && row.account != account))
        report(c, (struct rocks_fault){.fault = {.class = STORE_FAULT_NAME_LOST,
                                                 .account = account,
                                                 .mailbox = mailbox}});
    if (status != STORE_OK || row.account != account) {
        sum->sound &= status == STORE_OK || status == STORE_NONE;
        return;
    }
    sum->sound &= note_named(c, mailbox);
    check_mailbox(c, account, mailbox, &of_mailbox);
    if (row.place == MESSAGE_QUARANTINE)
        return;
    sum->usage.messages += of_mailbox.usage.messages;
    sum->usage.octets += of_mailbox.usage.octets;
    sum->sound &= of_mailbox.sound;
}

static struct sum check_names(struct check *c, uint64_t account)
{
    struct store_key prefix = store_key_id((enum store_table)ROCKS_NAME_MAILBOX, account);
    struct sum sum = {.sound = true};
    struct rocks_walk walk;

    rocks_walk_begin_once(&walk, c->r, ROCKS_NAMES, &prefix, c->snapshot);
    while (rocks_walk_next(&walk)) {
        uint64_t mailbox;

        if (store_row_read_number(walk.value, &mailbox)) {
            check_name(c, account, mailbox, &sum);
        } else {
            report_unreadable(c);
            sum.sound = false;
        }
    }
    sum.sound &= rocks_walk_end(&walk) == STORE_OK;
    return sum;
}

static void check_account(struct check *c, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_ACCOUNT_COUNT};
    struct store_row_account account;
    struct store_row_usage usage = {0};
    struct store_key usage_key;
    struct rocks_value found;
    struct sum sum;
    bool read;

    if (!store_key_read_id(key, &f.fault.account) || !store_row_read_account(value, &account)) {
        report_unreadable(c);
        return;
    }
    usage_key = store_key_id(STORE_TABLE_USAGE, f.fault.account);
    read = rocks_value_get(c->r, c->read, ROCKS_INDEX, rocks_key(&usage_key), &found) == STORE_OK &&
           store_row_read_usage(found.bytes, &usage);
    rocks_value_free(&found);
    sum = check_names(c, f.fault.account);
    f.messages = sum.usage.messages - usage.messages;
    f.octets = sum.usage.octets - usage.octets;
    if (!read)
        report_unreadable(c);
    else if (sum.sound && (f.messages || f.octets))
        report(c, f);
}

/* After all accounts. Names of an account that is being erased go at its end. */
static void check_mailbox_row(struct check *c, struct span key, struct span value)
{
    struct rocks_fault f = {.fault.class = STORE_FAULT_MAILBOX_NAMELESS};
    struct store_row_mailbox row;
    struct store_key erasure, gone;

    if (!store_key_read_id(key, &f.fault.mailbox) || !store_row_read_mailbox(value, &row)) {
        report_unreadable(c);
        return;
    }
    f.fault.account = row.account;
    erasure = store_key_id(STORE_TABLE_ERASURE, row.account);
    gone = store_key_id(STORE_TABLE_GONE, f.fault.mailbox);
    if (row.place == STORE_ROW_GONE
            ? !there(c, ROCKS_INDEX, &gone)
            : !is_named(c, f.fault.mailbox) && !there(c, ROCKS_INDEX, &erasure))
        report(c, f);
}

static void check_keywords(struct check *c, struct span key, struct span value)
{
    struct span keywords;
    uint64_t mailbox;

    if (!store_key_read_id(key, &mailbox) || !store_row_read_keywords(value, &keywords))
        report_unreadable(c);
}

/* ---- rows that stand alone ---- */

static void check_audit(struct check *c, struct span key, struct span value)
{
    struct store_audit row;

    if (!store_key_read_id(key, &row.sequence) || !store_audit_read(value, &row))
        report_unreadable(c);
}

static void check_number(struct check *c, struct span key, struct span value)
{
    uint64_t number;

    if (!store_row_read_number(value, &number))
        report_unreadable(c);
}

static void check_erasure(struct check *c, struct span key, struct span value)
{
    struct store_erasure row;
    struct store_reason reason;

    if (!store_key_read_id(key, &row.account) || !store_erasure_read(value, &row, &reason))
        report_unreadable(c);
}

/* ---- all of it ---- */

static enum store_status check_all(struct check *c)
{
    static const struct {
        enum store_table table;
        visit_row *visit;
    } tables[] = {
        {STORE_TABLE_ENTRY, check_entry},     {STORE_TABLE_REFERENCE, check_reference},
        {STORE_TABLE_PREFIX, check_prefix},   {STORE_TABLE_ENVELOPE, check_companion},
        {STORE_TABLE_TREE, check_companion},  {STORE_TABLE_BODY, check_body},
        {STORE_TABLE_ACCOUNT, check_account}, {STORE_TABLE_MAILBOX, check_mailbox_row},
        {STORE_TABLE_AUDIT, check_audit},     {STORE_TABLE_IMPORTED, check_number},
        {STORE_TABLE_GONE, check_number},     {STORE_TABLE_KEYWORDS, check_keywords},
        {STORE_TABLE_ERASURE, check_erasure},
    };
    struct store_key all = {.len = 0};
    enum store_status status = each(c, ROCKS_FLAGS, &all, check_flags);

    for (size_t i = 0; status == STORE_OK && i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct store_key prefix = store_key_table(tables[i].table);

        status = each(c, ROCKS_INDEX, &prefix, tables[i].visit);
    }
    return status == STORE_OK ? check_rows(c) : status;
}

enum store_status rocks_check(struct store *store, const struct store_fsck *options,
                              struct store_health *health_out)
{
    struct rocks *r = (struct rocks *)store;
    struct check c = {.r = r, .health = health_out, .options = options};
    enum store_status status;

    *health_out = (struct store_health){0};
    if (atomic_exchange(&r->checking, true))
        return STORE_BUSY;
    if (!rocks_db_use(r)) {
        atomic_store(&r->checking, false);
        return STORE_FAILED;
    }
    c.snapshot = rocksdb_create_snapshot(r->db);
    c.read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(c.read, c.snapshot);
    status = check_all(&c);
    free(c.named);
    rocksdb_readoptions_destroy(c.read);
    rocksdb_release_snapshot(r->db, c.snapshot);
    rocks_db_release(r);
    atomic_store(&r->checking, false);
    return status;
}
