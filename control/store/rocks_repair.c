/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

/*
 * A fault was seen in a snapshot, and mail has come and gone since. So each is looked at again
 * while changes are held back, and only what is still wrong is made good. Counters get the
 * difference that was found: what was added to them since was added to what was wrong.
 */

static bool there(struct rocks *r, enum rocks_family family, const struct store_key *key)
{
    struct rocks_value value;
    bool found = rocks_value_get(r, r->read, family, rocks_key(key), &value) != STORE_NONE;

    rocks_value_free(&value);
    return found;
}

static bool entry_there(struct rocks *r, const struct store_fault *f)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, f->mailbox, f->uid);

    return there(r, ROCKS_INDEX, &key);
}

static bool delete_if_there(struct rocks_batch *b, enum rocks_family family, struct store_key key)
{
    if (!there(b->r, family, &key))
        return false;
    rocks_value_delete(b->r, b->rows, family, rocks_key(&key));
    return true;
}

static bool refer(struct rocks_batch *b, const struct store_fault *f)
{
    struct store_key key = store_key_reference(&f->message, f->mailbox, f->uid);

    if (!entry_there(b->r, f))
        return false;
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), span_of("\1", 1));
    return true;
}

static bool drop_reference(struct rocks_batch *b, const struct store_fault *f)
{
    struct store_key key = store_key_reference(&f->message, f->mailbox, f->uid);

    return !entry_there(b->r, f) && there(b->r, ROCKS_INDEX, &key) &&
           rocks_delete_lost(b, &f->message, f->mailbox, f->uid) == STORE_OK;
}

static bool drop_body(struct rocks_batch *b, const struct store_fault *f)
{
    struct store_key references = store_key_message(STORE_TABLE_REFERENCE, &f->message);
    struct rocks_walk walk;
    bool used;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &references, NULL);
    used = rocks_walk_next(&walk);
    if (rocks_walk_end(&walk) != STORE_OK || used)
        return false;
    rocks_delete_body(b, &f->message);
    return true;
}

static bool drop_row(struct rocks_batch *b, const struct rocks_fault *f)
{
    struct store_key pending = store_key_pending(f->incarnation, &f->fault.message);
    struct store_row_body body;
    enum store_status status = rocks_value_body(b->r, &f->fault.message, &body);

    if (status == STORE_OK && body.incarnation == f->incarnation && f->row < body.rows)
        return false;
    if ((status != STORE_OK && status != STORE_NONE) || there(b->r, ROCKS_INDEX, &pending))
        return false;
    return delete_if_there(b, ROCKS_BODY, store_key_row(f->incarnation, &f->fault.message, f->row));
}

static bool drop_companion(struct rocks_batch *b, const struct rocks_fault *f)
{
    struct store_key body = store_key_message(STORE_TABLE_BODY, &f->fault.message);

    return !there(b->r, ROCKS_INDEX, &body) &&
           delete_if_there(b, ROCKS_INDEX, store_key_message(f->table, &f->fault.message));
}

static uint64_t corrected(uint64_t counter, uint64_t difference)
{
    uint64_t sum = counter + difference;

    return sum > INT64_MAX ? 0 : sum;
}

static bool count_mailbox(struct rocks_batch *b, const struct rocks_fault *f)
{
    struct store_key key = store_key_id(STORE_TABLE_STATE, f->fault.mailbox);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_row_state state;

    if (rocks_value_state(b->r, f->fault.mailbox, &state) != STORE_OK)
        return false;
    state.messages = corrected(state.messages, f->messages);
    state.octets = corrected(state.octets, f->octets);
    if (state.uid_next < f->uid_next)
        state.uid_next = f->uid_next;
    store_row_put_state(&w, &state);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    return true;
}

static bool count_account(struct rocks_batch *b, const struct rocks_fault *f)
{
    struct store_key key = store_key_id(STORE_TABLE_USAGE, f->fault.account);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_row_usage usage;

    if (rocks_value_usage(b->r, f->fault.account, &usage) != STORE_OK)
        return false;
    usage.messages = corrected(usage.messages, f->messages);
    usage.octets = corrected(usage.octets, f->octets);
    store_row_put_usage(&w, &usage);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    return true;
}

