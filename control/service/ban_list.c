/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/ban_list.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/log/log.h"
#include "dataplane/handoff/window_table.h"

enum { HEADS = 16384, NOWHERE = UINT16_MAX, PREFIX_V6 = 64 };
_Static_assert((int)BAN_LIST_MAX < (int)NOWHERE, "places are named by 16 bits");

struct entry {
    struct ban ban;
    uint64_t name;
    uint16_t next; /* of the same head, or free */
    bool kept;
};

struct ban_list {
    pthread_mutex_t lock; /* of all below */
    struct ban_table *table;
    struct window_table *windows;
    struct ban_limits limits;
    void (*begun)(void *context);
    void *context;
    uint64_t made, evicted;
    uint32_t unkept;
    uint16_t free;
    uint16_t heads[HEADS];
    struct entry entries[BAN_LIST_MAX];
};

static void empty(struct ban_list *l)
{
    for (uint32_t i = 0; i < HEADS; i++)
        l->heads[i] = NOWHERE;
    for (uint32_t i = 0; i < BAN_LIST_MAX; i++)
        l->entries[i] = (struct entry){.next = (uint16_t)(i + 1 < BAN_LIST_MAX ? i + 1 : NOWHERE)};
    l->free = 0;
}

struct ban_list *ban_list_new(struct ban_table *table, struct window_table *windows)
{
    struct ban_list *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    pthread_mutex_init(&l->lock, NULL);
    l->table = table;
    l->windows = windows;
    empty(l);
    return l;
}

void ban_list_free(struct ban_list *l)
{
    if (l)
        pthread_mutex_destroy(&l->lock);
    free(l);
}

void ban_list_limit(struct ban_list *l, const struct ban_limits *limits)
{
    pthread_mutex_lock(&l->lock);
    l->limits = *limits;
    pthread_mutex_unlock(&l->lock);
}

void ban_list_watch(struct ban_list *l, void (*begun)(void *context), void *context)
{
    l->begun = begun;
    l->context = context;
}

static bool is_trusted(const struct ban_list *l, const struct ip_address *a, uint8_t bits)
{
    for (uint32_t i = 0; i < l->limits.network_count; i++) {
        const struct limit_network *n = &l->limits.trusted[i];
        struct ip_address masked = limits_masked(a, n->bits);

        if (n->bits <= bits && ip_address_equal(&masked, &n->address))
            return true;
    }
    return false;
}

/* ---- places ---- */

static uint64_t name_of(const struct ban_list *l, enum window_kind kind, const struct ban *b,
                        uint32_t more)
{
    uint8_t key[sizeof(b->network.bytes) + 5];
    struct writer w = writer_of(key, sizeof(key));

    writer_span_put(&w, span_of(b->network.bytes, sizeof(b->network.bytes)));
    writer_byte(&w, b->bits);
    writer_uint(&w, more, 4);
    return window_table_name(l->windows, kind, writer_span(&w));
}

static uint16_t *head_of(struct ban_list *l, uint64_t name)
{
    return &l->heads[name % HEADS];
}

static struct entry *find(struct ban_list *l, uint64_t name)
{
    uint16_t at = *head_of(l, name);

    while (at != NOWHERE && l->entries[at].name != name)
        at = l->entries[at].next;
    return at == NOWHERE ? NULL : &l->entries[at];
}

static void release(struct ban_list *l, struct entry *e)
{
    uint16_t at = (uint16_t)(e - l->entries), *link = head_of(l, e->name);

    while (*link != at)
        link = &l->entries[*link].next;
    *link = e->next;
    l->unkept -= !e->kept;
    ban_table_remove(l->table, &e->ban.network, e->ban.bits);
    *e = (struct entry){.next = l->free};
    l->free = at;
}

static bool is_used(const struct entry *e)
{
    return e->ban.times != 0;
}

/* Makes room: of those that may go the one that ends, or ended, first. */
static bool evict(struct ban_list *l, uint64_t now)
{
    struct entry *found = NULL;

    for (uint32_t i = 0; i < BAN_LIST_MAX; i++) {
        struct entry *e = &l->entries[i];

        if (is_used(e) && (e->ban.until_ms <= now || !e->ban.by_hand) &&
            (!found || e->ban.until_ms < found->ban.until_ms))
            found = e;
    }
    if (!found)
        return false;
    l->evicted += found->ban.until_ms > now;
    release(l, found);
    return true;
}

