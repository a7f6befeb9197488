/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/login_guard.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/siphash.h"

enum {
    PLACES = 65536,
    WAYS = LOGIN_GUARD_WAYS,
    FORGIVEN_MS = 60000,
    KEPT_MS = 3600000, /* a login is worth keeping anew so long after the one before */
};

struct entry {
    uint64_t key; /* 0: free */
    uint64_t touched_ms;
    uint64_t owed_ms;  /* until when answers are held back */
    uint64_t login_ms; /* last login of an account; 0: none */
    uint32_t wrong;
    uint32_t pending;
};
_Static_assert(sizeof(struct entry) == 40, "as the header says");

_Static_assert(sizeof(struct login_known) == 16, "as the header says");

struct login_guard {
    pthread_mutex_t lock; /* of all below but the secret */
    uint8_t secret[16];
    struct login_guard_limits limits;
    struct entry entries[PLACES];
    struct login_known friends[LOGIN_GUARD_SETS][WAYS];
    bool changed[LOGIN_GUARD_SETS]; /* since they were kept */
};

struct login_guard_limits login_guard_configured(const struct config *config)
{
    return (struct login_guard_limits){
        .delay_ms = (uint32_t)(config->pop3.failure_delay / 1000),
        .delay_max_ms = (uint32_t)(config->pop3.failure_delay_max / 1000),
        .login_ms = (uint32_t)(config->pop3.login_delay / 1000000 * 1000)};
}

struct login_guard *login_guard_new(const uint8_t secret[16])
{
    struct login_guard *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    pthread_mutex_init(&g->lock, NULL);
    memcpy(g->secret, secret, sizeof(g->secret));
    return g;
}

void login_guard_free(struct login_guard *g)
{
    if (g)
        pthread_mutex_destroy(&g->lock);
    free(g);
}

void login_guard_limit(struct login_guard *g, const struct login_guard_limits *limits)
{
    pthread_mutex_lock(&g->lock);
    g->limits = *limits;
    pthread_mutex_unlock(&g->lock);
}

/* Who does not know the secret cannot choose what shares a place. Never 0. */
static uint64_t name_of(const struct login_guard *g, uint8_t kind, struct span bytes)
{
    struct siphash_stream h;
    uint64_t name;

    siphash_init(&h, g->secret);
    siphash_feed(&h, span_of(&kind, 1));
    siphash_feed(&h, bytes);
    name = siphash_result(&h);
    return name ? name : 1;
}

static uint64_t account_key(const struct login_guard *g, struct span user)
{
    return name_of(g, 'a', user);
}

static uint64_t address_key_of(const struct login_guard *g, const struct ip_address *client)
{
    bool v4 = ip_address_is_v4(client);

    return name_of(g, 'c', span_of(client->bytes, v4 ? sizeof(client->bytes) : 8));
}

/* The number of the set that a client's friendship to an account lies in, if anywhere. */
static uint32_t set_of(const struct login_guard *g, const struct ip_address *client,
                       struct span user, uint64_t *key_out)
{
    uint64_t keys[2] = {address_key_of(g, client), account_key(g, user)};

    *key_out = name_of(g, 'f', span_of(keys, sizeof(keys)));
    return (uint32_t)(*key_out >> 16) % LOGIN_GUARD_SETS;
}

static bool is_friend(const struct login_guard *g, const struct ip_address *client,
                      struct span user)
{
    uint64_t key;
    const struct login_known *set = g->friends[set_of(g, client, user, &key)];

    for (int i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return true;
    return false;
}

/* Has its own place, or takes the one that was not used for longest. */
static void befriend(struct login_guard *g, const struct ip_address *client, struct span user,
                     uint64_t now)
{
    uint64_t key;
    uint32_t number = set_of(g, client, user, &key);
    struct login_known *set = g->friends[number], *oldest = set, *found = NULL;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            found = &set[i];
        if (set[i].login_ms < oldest->login_ms)
            oldest = &set[i];
    }
    if (!found || now - found->login_ms >= KEPT_MS)
        g->changed[number] = true;
    *(found ? found : oldest) = (struct login_known){.key = key, .login_ms = now ? now : 1};
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

static bool admit(struct login_guard *g, const struct ip_address *client, struct span user,
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
        (!has_room(g, account, LOGIN_GUARD_SHARES, now) && !is_friend(g, client, user))) {
        address->pending--;
        return false;
    }
    account->pending++;
    return true;
}

