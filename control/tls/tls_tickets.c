/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_tickets.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "control/base/clock.h"

enum { NAME = 16, SECRET = 32 };

/* As it lies in a file. */
struct ticket_key {
    uint8_t name[NAME], hmac[SECRET], aes[SECRET];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY, "as in a file");

struct tls_tickets {
    EVP_CIPHER *cipher;
    pthread_mutex_t lock;                    /* a reload changes what handshakes use */
    struct ticket_key keys[TLS_TICKET_KEYS]; /* the first seals */
    uint32_t count;
    bool shared; /* they are of a file, and do not change by themselves */
    uint64_t rotation_ms, since_ms;
};

static bool make_key(struct ticket_key *key)
{
    return RAND_bytes((uint8_t *)key, sizeof(*key)) == 1;
}

struct tls_tickets *tls_tickets_new(void)
{
    struct tls_tickets *t = calloc(1, sizeof(*t));

    if (t)
        t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (!t || !t->cipher || !make_key(&t->keys[0])) {
        if (t)
            EVP_CIPHER_free(t->cipher);
        free(t);
        return NULL;
    }
    t->count = 1;
    t->since_ms = clock_monotonic_ms();
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tls_tickets_free(struct tls_tickets *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    EVP_CIPHER_free(t->cipher);
    explicit_bzero(t, sizeof(*t));
    free(t);
}

/* The keys of a file: one to TLS_TICKET_KEYS, the newest first. 0: it is none. */
static uint32_t read_keys(const char *path, struct ticket_key keys[TLS_TICKET_KEYS],
                          struct writer *why)
{
    FILE *file = fopen(path, "r");
    uint8_t bytes[TLS_TICKET_KEYS * TLS_TICKET_KEY + 1];
    size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

    if (!file) {
        writer_printf(why, "tls.ticket_keys: %s cannot be read: %s\n", path, strerror(errno));
        return 0;
    }
    fclose(file);
    if (len == 0 || len % TLS_TICKET_KEY || len == sizeof(bytes)) {
        writer_printf(why, "tls.ticket_keys: %s has not 1 to %d keys of %d bytes\n", path,
                      TLS_TICKET_KEYS, TLS_TICKET_KEY);
        len = 0;
    }
    memcpy(keys, bytes, len);
    explicit_bzero(bytes, sizeof(bytes));
    return (uint32_t)(len / TLS_TICKET_KEY);
}

bool tls_tickets_check(const struct config_tls *config, struct writer *why)
{
    struct ticket_key keys[TLS_TICKET_KEYS];
    bool ok = !config->ticket_keys[0] || read_keys(config->ticket_keys, keys, why);

    explicit_bzero(keys, sizeof(keys));
    return ok;
}

bool tls_tickets_set(struct tls_tickets *t, const struct config_tls *config, struct writer *why)
{
    struct ticket_key keys[TLS_TICKET_KEYS];
    uint32_t count = config->ticket_keys[0] ? read_keys(config->ticket_keys, keys, why) : 0;

    if (config->ticket_keys[0] && count == 0)
        return false;
    pthread_mutex_lock(&t->lock);
    t->shared = count > 0;
    t->rotation_ms = (uint64_t)config->ticket_rotation / 1000;
    if (count) {
        memcpy(t->keys, keys, sizeof(keys));
        t->count = count;
    }
    pthread_mutex_unlock(&t->lock);
    explicit_bzero(keys, sizeof(keys));
    return true;
}

/* Behind its time the key that seals only opens, and the oldest is forgotten. */
static void rotate(struct tls_tickets *t)
{
    uint64_t now = clock_monotonic_ms();
    struct ticket_key key;

    if (t->shared || now - t->since_ms < t->rotation_ms || !make_key(&key))
        return;
    memmove(&t->keys[1], &t->keys[0], (TLS_TICKET_KEYS - 1) * sizeof(key));
    t->keys[0] = key;
    t->since_ms = now;
    if (t->count < TLS_TICKET_KEYS)
        t->count++;
    explicit_bzero(&key, sizeof(key));
}

static int find(const struct tls_tickets *t, const uint8_t *name)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (memcmp(t->keys[i].name, name, NAME) == 0)
            return (int)i;
    return -1;
}

static bool set_keys(const struct tls_tickets *t, const struct ticket_key *key, const uint8_t *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->hmac, SECRET),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end()};

    return EVP_CipherInit_ex2(cipher, t->cipher, key->aes, iv, seal, NULL) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 1: as asked; 2: opened by an older key, give a new ticket; 0: no such key; -1: failed. */
static int take_key(struct tls_tickets *t, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, bool seal)
{
    int at = 0;

    rotate(t);
    if (seal) {
        memcpy(name, t->keys[0].name, NAME);
        if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
            return -1;
    } else {
        at = find(t, name);
    }
    if (at < 0)
        return 0;
    if (!set_keys(t, &t->keys[at], iv, cipher, mac, seal))
        return -1;
    return at ? 2 : 1;
}

/* The place of the tickets among a context's data. */
static int place(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal)
{
    struct tls_tickets *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place());
    int result;

    pthread_mutex_lock(&t->lock);
    result = take_key(t, name, iv, cipher, mac, seal);
    pthread_mutex_unlock(&t->lock);
    return result;
}

void tls_tickets_use(struct tls_tickets *t, SSL_CTX *context, uint32_t count)
{
    SSL_CTX_set_num_tickets(context, t ? count : 0);
    if (!t) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        return;
    }
    SSL_CTX_set_ex_data(context, place(), t);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
