/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/login_guard.h"

#include <stdlib.h>

enum { PLACES = 65536, FRIENDS = 16384, WAYS = 4, FORGIVEN_MS = 60000 };

struct entry {
    uint64_t key; /* 0: free */
    uint64_t touched_ms;
    uint64_t owed_ms;  /* until when answers are held back */
    uint64_t login_ms; /* last login of an account; 0: none */
    uint32_t wrong;
    uint32_t pending;
};
_Static_assert(sizeof(struct entry) == 40, "as the header says");

/* An address and an account that it has logged in to. */
struct friend
{
    uint64_t key; /* 0: free */
    uint64_t login_ms;
};
_Static_assert(sizeof(struct friend) == 16, "as the header says");

struct login_guard {
    uint64_t seed;
    struct login_guard_limits limits;
    struct entry entries[PLACES];
    struct friend friends[FRIENDS];
};

struct login_guard_limits login_guard_configured(const struct config *config)
{
    return (struct login_guard_limits){
        .delay_ms = (uint32_t)(config->pop3.failure_delay / 1000),
        .delay_max_ms = (uint32_t)(config->pop3.failure_delay_max / 1000),
        .login_ms = (uint32_t)(config->pop3.login_delay / 1000000 * 1000)};
}

struct login_guard *login_guard_new(uint64_t seed)
{
    struct login_guard *g = calloc(1, sizeof(*g));

    if (g)
        g->seed = seed;
    return g;
}

void login_guard_free(struct login_guard *guard)
{
    free(guard);
}

void login_guard_limit(struct login_guard *guard, const struct login_guard_limits *limits)
{
    guard->limits = *limits;
}

/* FNV-1a from a seed, mixed: who does not know the seed cannot choose what shares a place. */
static uint64_t hash(uint64_t seed, struct span bytes)
{
    uint64_t h = seed;

    for (size_t i = 0; i < bytes.len; i++)
        h = ((h ^ bytes.data[i]) * UINT64_C(1099511628211)) ^ (h >> 29);
    h = (h ^ (h >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ? h : 1;
}

static uint64_t account_key(const struct login_guard *g, struct span user)
{
    return hash(g->seed, user);
}

static uint64_t address_key_of(const struct login_guard *g, const struct ip_address *client)
{
    bool v4 = ip_address_is_v4(client);

    return hash(g->seed + 1, span_of(client->bytes, v4 ? sizeof(client->bytes) : 8));
}

/* The place of a client's friendship to an account: its own, or with `make` the one that was not
 * used for longest; NULL: they are strangers. */
static struct friend *befriended(struct login_guard *g, const struct ip_address *client,
                                 struct span user, bool make)
{
    uint64_t keys[2] = {address_key_of(g, client), account_key(g, user)};
    uint64_t key = hash(g->seed + 2, span_of(keys, sizeof(keys)));
    struct friend *set = &g->friends[(key >> 16) % (FRIENDS / WAYS) * WAYS], *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].login_ms < oldest->login_ms)
            oldest = &set[i];
    }
    if (!make)
        return NULL;
    *oldest = (struct friend){.key = key};
    return oldest;
}

/* The entry of a key, or one that it may have; NULL when all its places are in use right now. */
static struct entry *find(struct login_guard *g, uint64_t key, uint64_t now)
{
    struct entry *set = &g->entries[(key >> 16) % (PLACES / WAYS) * WAYS], *oldest = NULL;

    for (int i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];
        uint64_t minutes = now > e->touched_ms ? (now - e->touched_ms) / FORGIVEN_MS : 0;

        if (e->key == key) {
            e->touched_ms += minutes * FORGIVEN_MS;
            e->wrong -= minutes < e->wrong ? (uint32_t)minutes : e->wrong;
            return e;
        }
        if (!e->pending && (!oldest || e->touched_ms < oldest->touched_ms))
            oldest = e;
    }
    if (oldest)
        *oldest = (struct entry){.key = key, .touched_ms = now};
    return oldest;
}

static uint64_t owed(const struct entry *e, uint64_t now)
{
    return e->owed_ms > now ? e->owed_ms - now : 0;
}

static bool has_room(const struct login_guard *g, const struct entry *e, uint32_t shares,
                     uint64_t now)
{
    return e->pending < shares * LOGIN_GUARD_PENDING &&
           owed(e, now) <= (uint64_t)shares * g->limits.delay_max_ms;
}

bool login_guard_admit(struct login_guard *g, const struct ip_address *client, struct span user,
                       uint64_t now)
{
    struct entry *address = find(g, address_key_of(g, client), now), *account;

    if (!address || !has_room(g, address, 1, now))
        return false;
    /* Before the next find(), which may want its place. */
    address->pending++;
    if (!user.len)
        return true;
    account = find(g, account_key(g, user), now);
    if (!account ||
        (!has_room(g, account, LOGIN_GUARD_SHARES, now) && !befriended(g, client, user, false))) {
        address->pending--;
        return false;
    }
    account->pending++;
    return true;
}

static struct entry *settle(struct login_guard *g, uint64_t key, uint64_t now)
{
    struct entry *e = find(g, key, now);

    if (e && e->pending)
        e->pending--;
    return e;
}

static struct entry *settle_account(struct login_guard *g, struct span user, uint64_t now)
{
    return user.len ? settle(g, account_key(g, user), now) : NULL;
}

void login_guard_drop(struct login_guard *g, const struct ip_address *client, struct span user,
                      uint64_t now)
{
    settle(g, address_key_of(g, client), now);
    settle_account(g, user, now);
}

static uint32_t add_wrong(struct entry *e, uint64_t now)
{
    if (!e)
        return 1;
    e->wrong += e->wrong < UINT32_MAX;
    e->touched_ms = now;
    return e->wrong;
}

static uint64_t wait_for(const struct login_guard_limits *limits, uint32_t wrong)
{
    uint64_t wait = wrong > 30 ? UINT64_MAX : (uint64_t)limits->delay_ms << (wrong - 1);

    if (limits->delay_ms == 0)
        return 0;
    return wait < limits->delay_max_ms ? wait : limits->delay_max_ms;
}

static void owe(struct entry *e, uint64_t wait, uint64_t now)
{
    if (e)
        e->owed_ms = now + owed(e, now) + wait;
}

uint32_t login_guard_wrong(struct login_guard *g, const struct ip_address *client, struct span user,
                           uint64_t now)
{
    bool friend = befriended(g, client, user, false) != NULL;
    struct entry *address = settle(g, address_key_of(g, client), now);
    uint32_t by_address = add_wrong(address, now), by_account = 0;
    struct entry *account = settle_account(g, user, now);
    uint64_t wait;

    if (!friend) {
        by_account = add_wrong(account, now);
        owe(account, wait_for(&g->limits, by_account), now);
    }
    wait = wait_for(&g->limits, by_account > by_address ? by_account : by_address);
    owe(address, wait, now);
    return (uint32_t)(address ? owed(address, now) : wait);
}

bool login_guard_right(struct login_guard *g, const struct ip_address *client, struct span user,
                       uint64_t now)
{
    bool friend = befriended(g, client, user, false) != NULL;
    struct entry *account;
    bool early;

    settle(g, address_key_of(g, client), now);
    account = settle_account(g, user, now);
    befriended(g, client, user, true)->login_ms = now ? now : 1;
    if (!account)
        return true;
    early = g->limits.login_ms && account->login_ms && now - account->login_ms < g->limits.login_ms;
    if (!friend) {
        account->wrong = 0;
        account->owed_ms = 0;
    }
    account->touched_ms = now;
    if (!early)
        account->login_ms = now ? now : 1;
    return !early;
}
