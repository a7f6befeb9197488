/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/defence_store.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/log/log.h"
#include "control/service/defence_row.h"

enum { BATCH = 64 };

struct defence_store {
    struct store *store;
    struct ban_list *bans;
    struct login_guard *guard;
    pthread_mutex_t lock; /* a change of the list and that of its row come together */
};

/* Rows that are put together. */
struct batch {
    uint32_t count;
    struct store_directory_row rows[BATCH];
    uint8_t keys[BATCH][DEFENCE_ROW_KEY], values[BATCH][DEFENCE_ROW_VALUE];
};

static struct defence_clocks clocks(void)
{
    return (struct defence_clocks){.monotonic_ms = clock_monotonic_ms(),
                                   .wall_ms = clock_wall_ms()};
}

static struct writer key_of(struct batch *b)
{
    return writer_of(b->keys[b->count], sizeof(b->keys[0]));
}

static struct writer value_of(struct batch *b)
{
    return writer_of(b->values[b->count], sizeof(b->values[0]));
}

/* An empty value takes the row away. */
static void add(struct batch *b, const struct writer *key, const struct writer *value)
{
    b->rows[b->count].key = writer_span(key);
    b->rows[b->count].value = value ? writer_span(value) : span_of(NULL, 0);
    b->count++;
}

static void add_ban(struct batch *b, const struct ban *ban)
{
    struct defence_clocks now = clocks();
    struct writer key = key_of(b), value = value_of(b);

    defence_row_ban_key(&key, &ban->network, ban->bits);
    defence_row_put_ban(&value, &now, ban);
    add(b, &key, &value);
}

/* ---- at the start ---- */

struct load {
    struct defence_store *defence;
    struct defence_clocks now;
};

static bool load_ban(void *context, const struct store_directory_row *row)
{
    const struct load *l = context;
    struct ban ban;

    if (row->key.data[0] != DEFENCE_ROW_BAN)
        return false;
    if (defence_row_read_ban(row->key, row->value, &l->now, &ban))
        ban_list_restore(l->defence->bans, &ban, l->now.monotonic_ms);
    return true;
}

static bool load_known(void *context, const struct store_directory_row *row)
{
    const struct load *l = context;
    struct login_known known[LOGIN_GUARD_WAYS];
    uint32_t set;

    if (row->key.data[0] != DEFENCE_ROW_KNOWN)
        return false;
    if (defence_row_read_known(row->key, row->value, &l->now, &set, known))
        login_guard_restore(l->defence->guard, set, known);
    return true;
}

static enum store_status walk(struct defence_store *d, uint8_t kind, store_directory_visit *visit,
                              void *context)
{
    return store_directory_walk(d->store, span_of(&kind, 1), visit, context);
}

struct defence_store *defence_store_new(struct store *store, struct ban_list *bans,
                                        struct login_guard *guard)
{
    struct defence_store *d = calloc(1, sizeof(*d));
    struct load l = {.defence = d, .now = clocks()};

    if (!d)
        return NULL;
    *d = (struct defence_store){.store = store, .bans = bans, .guard = guard};
    pthread_mutex_init(&d->lock, NULL);
    if (walk(d, DEFENCE_ROW_BAN, load_ban, &l) != STORE_OK ||
        walk(d, DEFENCE_ROW_KNOWN, load_known, &l) != STORE_OK)
        LOG(WARNING, "bans and addresses that have logged in cannot be read from the store");
    return d;
}

