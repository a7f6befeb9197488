/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/login_guard.h"

#include <stdlib.h>

enum { PLACES = 65536, WAYS = 4, FORGIVEN_MS = 60000 };

struct entry {
    uint64_t key; /* 0: free */
    uint64_t touched_ms;
    uint64_t owed_ms;  /* until when an address's answers are held back */
    uint64_t login_ms; /* last login of an account; 0: none */
    uint32_t wrong;
    uint32_t pending;
};
_Static_assert(sizeof(struct entry) == 40, "as the header says");

struct login_guard {
    uint64_t seed;
    struct login_guard_limits limits;
    struct entry entries[PLACES];
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

bool login_guard_admit(struct login_guard *g, const struct ip_address *client, uint64_t now)
{
    struct entry *e = find(g, address_key_of(g, client), now);

    if (!e || e->pending >= LOGIN_GUARD_PENDING || owed(e, now) > g->limits.delay_max_ms)
        return false;
    e->pending++;
    return true;
}

static struct entry *settle(struct login_guard *g, const struct ip_address *client, uint64_t now)
{
    struct entry *e = find(g, address_key_of(g, client), now);

    if (e && e->pending)
        e->pending--;
    return e;
}

void login_guard_drop(struct login_guard *g, const struct ip_address *client, uint64_t now)
{
    settle(g, client, now);
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

uint32_t login_guard_wrong(struct login_guard *g, const struct ip_address *client, struct span user,
                           uint64_t now)
{
    struct entry *address = settle(g, client, now);
    uint32_t by_address = add_wrong(address, now);
    uint32_t by_account = add_wrong(find(g, account_key(g, user), now), now);
    uint64_t wait = wait_for(&g->limits, by_account > by_address ? by_account : by_address);

    if (address) {
        wait += owed(address, now);
        address->owed_ms = now + wait;
    }
    return (uint32_t)wait;
}

bool login_guard_right(struct login_guard *g, const struct ip_address *client, struct span user,
                       uint64_t now)
{
    struct entry *account;
    bool early;

    settle(g, client, now);
    account = find(g, account_key(g, user), now);
    if (!account)
        return true;
    early = g->limits.login_ms && account->login_ms && now - account->login_ms < g->limits.login_ms;
    account->wrong = 0;
    account->touched_ms = now;
    if (!early)
        account->login_ms = now ? now : 1;
    return !early;
}