bool login_guard_admit(struct login_guard *g, const struct ip_address *client, struct span user,
                       uint64_t now)
{
    bool admitted;

    pthread_mutex_lock(&g->lock);
    admitted = admit(g, client, user, now);
    pthread_mutex_unlock(&g->lock);
    return admitted;
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
    pthread_mutex_lock(&g->lock);
    settle(g, address_key_of(g, client), now);
    settle_account(g, user, now);
    pthread_mutex_unlock(&g->lock);
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

static uint32_t count_wrong(struct login_guard *g, const struct ip_address *client,
                            struct span user, uint64_t now)
{
    struct entry *address = settle(g, address_key_of(g, client), now);
    uint32_t by_address = add_wrong(address, now), by_account = 0;
    struct entry *account = settle_account(g, user, now);
    uint64_t wait;

    if (!is_friend(g, client, user)) {
        by_account = add_wrong(account, now);
        owe(account, wait_for(&g->limits, by_account), now);
    }
    wait = wait_for(&g->limits, by_account > by_address ? by_account : by_address);
    owe(address, wait, now);
    return (uint32_t)(address ? owed(address, now) : wait);
}

uint32_t login_guard_wrong(struct login_guard *g, const struct ip_address *client, struct span user,
                           uint64_t now)
{
    uint32_t wait;

    pthread_mutex_lock(&g->lock);
    wait = count_wrong(g, client, user, now);
    pthread_mutex_unlock(&g->lock);
    return wait;
}

static bool let_in(struct login_guard *g, const struct ip_address *client, struct span account,
                   uint64_t now)
{
    bool friend = is_friend(g, client, account), early;
    struct entry *e = find(g, account_key(g, account), now);

    befriend(g, client, account, now);
    if (!e)
        return true;
    early = g->limits.login_ms && e->login_ms && now - e->login_ms < g->limits.login_ms;
    if (!friend) {
        e->wrong = 0;
        e->owed_ms = 0;
    }
    e->touched_ms = now;
    if (!early)
        e->login_ms = now ? now : 1;
    return !early;
}

bool login_guard_right(struct login_guard *g, const struct ip_address *client, struct span user,
                       struct span account, uint64_t now)
{
    bool in;

    pthread_mutex_lock(&g->lock);
    settle(g, address_key_of(g, client), now);
    settle_account(g, user, now);
    in = let_in(g, client, account, now);
    pthread_mutex_unlock(&g->lock);
    return in;
}

/* ---- over a restart ---- */

bool login_guard_changed(struct login_guard *g, uint32_t *set,
                         struct login_known known_out[LOGIN_GUARD_WAYS])
{
    pthread_mutex_lock(&g->lock);
    while (*set < LOGIN_GUARD_SETS && !g->changed[*set])
        ++*set;
    if (*set < LOGIN_GUARD_SETS) {
        g->changed[*set] = false;
        memcpy(known_out, g->friends[*set], sizeof(g->friends[*set]));
    }
    pthread_mutex_unlock(&g->lock);
    return *set < LOGIN_GUARD_SETS;
}

void login_guard_unkept(struct login_guard *g, uint32_t set)
{
    pthread_mutex_lock(&g->lock);
    g->changed[set] = true;
    pthread_mutex_unlock(&g->lock);
}

void login_guard_restore(struct login_guard *g, uint32_t set,
                         const struct login_known known[LOGIN_GUARD_WAYS])
{
    pthread_mutex_lock(&g->lock);
    memcpy(g->friends[set], known, sizeof(g->friends[set]));
    pthread_mutex_unlock(&g->lock);
}
