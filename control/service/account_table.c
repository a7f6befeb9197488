/* SPDX-License-Identifier: BSD-3-Clause */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "control/config/config_settings.h"
#include "control/service/account_service.h"
#include "control/store/store.h"
#include "proto/address/address.h"
#include "proto/base/utf8.h"

enum { PASSWORD_MAX = 512, METHODS_MAX = 16 };

struct account_row {
    struct span key; /* address_key() of the account's address */
    uint64_t account;
    const char *hash;
    const char *scram[SCRAM_HASHES]; /* texts of keys; empty: none */
};

struct account_table {
    uint32_t count;
    struct account_row *rows; /* by key */
    /* What a name that nobody has is hashed with: a hash of the most common method. */
    const char *dummy;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    char *text;                        /* keys and hashes */
    uint32_t iterations[SCRAM_HASHES]; /* of names that nobody has */
    uint8_t secret[STORE_SECRET];
    struct login_guard_limits limits;
};

const struct login_guard_limits *account_table_limits(const struct account_table *table)
{
    return &table->limits;
}

static int compare_rows(const void *a, const void *b)
{
    const struct account_row *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, n);

    return order ? order : x->key.len < y->key.len ? -1 : x->key.len > y->key.len;
}

/* "$6$" of "$6$salt$hash": what decides most about the time. */
static struct span method_of(const char *hash)
{
    const char *end = strchr(hash + 1, '$');

    return span_of(hash, end ? (size_t)(end - hash) : strlen(hash));
}

static bool choose_dummy(struct account_table *t)
{
    struct {
        const char *hash;
        uint32_t count;
    } methods[METHODS_MAX] = {{0}};
    uint32_t n = 0, best = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t m = 0;

        while (m < n && !span_equal(method_of(methods[m].hash), method_of(t->rows[i].hash)))
            m++;
        if (m == METHODS_MAX)
            continue;
        if (m == n)
            methods[n++].hash = t->rows[i].hash;
        if (++methods[m].count > methods[best].count)
            best = m;
    }
    t->dummy =
        n ? methods[best].hash : crypt_gensalt_rn(NULL, 0, NULL, 0, t->setting, sizeof(t->setting));
    return t->dummy != NULL;
}

static size_t text_size(const struct config *config)
{
    size_t n = 1;

    for (uint32_t i = 0; i < config->accounts_count; i++)
        n += ADDRESS_KEY_MAX + strlen(config->accounts[i].password) +
             strlen(config->accounts[i].scram_sha_256) + strlen(config->accounts[i].scram_sha_1) +
             3;
    return n;
}

static const char *put_text(struct writer *w, const char *text)
{
    const char *at = (const char *)w->data + w->len;

    writer_text(w, text);
    writer_byte(w, 0);
    return at;
}

/* Who has no keys, or is nobody, gets a challenge like the first who has some. */
static void put_scram(struct account_table *t, struct account_row *row, enum scram_hash hash,
                      const char *text, struct writer *w)
{
    struct scram_keys keys;

    row->scram[hash] = put_text(w, text);
    if (!t->iterations[hash] && text[0] && scram_keys_read(span_text(text), &keys))
        t->iterations[hash] = keys.iterations;
}

void account_table_set_secret(struct account_table *table, const uint8_t *secret)
{
    memcpy(table->secret, secret, sizeof(table->secret));
}

