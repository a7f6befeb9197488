/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/tls_secrets.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dataplane/handoff/hidden.h"

enum {
    WAYS = 8, /* places for a secret */
    RANDOM_WORDS = TLS_RANDOM / 8,
    SECRET_WORDS = TLS_KEY_LOG_SECRET / 8,
};

/*
 * Read while it may be written: `turn` is odd meanwhile, and whoever saw it change reads again.
 * Words are atomic one by one, so that what is read between is old or new, and never used.
 */
struct place {
    _Atomic uint64_t turn; /* 0: empty */
    _Atomic uint64_t what; /* label << 8 | length */
    _Atomic uint64_t random[RANDOM_WORDS];
    _Atomic uint64_t secret[SECRET_WORDS];
};

_Static_assert(sizeof(struct place) == TLS_SECRETS_ENTRY, "as documented");

struct tls_secrets {
    struct place *places;
    size_t size;
    uint32_t sets; /* a power of two */
    uint32_t next; /* the writer's: which of a set goes next */
};

struct tls_secrets *tls_secrets_new(uint32_t entries)
{
    struct tls_secrets *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    for (s->sets = 1; s->sets < UINT32_C(1) << 24 && s->sets * WAYS < entries;)
        s->sets *= 2;
    s->size = (size_t)s->sets * WAYS * sizeof(struct place);
    s->places = hidden_new(s->size);
    if (s->places)
        return s;
    free(s);
    return NULL;
}

void tls_secrets_free(struct tls_secrets *s)
{
    if (!s)
        return;
    explicit_bzero(s->places, s->size);
    hidden_free(s->places, s->size);
    free(s);
}

/* Randoms are random: their bits serve as they are. Peers choose what they look for, not what is
 * put. */
static struct place *set_of(const struct tls_secrets *s, enum tls_key_log_label label,
                            const uint8_t random[TLS_RANDOM])
{
    uint64_t words[RANDOM_WORDS], hash = (uint64_t)label * UINT64_C(0x9e3779b97f4a7c15);

    memcpy(words, random, sizeof(words));
    for (int i = 0; i < RANDOM_WORDS; i++)
        hash = (hash ^ words[i]) * UINT64_C(0xff51afd7ed558ccd);
    return s->places + (size_t)(hash >> 32 & (s->sets - 1)) * WAYS;
}

static bool is(struct place *p, enum tls_key_log_label label, const uint8_t random[TLS_RANDOM])
{
    uint64_t words[RANDOM_WORDS];
    bool same = atomic_load_explicit(&p->what, memory_order_relaxed) >> 8 == (uint64_t)label;

    memcpy(words, random, sizeof(words));
    for (int i = 0; i < RANDOM_WORDS; i++)
        same &= atomic_load_explicit(&p->random[i], memory_order_relaxed) == words[i];
    return same;
}

/* The place of the same secret, else an empty one, else the one whose turn it is. */
static struct place *place_for(struct tls_secrets *s, const struct tls_key_log_entry *e)
{
    struct place *set = set_of(s, e->label, e->random), *empty = NULL;

    for (int i = 0; i < WAYS; i++) {
        if (atomic_load_explicit(&set[i].turn, memory_order_relaxed) == 0)
            empty = empty ? empty : &set[i];
        else if (is(&set[i], e->label, e->random))
            return &set[i];
    }
    return empty ? empty : &set[s->next++ % WAYS];
}

void tls_secrets_put(struct tls_secrets *s, const struct tls_key_log_entry *e)
{
    struct place *p = place_for(s, e);
    uint64_t turn = atomic_load_explicit(&p->turn, memory_order_relaxed);
    uint64_t random[RANDOM_WORDS], secret[SECRET_WORDS] = {0};

    memcpy(random, e->random, sizeof(random));
    memcpy(secret, e->secret, e->len);
    atomic_store_explicit(&p->turn, turn + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&p->what, (uint64_t)e->label << 8 | e->len, memory_order_relaxed);
    for (int i = 0; i < RANDOM_WORDS; i++)
        atomic_store_explicit(&p->random[i], random[i], memory_order_relaxed);
    for (int i = 0; i < SECRET_WORDS; i++)
        atomic_store_explicit(&p->secret[i], secret[i], memory_order_relaxed);
    atomic_store_explicit(&p->turn, turn + 2, memory_order_release);
    explicit_bzero(secret, sizeof(secret));
}

/* False: it is another, or it was being written. */
static bool read_place(struct place *p, enum tls_key_log_label label, const uint8_t *random,
                       uint64_t secret[SECRET_WORDS], uint32_t *len_out)
{
    uint64_t turn = atomic_load_explicit(&p->turn, memory_order_acquire);

    if (turn == 0 || turn & 1 || !is(p, label, random))
        return false;
    *len_out = (uint32_t)(atomic_load_explicit(&p->what, memory_order_relaxed) & 0xff);
    for (int i = 0; i < SECRET_WORDS; i++)
        secret[i] = atomic_load_explicit(&p->secret[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&p->turn, memory_order_relaxed) == turn;
}

uint32_t tls_secrets_get(const struct tls_secrets *s, enum tls_key_log_label label,
                         const uint8_t random[TLS_RANDOM], uint8_t secret_out[TLS_KEY_LOG_SECRET])
{
    struct place *set = set_of(s, label, random);
    uint64_t secret[SECRET_WORDS];
    uint32_t len = 0;

    for (int i = 0; i < WAYS; i++)
        if (read_place(&set[i], label, random, secret, &len)) {
            memcpy(secret_out, secret, sizeof(secret));
            return len;
        }
    return 0;
}
