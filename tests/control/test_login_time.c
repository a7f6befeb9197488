/* SPDX-License-Identifier: BSD-3-Clause */
#include <crypt.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/directory/directory_admin.h"
#include "control/directory/store_backend.h"
#include "control/service/account_table.h"
#include "control/store/store.h"
#include "proto/base/base64.h"
#include "proto/sasl/sasl_server.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/*
 * Nobody can tell known names from unknown ones: so many tries with each (the program's argument,
 * 500 where there is none), a mechanism at a time, from the client's first line to what the judge
 * says. Known and unknown ones take turns in a random order, so that whatever else the machine does
 * falls on both. Each must be answered alike, and two tests of the times must not separate them:
 * that of Mann and Whitney by its z, which is within Z_MAX for one in 15,000 of equal samples, and
 * that of Kolmogorov and Smirnov by its K, within K_MAX for one in 20,000.
 */
enum { ACCOUNTS = 500, TEXT = 2048, CHALLENGE = 84 };

#define Z_MAX 4.0
#define K_MAX 2.3

static struct config_errors errors;
static struct account_table *table;
static uint32_t accounts = ACCOUNTS;      /* that there are */
static struct directory_backend *backend; /* that is asked */
static struct store_scene scene;
static sem_t answered;
static uint8_t said[SASL_TEXT_MAX];
static const struct sasl_terms terms = {.offered = UINT32_MAX, .memory = said};

static uint64_t id_of(void *context, struct span key)
{
    return key.len;
}

static void accounts_are_there(void)
{
    static char text[ACCOUNTS * 512];
    static struct crypt_data data;
    const uint8_t secret[STORE_SECRET] = {1};
    struct config *config;
    size_t n = 0;

    n += (size_t)snprintf(text, sizeof(text),
                          "hostname: mx.example.test\nengine: {interface: e}\n"
                          "network: {addresses: [198.18.0.2/24]}\n"
                          "listeners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n"
                          "domains: [{name: example.test, catch_all: user0000@example.test}]\n"
                          "accounts:\n");
    for (uint32_t i = 0; i < accounts; i++) {
        struct scram_keys keys = {.hash = SCRAM_SHA256, .salt_len = 16, .iterations = 4096};
        uint8_t written[SCRAM_KEYS_TEXT];
        struct writer w = writer_of(written, sizeof(written));
        char setting[64];

        snprintf(setting, sizeof(setting), "$5$rounds=1000$salt%04u$", i);
        for (size_t k = 0; k < sizeof(keys.salt); k++)
            keys.salt[k] = (uint8_t)random();
        CHECK(scram_keys_derive(&keys, span_text("secret")));
        scram_keys_put(&w, &keys);
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "- {address: user%04u@example.test, password: \"%s\", "
                              "scram_sha_256: \"%.*s\"}\n",
                              2 * i, crypt_r("secret", setting, &data), (int)w.len, written);
    }
    config = config_read(span_text(text), "a", &errors);
    CHECK_TEXT(writer_span(&errors.text), "");
    table = account_table_new(config, id_of, NULL);
    CHECK(table != NULL);
    account_table_set_secret(table, secret);
    config_free(config);
    backend = (struct directory_backend *)table;
}

struct known {
    struct directory_question question;
    struct directory_member member;
    bool found;
    uint8_t text[TEXT];
};

/* The same accounts, in the store; names that nobody has are judged as the table has it. */
static bool copy_account(void *context, bool there, struct directory_admin_row *row)
{
    const struct directory_answer *a = context;

    row->account = (struct directory_row_account){
        .quota = DIRECTORY_QUOTA_DEFAULT, .mailbox = a->members[0].mailbox, .hash = a->hash};
    row->account.scram[SCRAM_SHA256] = a->scram[SCRAM_SHA256];
    return !there;
}

static bool make_domain(void *context, bool there, struct directory_admin_row *row)
{
    row->domain.policy = (struct directory_policy){
        .known = true, .class = DIRECTORY_LOCAL, .tenant = span_text("default")};
    row->domain.catch_all = span_of(NULL, 0);
    return !there;
}

static const struct directory_answer *look_up(struct known *k, struct span name);