void defence_store_free(struct defence_store *d)
{
    if (!d)
        return;
    defence_store_write(d);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- now and then ---- */

/* False: nothing is left to write, or it cannot be. */
static bool write_bans(struct defence_store *d)
{
    struct batch b = {.count = 0};
    struct ban bans[BATCH];
    uint32_t count;
    bool ok;

    pthread_mutex_lock(&d->lock);
    count = ban_list_changed(d->bans, bans, BATCH);
    for (uint32_t i = 0; i < count; i++)
        add_ban(&b, &bans[i]);
    ok = count && store_directory_put(d->store, b.rows, b.count, NULL, 0) == STORE_OK;
    for (uint32_t i = 0; !ok && i < count; i++)
        ban_list_set_kept(d->bans, &bans[i], false);
    pthread_mutex_unlock(&d->lock);
    return ok;
}

static bool write_known(struct defence_store *d)
{
    struct defence_clocks now = clocks();
    struct batch b = {.count = 0};
    struct login_known known[LOGIN_GUARD_WAYS];
    uint32_t sets[BATCH], set = 0;
    bool ok;

    for (; b.count < BATCH && login_guard_changed(d->guard, &set, known); set++) {
        struct writer key = key_of(&b), value = value_of(&b);

        sets[b.count] = set;
        defence_row_known_key(&key, set);
        defence_row_put_known(&value, &now, known);
        add(&b, &key, &value);
    }
    ok = b.count && store_directory_put(d->store, b.rows, b.count, NULL, 0) == STORE_OK;
    for (uint32_t i = 0; !ok && i < b.count; i++)
        login_guard_unkept(d->guard, sets[i]);
    return ok;
}

void defence_store_write(struct defence_store *d)
{
    while (write_bans(d))
        continue;
    while (write_known(d))
        continue;
}

struct sweep {
    struct defence_store *defence;
    struct batch batch;
    uint64_t now;
};

static bool note_stale(void *context, const struct store_directory_row *row)
{
    struct sweep *s = context;
    struct writer key = key_of(&s->batch);
    struct ip_address network;
    uint8_t bits;

    if (row->key.data[0] != DEFENCE_ROW_BAN)
        return false;
    if (row->key.len > DEFENCE_ROW_KEY ||
        (defence_row_read_ban_key(row->key, &network, &bits) &&
         ban_list_remembers(s->defence->bans, &network, bits, s->now)))
        return true;
    writer_span_put(&key, row->key);
    add(&s->batch, &key, NULL);
    return s->batch.count < BATCH;
}

enum store_status defence_store_sweep(struct defence_store *d)
{
    enum store_status status = STORE_OK;
    uint32_t count = BATCH;

    while (status == STORE_OK && count == BATCH) {
        struct sweep s = {.defence = d, .now = clock_monotonic_ms()};

        pthread_mutex_lock(&d->lock);
        status = walk(d, DEFENCE_ROW_BAN, note_stale, &s);
        count = s.batch.count;
        if (status == STORE_OK && count)
            status = store_directory_put(d->store, s.batch.rows, count, NULL, 0);
        pthread_mutex_unlock(&d->lock);
    }
    return status;
}

/* ---- by hand ---- */

void defence_store_put_network(struct writer *w, const struct ip_address *network, uint8_t bits)
{
    bool v4 = bits >= 96 && ip_address_is_v4(network);

    ip_address_put(w, network);
    writer_printf(w, "/%u", (unsigned)bits - (v4 ? 96u : 0u));
}

static enum store_status note(struct defence_store *d, enum store_audit_action action,
                              const struct limit_network *of, const struct store_reason *reason,
                              const struct batch *b)
{
    char text[DEFENCE_STORE_NETWORK];
    struct writer network = writer_of(text, sizeof(text));
    struct store_audit row = {.action = (uint8_t)action, .for_ = *reason};

    defence_store_put_network(&network, &of->address, of->bits);
    row.address = writer_span(&network);
    return store_directory_put(d->store, b->rows, b->count, &row, 1);
}

enum ban_status defence_store_ban(struct defence_store *d, const struct limit_network *of,
                                  uint64_t for_ms, const struct store_reason *reason,
                                  enum store_status *kept_out)
{
    struct batch b = {.count = 0};
    enum ban_status status;
    struct ban made;

    pthread_mutex_lock(&d->lock);
    status = ban_list_add(d->bans, &of->address, of->bits, for_ms, clock_monotonic_ms());
    *kept_out = STORE_OK;
    if (status == BAN_DONE && ban_list_find(d->bans, &of->address, of->bits, &made)) {
        add_ban(&b, &made);
        *kept_out = note(d, STORE_AUDIT_BAN, of, reason, &b);
        ban_list_set_kept(d->bans, &made, *kept_out == STORE_OK);
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

enum ban_status defence_store_unban(struct defence_store *d, const struct limit_network *of,
                                    const struct store_reason *reason, enum store_status *kept_out)
{
    struct batch b = {.count = 0};
    struct writer key = key_of(&b);
    enum ban_status status;

    pthread_mutex_lock(&d->lock);
    status = ban_list_remove(d->bans, &of->address, of->bits);
    *kept_out = STORE_OK;
    if (status == BAN_DONE) {
        defence_row_ban_key(&key, &of->address, of->bits);
        add(&b, &key, NULL);
        *kept_out = note(d, STORE_AUDIT_UNBAN, of, reason, &b);
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

uint32_t defence_store_clear(struct defence_store *d, const struct store_reason *reason,
                             enum store_status *kept_out)
{
    struct store_audit row = {.action = STORE_AUDIT_UNBAN_ALL, .for_ = *reason};
    uint32_t count = ban_list_clear(d->bans, clock_monotonic_ms());

    row.count = count;
    *kept_out = store_directory_put(d->store, NULL, 0, &row, 1);
    if (*kept_out == STORE_OK)
        *kept_out = defence_store_sweep(d);
    return count;
}
