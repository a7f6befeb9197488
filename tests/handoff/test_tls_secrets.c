/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/handoff/tls_secrets.h"
#include "tests/harness/check.h"

static struct tls_key_log_entry entry_of(uint32_t number, enum tls_key_log_label label, uint8_t len)
{
    struct tls_key_log_entry e = {.label = label, .len = len};

    memcpy(e.random, &number, sizeof(number));
    memset(e.secret, (int)(number & 0xff), len);
    return e;
}

static void what_is_put_is_found(void)
{
    struct tls_secrets *s = tls_secrets_new(100);
    struct tls_key_log_entry e = entry_of(7, TLS_KEY_LOG_CLIENT_RANDOM, 48);
    uint8_t secret[TLS_KEY_LOG_SECRET];

    CHECK(tls_secrets_get(s, TLS_KEY_LOG_CLIENT_RANDOM, e.random, secret) == 0);
    tls_secrets_put(s, &e);
    CHECK(tls_secrets_get(s, TLS_KEY_LOG_CLIENT_RANDOM, e.random, secret) == 48);
    CHECK(secret[0] == 7 && secret[47] == 7);
    CHECK(tls_secrets_get(s, TLS_KEY_LOG_CLIENT_TRAFFIC_SECRET_0, e.random, secret) == 0);
    /* The same again, another length: it is replaced. */
    e.len = 32;
    e.secret[0] = 9;
    tls_secrets_put(s, &e);
    CHECK(tls_secrets_get(s, TLS_KEY_LOG_CLIENT_RANDOM, e.random, secret) == 32 && secret[0] == 9);
    tls_secrets_free(s);
}

/* Most of what fits is there, and however many come, the last are. */
static void newer_ones_take_the_place_of_old_ones(void)
{
    struct tls_secrets *s = tls_secrets_new(1024);
    uint8_t secret[TLS_KEY_LOG_SECRET];
    uint32_t found = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        struct tls_key_log_entry e = entry_of(i, TLS_KEY_LOG_SERVER_TRAFFIC_SECRET_0, 32);

        tls_secrets_put(s, &e);
        CHECK(tls_secrets_get(s, e.label, e.random, secret) == 32 && secret[0] == (uint8_t)i);
    }
    for (uint32_t i = 0; i < 100000; i++) {
        struct tls_key_log_entry e = entry_of(i, TLS_KEY_LOG_SERVER_TRAFFIC_SECRET_0, 32);

        found += tls_secrets_get(s, e.label, e.random, secret) != 0;
    }
    CHECK(found == 1024);
    tls_secrets_free(s);
}

/* ---- written while it is read ---- */

static struct tls_secrets *shared;
static _Atomic bool over;
static _Atomic uint32_t torn, seen;

static void *read_all(void *context)
{
    uint8_t secret[TLS_KEY_LOG_SECRET];

    for (uint32_t i = 0; !atomic_load(&over); i = (i + 1) % 64) {
        struct tls_key_log_entry e = entry_of(i, TLS_KEY_LOG_CLIENT_RANDOM, 48);

        if (tls_secrets_get(shared, e.label, e.random, secret) == 0)
            continue;
        atomic_fetch_add(&seen, 1);
        for (int k = 1; k < 48; k++)
            if (secret[k] != secret[0]) {
                atomic_fetch_add(&torn, 1);
                break;
            }
    }
    return NULL;
}

static void no_reader_sees_half_a_secret(void)
{
    pthread_t reader;

    shared = tls_secrets_new(8);
    pthread_create(&reader, NULL, read_all, NULL);
    for (uint32_t n = 0; n < 2000000 && (n < 200000 || atomic_load(&seen) < 1000); n++) {
        struct tls_key_log_entry e = entry_of(n % 64, TLS_KEY_LOG_CLIENT_RANDOM, 48);

        memset(e.secret, (int)(n & 0xff), sizeof(e.secret));
        tls_secrets_put(shared, &e);
    }
    atomic_store(&over, true);
    pthread_join(reader, NULL);
    CHECK(torn == 0 && seen > 0);
    tls_secrets_free(shared);
}

int main(void)
{
    check_begin();
    CHECK_CASE(what_is_put_is_found);
    CHECK_CASE(newer_ones_take_the_place_of_old_ones);
    CHECK_CASE(no_reader_sees_half_a_secret);
    return check_end();
}
