/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/directory/password.h"
#include "proto/address/address.h"

/*
 * What nobody's password is hashed with, a salt of each name's own: the time of SHA-crypt depends
 * on salt and password, and one salt for all would make all names that nobody has alike. Other
 * methods have salts that not every text is, and no such dependence.
 */
static void put_fake(const struct account_fakes *fakes, struct span user, char *hash, size_t size)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct scram_keys noise;
    char *end, *salt;

    snprintf(hash, size, "%s", fakes->hash);
    if (!scram_keys_fake(&noise, SCRAM_SHA256, 1, span_of(fakes->secret, sizeof(fakes->secret)),
                         user) ||
        hash[0] != '$' || (hash[1] != '5' && hash[1] != '6'))
        return;
    end = strrchr(hash, '$');
    for (salt = end; salt > hash && salt[-1] != '$';)
        salt--;
    for (int i = 0; i < SCRAM_KEY_MAX && salt + i < end; i++)
        salt[i] = digits[noise.stored[i] & 63];
}

bool account_judge_password(const struct account_fakes *fakes, const struct directory_answer *known,
                            struct span user, struct span password)
{
    char hash[CRYPT_OUTPUT_SIZE];
    bool has = known && known->hash.len && known->hash.len < sizeof(hash);
    bool right;

    put_fake(fakes, user, hash, sizeof(hash));
    if (has) {
        memcpy(hash, known->hash.data, known->hash.len);
        hash[known->hash.len] = 0;
    }
    right = password_check(password, hash);
    explicit_bzero(hash, sizeof(hash));
    return right && has;
}

/* `text` with all of its octets replaced, if `has`, by those of another one that is as long. */
static void choose(struct writer *text, bool has, struct span other)
{
    uint8_t mask = (uint8_t) - (int)has;

    for (size_t i = 0; i < text->len; i++)
        text->data[i] ^= (uint8_t)(mask & (text->data[i] ^ other.data[i]));
}

/* Keys of the user, or such as look like some. Real ones and made up ones take the same work: some
 * are made and written, the text of real ones takes their place where it is as long, as it is where
 * iterations and salts are as everybody's, and that is read. */
bool account_judge_salt(const struct account_fakes *fakes, const struct directory_answer *known,
                        struct span user, enum scram_hash hash, struct scram_keys *keys_out)
{
    bool has = known && known->scram[hash].len;
    uint32_t iterations =
        fakes->iterations[hash] ? fakes->iterations[hash] : (uint32_t)SCRAM_ITERATIONS;
    uint8_t text[SCRAM_KEYS_TEXT];
    struct writer w = writer_of(text, sizeof(text));
    struct scram_keys made;

    if (!scram_keys_fake(&made, hash, iterations, span_of(fakes->secret, sizeof(fakes->secret)),
                         user))
        return false;
    scram_keys_put(&w, &made);
    if (has && known->scram[hash].len != w.len)
        return scram_keys_read(known->scram[hash], keys_out);
    choose(&w, has, has ? known->scram[hash] : writer_span(&w));
    return scram_keys_read(writer_span(&w), keys_out);
}

bool account_judge_proof(const struct account_fakes *fakes, const struct directory_answer *known,
                         const struct job_account_proof *proof, uint8_t *signature_out)
{
    enum scram_hash hash = (enum scram_hash)proof->hash;
    struct scram_keys keys;

    return account_judge_salt(fakes, known, proof->user, hash, &keys) &&
           scram_keys_check(&keys, proof->message, proof->proof, signature_out) && known &&
           known->scram[hash].len;
}

static bool is_key(struct span account, struct span identity, bool fold)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    return config_address_key(&w, identity, fold) && span_equal(writer_span(&w), account);
}

bool account_judge_acts_as(struct span account, struct span identity)
{
    char *prepared;
    bool same;

    if (identity.len == 0 || is_key(account, identity, false) || is_key(account, identity, true))
        return true;
    prepared = password_prepare_name(identity);
    same = prepared && (is_key(account, span_text(prepared), false) ||
                        is_key(account, span_text(prepared), true));
    free(prepared);
    return same;
}