struct account_table *account_table_new(const struct config *config,
                                        uint64_t (*account_id)(void *context, struct span key),
                                        void *context)
{
    struct account_table *t = calloc(1, sizeof(*t));
    struct writer w;
    size_t size = text_size(config);
    bool ok;

    if (!t)
        return NULL;
    t->limits = (struct login_guard_limits){
        .delay_ms = (uint32_t)(config->pop3.failure_delay / 1000),
        .delay_max_ms = (uint32_t)(config->pop3.failure_delay_max / 1000),
        .login_ms = (uint32_t)(config->pop3.login_delay / 1000000 * 1000)};
    t->rows = calloc(config->accounts_count + 1, sizeof(*t->rows));
    t->text = malloc(size);
    w = writer_of(t->text, size);
    ok = t->rows && t->text;
    for (; ok && t->count < config->accounts_count; t->count++) {
        const struct config_account *account = &config->accounts[t->count];
        struct account_row *row = &t->rows[t->count];
        size_t start = w.len;

        writer_span_put(&w, account->key);
        row->key = span_of(t->text + start, w.len - start);
        row->hash = put_text(&w, account->password);
        put_scram(t, row, SCRAM_SHA256, account->scram_sha_256, &w);
        put_scram(t, row, SCRAM_SHA1, account->scram_sha_1, &w);
        row->account = ok ? account_id(context, row->key) : 0;
        ok = row->account != 0;
    }
    if (ok && choose_dummy(t)) {
        qsort(t->rows, t->count, sizeof(*t->rows), compare_rows);
        return t;
    }
    account_table_free(t);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

struct account_ids *account_table_ids(const struct account_table *table, uint64_t more)
{
    struct account_ids *ids = malloc(sizeof(*ids) + (table->count + 1) * sizeof(ids->ids[0]));

    if (!ids)
        return NULL;
    ids->count = table->count + 1;
    ids->ids[table->count] = more;
    for (uint32_t i = 0; i < table->count; i++)
        ids->ids[i] = table->rows[i].account;
    qsort(ids->ids, ids->count, sizeof(ids->ids[0]), compare_ids);
    return ids;
}

bool account_ids_has(const struct account_ids *ids, uint64_t account)
{
    return ids && bsearch(&account, ids->ids, ids->count, sizeof(ids->ids[0]), compare_ids);
}

void account_table_free(struct account_table *table)
{
    if (!table)
        return;
    free(table->rows);
    free(table->text);
    free(table);
}

static const struct account_row *find_key(const struct account_table *t, struct span user,
                                          bool fold)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct account_row wanted;

    if (!config_address_key(&w, user, fold))
        return NULL;
    wanted.key = writer_span(&w);
    return bsearch(&wanted, t->rows, t->count, sizeof(*t->rows), compare_rows);
}

/* The name as SASLprep has it (RFC 4013), which clients of SASL may send or not. NULL: it is ASCII,
 * or nothing that it allows. */
static char *prepare_name(struct span user)
{
    char text[ADDRESS_KEY_MAX + 1], *prepared = NULL;

    if (!utf8_needed(user) || !utf8_valid(user) || user.len >= sizeof(text) ||
        span_find(user, 0) >= 0)
        return NULL;
    memcpy(text, user.data, user.len);
    text[user.len] = 0;
    return stringprep_profile(text, &prepared, "SASLprep", 0) == STRINGPREP_OK ? prepared : NULL;
}

static const struct account_row *find_row(const struct account_table *t, struct span user)
{
    const struct account_row *found = find_key(t, user, false);
    char *prepared = found ? NULL : prepare_name(user);

    if (!found)
        found = find_key(t, user, true);
    if (!found && prepared)
        found = find_key(t, span_text(prepared), false);
    if (!found && prepared)
        found = find_key(t, span_text(prepared), true);
    free(prepared);
    return found;
}

