/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_watch.h"

#include "dataplane/tls/tls_crypto.h"

enum { EXPLICIT = 8, BLOCK = 2 * (TLS_KEY_MAX + TLS_IV) };

bool tls_watch_init(struct tls_watch *w, uint16_t version, uint16_t suite)
{
    const struct tls_suite *found = tls_suite_find(suite);
    bool ok = found && !found->mac && tls_suite_is_of(found, version);

    *w = (struct tls_watch){.suite = ok ? found : NULL, .version = version};
    return ok;
}

void tls_watch_secret(struct tls_watch *w, struct tls_crypto *crypto, int direction,
                      const uint8_t *secret)
{
    struct tls_lane *lane = &w->lane[direction];

    *lane = (struct tls_lane){.serial = ++crypto->serials};
    memcpy(lane->way.secret, secret, w->suite->sha384 ? 48 : 32);
    tls_crypto_derive(w->suite, &lane->way);
}

/* client_write_key, server_write_key, client_write_IV, server_write_IV; an AEAD has no MAC keys. */
void tls_watch_master(struct tls_watch *w, struct tls_crypto *crypto,
                      const uint8_t master[TLS_SECRET_MAX], const uint8_t client_random[32],
                      const uint8_t server_random[32])
{
    size_t key = tls_key_length((enum tls_cipher)w->suite->cipher);
    size_t iv = tls_iv_length(w->suite);
    uint8_t randoms[TLS_RANDOMS], block[BLOCK];

    memcpy(randoms, server_random, 32);
    memcpy(randoms + 32, client_random, 32);
    tls_crypto_key_block(w->suite->sha384, master, randoms, block, 2 * (key + iv));
    for (size_t d = 0; d < 2; d++) {
        w->lane[d] = (struct tls_lane){.serial = ++crypto->serials};
        memcpy(w->lane[d].way.key, block + d * key, key);
        memcpy(w->lane[d].way.iv, block + 2 * key + d * iv, iv);
    }
    explicit_bzero(block, sizeof(block));
}

enum tls_opened tls_watch_open(const struct tls_watch *w, struct tls_crypto *crypto, int direction,
                               struct span record, struct tls_watched *out)
{
    struct tls_record r = {.suite = w->suite, .version = w->version, .read = w->lane[direction]};
    enum tls_opened opened =
        tls_record_open(&r, crypto, record, out->room, &out->type, &out->plain);

    tls_record_wipe(&r);
    return opened;
}

size_t tls_watch_plain(const struct tls_watch *w, size_t sealed)
{
    bool tls13 = w->version == TLS_VERSION_1_3;
    bool nonce = !tls13 && w->suite->cipher != TLS_CIPHER_CHACHA20_POLY1305;
    size_t more = TLS_TAG + (tls13 ? 1 : 0) + (nonce ? EXPLICIT : 0);

    return sealed > more ? sealed - more : 0;
}

void tls_watch_taken(struct tls_watch *w, int direction)
{
    w->lane[direction].way.sequence++;
}

void tls_watch_update(struct tls_watch *w, struct tls_crypto *crypto, int direction)
{
    struct tls_record r = {.suite = w->suite, .version = w->version};

    tls_record_update(&r, crypto, &w->lane[direction]);
}