static struct entry *take(struct ban_list *l, uint64_t name, uint64_t now)
{
    struct entry *e;
    uint16_t *head = head_of(l, name);

    if (l->free == NOWHERE && !evict(l, now))
        return NULL;
    e = &l->entries[l->free];
    l->free = e->next;
    e->name = name;
    e->kept = true;
    e->next = *head;
    *head = (uint16_t)(e - l->entries);
    return e;
}

/* ---- bans ---- */

static void set_kept(struct ban_list *l, struct entry *e, bool kept)
{
    l->unkept += (uint32_t)e->kept - (uint32_t)kept;
    e->kept = kept;
}

/* NULL: no room. */
static struct entry *ban(struct ban_list *l, const struct ban *b, uint64_t now)
{
    uint64_t name = name_of(l, WINDOW_BAN, b, 0);
    struct entry *e = find(l, name);

    if (b->until_ms > now && !ban_table_put(l->table, &b->network, b->bits, b->until_ms, now))
        return NULL;
    if (!e)
        e = take(l, name, now);
    if (!e) {
        ban_table_remove(l->table, &b->network, b->bits);
        return NULL;
    }
    e->ban = *b;
    return e;
}

static bool begin(struct ban_list *l, const struct ban *b, uint64_t now)
{
    struct entry *e = ban(l, b, now);

    if (!e)
        return false;
    set_kept(l, e, false);
    l->made++;
    return true;
}

/* Where the list is not locked. */
static void tell(const struct ban_list *l)
{
    if (l->begun)
        l->begun(l->context);
}

/* The next ban of that address is longer for this one. */
static bool counts(const struct ban_list *l, const struct ban *before, uint64_t now)
{
    return before->until_ms + l->limits.time_max_ms > now;
}

/* Twice as long as the one before, unless that was too long ago. */
static void lengthen(const struct ban_list *l, const struct ban *before, struct ban *b)
{
    uint64_t most = l->limits.time_max_ms, length = l->limits.time_ms;

    b->times = before && counts(l, before, b->since_ms) ? before->times + 1 : 1;
    for (uint32_t i = 1; i < b->times && length < most; i++)
        length *= 2;
    b->until_ms = b->since_ms + (length < most ? length : most);
}

static void tell_failures(const struct ip_address *client)
{
    char text[IP_ADDRESS_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, client);
    LOG(INFO, "%.*s is banned: too many wrong passwords", (int)w.len, text);
}

bool ban_list_failure(struct ban_list *l, const struct ip_address *client, uint64_t now)
{
    uint8_t bits = ip_address_is_v4(client) ? 128 : PREFIX_V6;
    struct ban b = {.network = limits_masked(client, bits), .bits = bits, .since_ms = now};
    bool banned = false;

    pthread_mutex_lock(&l->lock);
    if (l->limits.failures && !is_trusted(l, client, 128)) {
        const struct entry *e = find(l, name_of(l, WINDOW_BAN, &b, 0));
        bool is = e && e->ban.until_ms > now;

        lengthen(l, e ? &e->ban : NULL, &b);
        /* What led to a ban does not count once more behind it. */
        banned = !is &&
                 window_table_count(l->windows, name_of(l, WINDOW_FAILURES, &b, b.times), now,
                                    l->limits.window_ms, 1) >= l->limits.failures &&
                 begin(l, &b, now);
    }
    pthread_mutex_unlock(&l->lock);
    if (banned) {
        tell_failures(client);
        tell(l);
    }
    return banned;
}

bool ban_list_has(struct ban_list *l, const struct ip_address *client, uint64_t now)
{
    return ban_table_has(l->table, client, now);
}

enum ban_status ban_list_add(struct ban_list *l, const struct ip_address *network, uint8_t bits,
                             uint64_t for_ms, uint64_t now)
{
    struct ban b = {.network = limits_masked(network, bits),
                    .bits = bits,
                    .by_hand = true,
                    .times = 1,
                    .since_ms = now,
                    .until_ms = for_ms < BAN_FOR_EVER - now ? now + for_ms : BAN_FOR_EVER};
    enum ban_status status = BAN_TRUSTED;

    pthread_mutex_lock(&l->lock);
    if (!is_trusted(l, &b.network, bits))
        status = begin(l, &b, now) ? BAN_DONE : BAN_FULL;
    pthread_mutex_unlock(&l->lock);
    if (status == BAN_DONE)
        tell(l);
    return status;
}