static void accounts_are_in_the_store(void)
{
    static struct known k;

    store_scene_begin(&scene, "logintime");
    CHECK(directory_admin_change(scene.store, DIRECTORY_ROW_DOMAIN, span_text("example.test"),
                                 make_domain, NULL, NULL) == STORE_OK);
    for (uint32_t i = 0; i < accounts; i++) {
        const struct directory_answer *a;
        char name[32];

        snprintf(name, sizeof(name), "user%04u@example.test", 2 * i);
        a = look_up(&k, span_text(name));
        CHECK(a && directory_admin_change(scene.store, DIRECTORY_ROW_ACCOUNT, span_text(name),
                                          copy_account, (void *)(uintptr_t)a, NULL) == STORE_OK);
    }
    backend =
        store_backend_new(&(struct store_backend_options){.store = scene.store, .method = "$5$"});
    CHECK(backend != NULL);
}

/* ---- the judge ---- */

static void told(struct directory_question *question, enum directory_result result)
{
    ((struct known *)question)->found = result == DIRECTORY_FOUND;
    sem_post(&answered);
}

static const struct directory_answer *look_up(struct known *k, struct span name)
{
    memset(&k->question, 0, sizeof(k->question));
    k->question.kind = DIRECTORY_ASK_CREDENTIALS;
    k->question.name = name;
    k->question.one = true;
    k->question.done = told;
    k->question.answer.members = &k->member;
    k->question.answer.room = 1;
    k->question.answer.text = writer_of(k->text, sizeof(k->text));
    backend->ops->ask(backend, &k->question);
    sem_wait(&answered);
    return k->found ? &k->question.answer : NULL;
}

static bool judge_password(const struct sasl_server *s)
{
    static struct known k;

    return account_judge_password(account_table_fakes(table), look_up(&k, s->question.user),
                                  s->question.user, s->question.password);
}

static bool judge_proof(const struct sasl_server *s)
{
    static struct known k;
    struct job_account_proof proof = {
        .user = s->question.user, .message = s->question.message, .hash = SCRAM_SHA256};

    memcpy(proof.proof, s->question.proof, sizeof(proof.proof));
    return account_judge_proof(account_table_fakes(table), look_up(&k, proof.user), &proof,
                               proof.signature_out);
}

static enum sasl_status give_salt(struct sasl_server *s)
{
    static const uint8_t nonce[SCRAM_SERVER_NONCE] = "0123456789abcdefg";
    static struct known k;
    struct scram_keys keys;

    CHECK(account_judge_salt(account_table_fakes(table), look_up(&k, s->question.user),
                             s->question.user, SCRAM_SHA256, &keys));
    CHECK(keys.iterations == 4096 && keys.salt_len == 16);
    return sasl_server_salt(s, span_of(keys.salt, keys.salt_len), keys.iterations, nonce);
}

/* ---- one try ---- */

static struct span line(const char *text, size_t len)
{
    static uint8_t memory[512];
    struct writer w = writer_of(memory, sizeof(memory));

    base64_put(&w, span_of(text, len));
    return writer_span(&w);
}

/* The client says these; none of them is right, and the server's words are as long for everybody.
 */