/* The name that leads from the account to the mailbox; false: none does. */
static bool find_name(struct rocks *r, const struct store_fault *f, struct writer *name_out)
{
    struct rocks_walk walk;
    uint64_t mailbox = 0;

    rocks_names_walk(&walk, r, ROCKS_NAME_MAILBOX, f->account);
    while (mailbox != f->mailbox && rocks_walk_next(&walk))
        if (store_row_read_number(walk.value, &mailbox) && mailbox == f->mailbox)
            writer_span_put(name_out, rocks_names_of(&walk));
    return rocks_walk_end(&walk) == STORE_OK && name_out->len > 0 && !name_out->full;
}

static bool drop_name(struct rocks_batch *b, const struct store_fault *f)
{
    struct store_row_mailbox row;
    uint8_t bytes[STORE_NAME];
    struct writer name = writer_of(bytes, sizeof(bytes));
    enum store_status status = rocks_value_mailbox(b->r, f->mailbox, &row);

    if ((status != STORE_NONE && (status != STORE_OK || row.account == f->account)) ||
        !find_name(b->r, f, &name))
        return false;
    rocks_names_drop(b->r, b->rows, ROCKS_NAME_MAILBOX, f->account, writer_span(&name));
    return true;
}

/* One that is there gets a name that says that it was found; one that was deleted is emptied. */
static bool give_name(struct rocks_batch *b, const struct store_fault *f)
{
    struct store_row_mailbox row;
    struct store_row_account account;
    uint8_t bytes[STORE_NAME];
    struct writer name = writer_of(bytes, sizeof(bytes));
    uint64_t there;

    if (rocks_value_mailbox(b->r, f->mailbox, &row) != STORE_OK)
        return false;
    if (row.place == STORE_ROW_GONE) {
        rocks_gone_put(b, f->mailbox, &row);
        return true;
    }
    if (rocks_value_account(b->r, row.account, &account) != STORE_OK || find_name(b->r, f, &name))
        return false;
    name.len = 0;
    writer_text(&name, "Recovered-");
    writer_number(&name, f->mailbox);
    if (rocks_names_look(b->r, ROCKS_NAME_MAILBOX, row.account, writer_span(&name), &there) !=
        STORE_NONE)
        return false;
    rocks_names_put(b->r, b->rows, ROCKS_NAME_MAILBOX, row.account, writer_span(&name), f->mailbox);
    return true;
}

static bool repair(struct rocks_batch *b, const struct rocks_fault *f)
{
    switch ((enum store_fault_class)f->fault.class) {
    case STORE_FAULT_ENTRY_UNREFERRED:
        return refer(b, &f->fault);
    case STORE_FAULT_BODY_UNUSED:
        return drop_body(b, &f->fault);
    case STORE_FAULT_ROWS_UNUSED:
        return drop_row(b, f);
    case STORE_FAULT_REFERENCE_LOST:
        return drop_reference(b, &f->fault);
    case STORE_FAULT_PREFIX_LOST:
        return !entry_there(b->r, &f->fault) &&
               delete_if_there(b, ROCKS_INDEX,
                               store_key_entry(STORE_TABLE_PREFIX, f->fault.mailbox, f->fault.uid));
    case STORE_FAULT_FLAGS_LOST:
        return !entry_there(b->r, &f->fault) &&
               delete_if_there(b, ROCKS_FLAGS, store_key_flags(f->fault.mailbox, f->fault.uid));
    case STORE_FAULT_COMPANION_LOST:
        return drop_companion(b, f);
    case STORE_FAULT_MAILBOX_COUNT:
        return count_mailbox(b, f);
    case STORE_FAULT_ACCOUNT_COUNT:
        return count_account(b, f);
    case STORE_FAULT_NAME_LOST:
        return drop_name(b, &f->fault);
    case STORE_FAULT_MAILBOX_NAMELESS:
        return give_name(b, &f->fault);
    default:
        return false;
    }
}

bool rocks_repair(struct rocks *r, const struct rocks_fault *fault)
{
    struct rocks_batch batch;
    enum store_status status = STORE_FAILED;

    pthread_mutex_lock(&r->changing);
    if (!r->sick && rocks_batch_init(&batch, r, 0)) {
        if (repair(&batch, fault)) {
            batch.durable = true;
            status = rocks_batch_write(&batch);
            r->sick = status != STORE_OK;
            r->ill = status;
        }
        rocks_batch_fini(&batch);
    }
    pthread_mutex_unlock(&r->changing);
    return status == STORE_OK;
}