enum ban_status ban_list_remove(struct ban_list *l, const struct ip_address *network, uint8_t bits)
{
    struct ban b = {.network = limits_masked(network, bits), .bits = bits};
    struct entry *e;

    pthread_mutex_lock(&l->lock);
    e = find(l, name_of(l, WINDOW_BAN, &b, 0));
    if (e)
        release(l, e);
    pthread_mutex_unlock(&l->lock);
    return e ? BAN_DONE : BAN_NONE;
}

uint32_t ban_list_clear(struct ban_list *l, uint64_t now)
{
    uint32_t count = 0;

    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < BAN_LIST_MAX; i++) {
        struct entry *e = &l->entries[i];

        if (!is_used(e))
            continue;
        count += e->ban.until_ms > now;
        release(l, e);
    }
    pthread_mutex_unlock(&l->lock);
    return count;
}

void ban_list_walk(struct ban_list *l, uint64_t now,
                   void (*visit)(void *context, const struct ban *ban), void *context)
{
    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < BAN_LIST_MAX; i++)
        if (is_used(&l->entries[i]) && l->entries[i].ban.until_ms > now)
            visit(context, &l->entries[i].ban);
    pthread_mutex_unlock(&l->lock);
}

/* ---- over a restart ---- */

bool ban_list_restore(struct ban_list *l, const struct ban *b, uint64_t now)
{
    bool ok;

    pthread_mutex_lock(&l->lock);
    ok = ban(l, b, now) != NULL;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

uint32_t ban_list_changed(struct ban_list *l, struct ban *bans_out, uint32_t max)
{
    uint32_t count = 0;

    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < BAN_LIST_MAX && l->unkept && count < max; i++) {
        struct entry *e = &l->entries[i];

        if (!is_used(e) || e->kept)
            continue;
        bans_out[count++] = e->ban;
        set_kept(l, e, true);
    }
    pthread_mutex_unlock(&l->lock);
    return count;
}

void ban_list_set_kept(struct ban_list *l, const struct ban *b, bool kept)
{
    struct entry *e;

    pthread_mutex_lock(&l->lock);
    e = find(l, name_of(l, WINDOW_BAN, b, 0));
    if (e)
        set_kept(l, e, kept);
    pthread_mutex_unlock(&l->lock);
}

bool ban_list_find(struct ban_list *l, const struct ip_address *network, uint8_t bits,
                   struct ban *ban_out)
{
    const struct entry *e;

    *ban_out = (struct ban){.network = *network, .bits = bits};
    pthread_mutex_lock(&l->lock);
    e = find(l, name_of(l, WINDOW_BAN, ban_out, 0));
    if (e)
        *ban_out = e->ban;
    pthread_mutex_unlock(&l->lock);
    return e != NULL;
}

bool ban_list_remembers(struct ban_list *l, const struct ip_address *network, uint8_t bits,
                        uint64_t now)
{
    struct ban b = {.network = *network, .bits = bits};
    const struct entry *e;
    bool has;

    pthread_mutex_lock(&l->lock);
    e = find(l, name_of(l, WINDOW_BAN, &b, 0));
    has = e && (e->ban.until_ms > now || counts(l, &e->ban, now));
    pthread_mutex_unlock(&l->lock);
    return has;
}

static void count_one(void *context, const struct ban *b)
{
    (void)b;
    ++*(uint64_t *)context;
}

void ban_list_counters(struct ban_list *l, uint64_t now, const struct counter_sink *sink)
{
    uint64_t count = 0;

    ban_list_walk(l, now, count_one, &count);
    sink->put(sink->user, "bans", count);
    pthread_mutex_lock(&l->lock);
    sink->put(sink->user, "bans_made", l->made);
    sink->put(sink->user, "bans_evicted", l->evicted);
    sink->put(sink->user, "bans_unkept", l->unkept);
    pthread_mutex_unlock(&l->lock);
}