static void try_once(enum sasl_mechanism mechanism, const char *name)
{
    static struct sasl_server s;
    char text[256];
    int n =
        snprintf(text, sizeof(text), mechanism == SASL_PLAIN ? "_%s_%08lx" : "%s", name, random());

    if (mechanism == SASL_PLAIN) {
        text[0] = text[1 + strlen(name)] = 0;
        CHECK(sasl_server_begin(&s, &terms, mechanism, line(text, (size_t)n)) == SASL_ASK);
        CHECK(!judge_password(&s));
    } else if (mechanism == SASL_LOGIN) {
        CHECK(sasl_server_begin(&s, &terms, mechanism, line(text, (size_t)n)) == SASL_CHALLENGE);
        n = snprintf(text, sizeof(text), "%08lx", random());
        CHECK(sasl_server_line(&s, line(text, (size_t)n)) == SASL_ASK);
        CHECK(!judge_password(&s));
    } else {
        n = snprintf(text, sizeof(text), "n,,n=%s,r=abc", name);
        CHECK(sasl_server_begin(&s, &terms, mechanism, line(text, (size_t)n)) == SASL_ASK);
        CHECK(give_salt(&s) == SASL_CHALLENGE && sasl_server_challenge(&s).len == CHALLENGE);
        n = snprintf(text, sizeof(text), "c=biws,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA,p=%s",
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        CHECK(sasl_server_line(&s, line(text, (size_t)n)) == SASL_ASK);
        CHECK(!judge_proof(&s));
    }
    sasl_server_wipe(&s);
}

/* ---- two samples ---- */

struct sample {
    double value;
    bool known;
};

static int compare(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->value, y = ((const struct sample *)b)->value;

    return (x > y) - (x < y);
}

/* Of `n` of each kind, sorted. Ties share their rank. */
static double mann_whitney(const struct sample *s, uint32_t n)
{
    double ranks = 0, total = 2.0 * n, ties = 0, mean, variance;

    for (uint32_t i = 0, end; i < 2 * n; i = end) {
        for (end = i; end < 2 * n && s[end].value <= s[i].value;)
            end++;
        for (uint32_t k = i; k < end; k++)
            ranks += s[k].known ? (i + 1 + end) / 2.0 : 0;
        ties += pow(end - i, 3) - (end - i);
    }
    mean = n * (total + 1) / 2;
    variance = (double)n * n / 12 * (total + 1 - ties / (total * (total - 1)));
    return (ranks - mean) / sqrt(variance);
}

static double kolmogorov_smirnov(const struct sample *s, uint32_t n)
{
    double most = 0, apart = 0;

    for (uint32_t i = 0; i < 2 * n; i++) {
        apart += s[i].known ? 1.0 / n : -1.0 / n;
        if ((i + 1 == 2 * n || s[i + 1].value > s[i].value) && fabs(apart) > most)
            most = fabs(apart);
    }
    return most * sqrt(n / 2.0);
}

static double median(const struct sample *s, uint32_t n, bool known)
{
    uint32_t seen = 0, i = 0;

    while (i < 2 * n && (seen += s[i].known == known) <= n / 2)
        i++;
    return s[i].value;
}

static void measure(enum sasl_mechanism mechanism, uint32_t tries)
{
    struct sample *s = calloc(2 * (size_t)tries, sizeof(*s));
    double z, k;

    for (uint32_t i = 0; i < 2 * tries; i += 2) {
        bool first = random() & 1;

        for (uint32_t turn = 0; turn < 2; turn++) {
            bool known = first ^ (turn == 1);
            char name[32];
            uint64_t before;

            /* Those that nobody has stand between those that somebody has. */
            snprintf(name, sizeof(name), "user%04ld@example.test",
                     2 * (random() % accounts) + !known);
            before = clock_monotonic_ns();
            try_once(mechanism, name);
            s[i + turn] = (struct sample){(double)((clock_monotonic_ns() - before) / 1000), known};
        }
    }
    qsort(s, 2 * (size_t)tries, sizeof(*s), compare);
    z = mann_whitney(s, tries);
    k = kolmogorov_smirnov(s, tries);
    printf("# %s: %u tries each, medians %.0f and %.0f us, z %.2f, K %.2f\n",
           sasl_mechanism_row(mechanism)->name, tries, median(s, tries, true),
           median(s, tries, false), z, k);
    CHECK(fabs(z) < Z_MAX && k < K_MAX);
    free(s);
}

static uint32_t tries = 500;

static void plain(void)
{
    measure(SASL_PLAIN, tries);
}

static void login(void)
{
    measure(SASL_LOGIN, tries);
}

static void scram_sha_256(void)
{
    measure(SASL_SCRAM_SHA_256, tries);
}

/* TRIES [ "yaml" / "rocksdb" / "memory" ] */
int main(int argc, char **argv)
{
    const char *kind = argc > 2 ? argv[2] : "yaml";

    if (argc > 1)
        tries = (uint32_t)strtoul(argv[1], NULL, 10);
    accounts = tries < ACCOUNTS ? tries : ACCOUNTS;
    store_fixture_choose(argc - 1, argv + 1);
    sem_init(&answered, 0, 0);
    check_begin();
    CHECK_CASE(accounts_are_there);
    if (strcmp(kind, "yaml") != 0)
        CHECK_CASE(accounts_are_in_the_store);
    CHECK_CASE(plain);
    CHECK_CASE(login);
    CHECK_CASE(scram_sha_256);
    if (strcmp(kind, "yaml") != 0) {
        backend->ops->free(backend);
        store_scene_end(&scene);
    }
    account_table_free(table);
    return check_end();
}