/* Without telling by its time where two texts differ. */
static bool same_text(const char *a, const char *b)
{
    size_t n = strlen(a);
    unsigned differ = 0;

    if (n != strlen(b))
        return false;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

/* Non-ASCII blanks become spaces (RFC 8265 section 4.2.2, rule 2). False: no room. */
static bool map_blanks(struct span password, struct writer *out)
{
    while (password.len) {
        ucs4_t c;
        size_t n = (size_t)u8_mbtouc(&c, password.data, password.len);

        if (uc_is_general_category(c, UC_SPACE_SEPARATOR))
            writer_byte(out, ' ');
        else
            writer_span_put(out, span_head(password, n));
        password = span_skip(password, n);
    }
    return !out->full;
}

/*
 * The password as it is hashed: ASCII as it is; UTF-8 by the OpaqueString profile (RFC 8265 section
 * 4.2), so that it does not matter how the client's keyboard composes a letter. NUL-terminated.
 */
static bool prepare(struct span password, char phrase[PASSWORD_MAX + 1])
{
    uint8_t mapped[PASSWORD_MAX];
    struct writer w = writer_of(mapped, sizeof(mapped));
    size_t len = PASSWORD_MAX;
    uint8_t *normal = (uint8_t *)phrase;
    bool ok = password.len <= PASSWORD_MAX && span_find(password, 0) < 0;

    if (!ok)
        return false;
    if (!utf8_needed(password) || !utf8_valid(password)) {
        memcpy(phrase, password.len ? (const void *)password.data : "", password.len);
        return true;
    }
    ok = map_blanks(password, &w);
    if (ok)
        normal = u8_normalize(UNINORM_NFC, mapped, w.len, (uint8_t *)phrase, &len);
    explicit_bzero(mapped, sizeof(mapped));
    if (!normal)
        return false;
    if (normal != (uint8_t *)phrase) {
        explicit_bzero(normal, len);
        free(normal);
        return false;
    }
    phrase[ok ? len : 0] = 0;
    return ok;
}

bool account_table_login(const struct account_table *table, struct span user, struct span password,
                         uint64_t *account_out)
{
    const struct account_row *row = find_row(table, user);
    struct crypt_data *data = calloc(1, sizeof(*data));
    char phrase[PASSWORD_MAX + 1] = {0};
    const char *hash = row ? row->hash : table->dummy, *computed;
    bool ok = prepare(password, phrase);

    if (!data)
        return false;
    computed = crypt_r(phrase, hash, data);
    ok = ok && computed && computed[0] != '*' && same_text(computed, hash) && row;
    if (ok)
        *account_out = row->account;
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return ok;
}

bool account_table_acts_as(const struct account_table *table, uint64_t account,
                           struct span identity)
{
    const struct account_row *row = identity.len ? find_row(table, identity) : NULL;

    return identity.len == 0 || (row && row->account == account);
}

/* Keys of the user, or such as look like some. Real ones and made up ones take the same work: both
 * are made, and a text is read. */
static bool find_keys(const struct account_table *t, const struct account_row *row,
                      struct span user, enum scram_hash hash, struct scram_keys *keys_out)
{
    static const char *const like[SCRAM_HASHES] = {
        [SCRAM_SHA1] = "SCRAM-SHA-1$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
                       "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        [SCRAM_SHA256] = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$"
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    const char *text = row && row->scram[hash][0] ? row->scram[hash] : NULL;
    uint32_t iterations = t->iterations[hash] ? t->iterations[hash] : SCRAM_ITERATIONS;
    struct scram_keys read, made;

    if (!scram_keys_read(span_text(text ? text : like[hash]), &read) ||
        !scram_keys_fake(&made, hash, iterations, span_of(t->secret, sizeof(t->secret)), user))
        return false;
    *keys_out = text ? read : made;
    return true;
}

bool account_table_salt(const struct account_table *table, struct span user, enum scram_hash hash,
                        struct scram_keys *keys_out)
{
    return find_keys(table, find_row(table, user), user, hash, keys_out);
}

bool account_table_prove(const struct account_table *table, const struct job_account_proof *proof,
                         uint64_t *account_out, uint8_t *signature_out)
{
    const struct account_row *row = find_row(table, proof->user);
    enum scram_hash hash = (enum scram_hash)proof->hash;
    struct scram_keys keys;

    if (!find_keys(table, row, proof->user, hash, &keys) ||
        !scram_keys_check(&keys, proof->message, proof->proof, signature_out) || !row ||
        !row->scram[hash][0])
        return false;
    *account_out = row->account;
    return true;
}
