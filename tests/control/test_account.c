/* SPDX-License-Identifier: BSD-3-Clause */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/directory/password.h"
#include "control/service/account_service.h"
#include "control/service/account_table.h"
#include "control/store/store.h"
#include "tests/harness/check.h"

static struct config_errors errors;

static uint64_t id_of(void *context, struct span key)
{
    return span_equal(key, span_text("alice@example.test")) ? 7
           : span_equal(key, span_text("bob@example.test")) ? 8
                                                            : 0;
}

static const char *hash_of(const char *password, const char *prefix)
{
    static struct crypt_data data;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    crypt_gensalt_rn(prefix, 0, "0123456789abcdefghij", 20, setting, sizeof(setting));
    return crypt_r(password, setting, &data);
}

/* Accounts alice and bob; bob's hash is of another method. */
static struct config *accounts(const char *alice, const char *bob)
{
    char text[2048];
    int n = snprintf(text, sizeof(text),
                     "hostname: mx.example.test\nengine: {interface: e}\n"
                     "network: {addresses: [198.18.0.2/24]}\n"
                     "listeners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n"
                     "domains: [{name: example.test, catch_all: alice@example.test}]\naccounts:\n"
                     "- {address: alice@example.test, password: \"%s\"}\n",
                     hash_of(alice, "$6$"));
    struct config *config;

    if (bob)
        snprintf(text + n, sizeof(text) - (size_t)n,
                 "- {address: Bob@example.test, password: \"%s\"}\n", hash_of(bob, "$y$"));
    config = config_read(span_text(text), "a", &errors);
    CHECK_TEXT(writer_span(&errors.text), "");
    return config;
}

static struct account_table *table(const char *alice, const char *bob)
{
    struct config *config = accounts(alice, bob);
    struct account_table *t = account_table_new(config, id_of, NULL);

    CHECK(t != NULL);
    config_free(config);
    return t;
}

/* What the table, as a back end, tells of a name. */
struct told {
    struct directory_question question; /* first */
    struct directory_member member;
    uint8_t text[2048];
    enum directory_result result;
};

static void take_told(struct directory_question *q, enum directory_result result)
{
    ((struct told *)q)->result = result;
}

static const struct directory_answer *ask_table(struct account_table *t, struct span user,
                                                struct told *told)
{
    struct directory_backend *b = (struct directory_backend *)t;

    *told = (struct told){
        .question = {
            .kind = DIRECTORY_ASK_CREDENTIALS, .name = user, .done = take_told, .one = true}};
    told->question.answer.members = &told->member;
    told->question.answer.room = 1;
    told->question.answer.text = writer_of(told->text, sizeof(told->text));
    b->ops->ask(b, &told->question);
    return told->result == DIRECTORY_FOUND ? &told->question.answer : NULL;
}

static bool login_span(struct account_table *t, struct span user, struct span password,
                       uint64_t *id)
{
    struct told told;
    const struct directory_answer *known = ask_table(t, user, &told);
    bool ok = account_judge_password(account_table_fakes(t), known, user, password);

    if (ok)
        *id = told.member.id;
    return ok;
}

static bool login(struct account_table *t, const char *user, const char *password, uint64_t *id)
{
    struct span u = guard_copy(span_text(user), true), p = guard_copy(span_text(password), true);
    bool ok = login_span(t, u, p, id);

    guard_free(u);
    guard_free(p);
    return ok;
}

static void passwords_are_judged(void)
{
    struct account_table *t = table("secret of alice", "b\xc3\xb6"
                                                       "b");
    char *longest = calloc(1, 600);
    uint64_t id = 0;

    CHECK(login(t, "alice@example.test", "secret of alice", &id) && id == 7);
    CHECK(login(t, "ALICE@Example.TEST", "secret of alice", &id) && id == 7);
    CHECK(login(t, "bob@example.test",
                "b\xc3\xb6"
                "b",
                &id) &&
          id == 8);
    id = 0;
    CHECK(!login(t, "alice@example.test", "secret of alicf", &id));
    CHECK(!login(t, "alice@example.test", "", &id));
    CHECK(!login(t, "alice", "secret of alice", &id));
    CHECK(!login(t, "nobody@example.test", "secret of alice", &id));
    CHECK(!login(t, "", "", &id));
    CHECK(!login(t, "alice@[198.18.0.1]", "secret of alice", &id));
    CHECK(!login(t, "@", "secret of alice", &id) && !login(t, "alice@example.test\r\n", "x", &id));
    CHECK(!login_span(t, span_text("alice@example.test"), span_of("secret of alice\0x", 17), &id));
    memset(longest, 'a', 599);
    CHECK(!login(t, "alice@example.test", longest, &id));
    CHECK(!login(t, longest, "secret of alice", &id) && id == 0);
    free(longest);
    account_table_free(t);
}

/* RFC 8265 section 4.2: composed or not, and with whichever blank */
static void passwords_are_prepared(void)
{
    struct account_table *t = table("p\xc3\xb6 x", NULL);
    uint64_t id = 0;

    CHECK(login(t, "alice@example.test", "p\xc3\xb6 x", &id) && id == 7);
    CHECK(login(t, "alice@example.test", "po\xcc\x88 x", &id));
    CHECK(login(t, "alice@example.test", "p\xc3\xb6\xc2\xa0x", &id));
    CHECK(login(t, "alice@example.test", "p\xc3\xb6\xe3\x80\x80x", &id));
    CHECK(!login(t, "alice@example.test", "po x", &id));
    CHECK(!login(t, "alice@example.test", "P\xc3\xb6 x", &id));
    CHECK(!login(t, "alice@example.test", "p\xc3 x", &id));
    account_table_free(t);
}

static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The least of some tries, so that a busy machine does not matter. */
static int64_t least_cost(struct account_table *t, const char *user, const char *password)
{
    int64_t least = INT64_MAX;
    uint64_t id;

    for (int i = 0; i < 5; i++) {
        int64_t start = cpu_us();

        login(t, user, password, &id);
        if (cpu_us() - start < least)
            least = cpu_us() - start;
    }
    return least;
}

static void unknown_names_cost_a_hash_too(void)
{
    struct account_table *t = table("secret", NULL);
    int64_t known = least_cost(t, "alice@example.test", "wrong");
    int64_t unknown = least_cost(t, "nobody@example.test", "wrong");
    int64_t no_address = least_cost(t, "x", "wrong");

    CHECK(known > 200);
    /* Without the hash it would be a thousandth: a factor of 4 is for machines that are busy with
     * other things. */
    CHECK(unknown * 4 > known && unknown < known * 4);
    CHECK(no_address * 4 > known && no_address < known * 4);
    account_table_free(t);
}

/* ---- SCRAM ---- */

/* Alice has keys of her password; bob has none. */
static struct account_table *scram_table(const char *secret)
{
    static char text[SCRAM_KEYS_TEXT + 1];
    struct config *config = accounts("secret", "secret");
    struct scram_keys keys = {
        .hash = SCRAM_SHA256, .salt_len = 16, .iterations = 5000, .salt = "a salt of sixtee"};
    struct writer w = writer_of(text, sizeof(text) - 1);
    uint8_t octets[STORE_SECRET] = {0};
    struct account_table *t;

    CHECK(scram_keys_derive(&keys, span_text("secret")));
    scram_keys_put(&w, &keys);
    text[w.len] = 0;
    config->accounts[0].scram_sha_256 = text;
    t = account_table_new(config, id_of, NULL);
    memcpy(octets, secret, strlen(secret));
    account_table_set_secret(t, octets);
    config_free(config);
    return t;
}

static struct scram_keys salt_of(struct account_table *t, const char *user)
{
    struct scram_keys keys = {0};
    struct told told;

    CHECK(account_judge_salt(account_table_fakes(t), ask_table(t, span_text(user), &told),
                             span_text(user), SCRAM_SHA256, &keys));
    return keys;
}

static bool proves(struct account_table *t, const char *user)
{
    struct job_account_proof proof = {
        .user = span_text(user), .message = span_text("n=x"), .hash = SCRAM_SHA256};
    uint8_t signature[SCRAM_KEY_MAX];
    struct told told;

    return account_judge_proof(account_table_fakes(t), ask_table(t, proof.user, &told), &proof,
                               signature);
}

static void unknown_names_look_like_others_to_scram(void)
{
    struct account_table *t = scram_table("one"), *other = scram_table("two");
    struct scram_keys alice = salt_of(t, "Alice@example.TEST"),
                      bob = salt_of(t, "bob@example.test");
    struct scram_keys nobody = salt_of(t, "nobody@example.test");
    struct scram_keys again = salt_of(t, "nobody@example.test");
    struct scram_keys elsewhere = salt_of(other, "nobody@example.test");

    CHECK(memcmp(alice.salt, "a salt of sixtee", 16) == 0);
    CHECK(alice.salt_len == nobody.salt_len && alice.iterations == nobody.iterations);
    CHECK(bob.iterations == alice.iterations && bob.salt_len == alice.salt_len);
    CHECK(memcmp(&nobody, &again, sizeof(nobody)) == 0);
    CHECK(memcmp(nobody.salt, elsewhere.salt, 16) != 0 && memcmp(nobody.salt, bob.salt, 16) != 0);
    CHECK(!proves(t, "alice@example.test") && !proves(t, "bob@example.test") &&
          !proves(t, "nobody@example.test"));
    account_table_free(t);
    account_table_free(other);
}

static int64_t least_proof(struct account_table *t, const char *user)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 20; i++) {
        int64_t start = cpu_us(), cost;

        for (int k = 0; k < 50; k++)
            proves(t, user);
        cost = cpu_us() - start;
        least = cost < least ? cost : least;
    }
    return least;
}

static void unknown_names_cost_a_proof_too(void)
{
    struct account_table *t = scram_table("one");
    int64_t known = least_proof(t, "alice@example.test");
    int64_t unknown = least_proof(t, "alicf@example.test");

    CHECK(unknown * 2 > known && unknown < known * 2);
    account_table_free(t);
}

static void nobody_acts_as_somebody_else(void)
{
    struct span alice = span_text("alice@example.test");

    CHECK(account_judge_acts_as(alice, span_text("")));
    CHECK(account_judge_acts_as(alice, span_text("ALICE@example.test")));
    CHECK(!account_judge_acts_as(alice, span_text("bob@example.test")));
    CHECK(!account_judge_acts_as(alice, span_text("alice")));
}

static void no_accounts_no_logins(void)
{
    struct config *config = accounts("secret", NULL);
    struct account_table *t;
    uint64_t id;

    config->accounts_count = 0;
    t = account_table_new(config, id_of, NULL);
    CHECK(t && !login(t, "alice@example.test", "secret", &id));
    account_table_free(t);
    config_free(config);
}

static void no_table_without_ids(void)
{
    struct config *config = accounts("secret", NULL);

    config->accounts[0].key = span_text("blice@example.test");
    CHECK(account_table_new(config, id_of, NULL) == NULL);
    config_free(config);
}

/* The answer to one login, as a worker sees it. */
static enum job_status ask(struct handoff *h, const char *user, const char *password,
                           bool cancelled, uint64_t *id_out)
{
    struct handoff_port *port = handoff_port_of(h, 0);
    struct job *job = job_take(port), *answered = NULL;
    enum job_status status;

    if (!CHECK(job != NULL))
        return JOB_FAILED;
    job->kind = JOB_ACCOUNT_LOGIN;
    job->account_login =
        (struct job_account_login){.user = span_text(user), .password = span_text(password)};
    if (cancelled)
        job->cancelled = 1;
    job_submit(port, job);
    handoff_flush(port);
    for (int i = 0; i < 5000 && job_answers(port, &answered, 1) == 0; i++)
        usleep(1000);
    if (!CHECK(answered == job))
        return JOB_FAILED;
    status = (enum job_status)job->status;
    *id_out = job->account_login.account_out;
    job_give(port, job);
    return status;
}

static const struct login_guard_limits limits = {.delay_ms = 1000, .delay_max_ms = 30000};

static struct login_guard *guard;

static struct account_service *start(struct handoff *h, struct directory_chain *chain,
                                     const struct account_fakes *fakes)
{
    guard = login_guard_new((uint8_t[16]){1});
    login_guard_limit(guard, &limits);
    return account_service_start(
        &(struct account_service_options){.handoff = h, .guard = guard, .threads = 2},
        &(struct account_setting){.chain = chain, .fakes = fakes, .timeout_ms = 1000});
}

static void stop(struct account_service *s)
{
    account_service_stop(s);
    login_guard_free(guard);
}

static struct directory_chain *chain_of(struct account_table *t)
{
    struct directory_backend *b = (struct directory_backend *)t;

    return directory_chain_new(&b, 1);
}

static void jobs_are_answered_also_across_a_reload(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = 16, .records = 16});
    struct account_table *old = table("old", "bob"), *new = table("new", NULL);
    struct directory_chain *before = chain_of(old), *after = chain_of(new);
    struct account_service *s = start(h, before, account_table_fakes(old));
    uint64_t id;

    if (!CHECK(s != NULL))
        return;
    CHECK(ask(h, "alice@example.test", "old", false, &id) == JOB_OK && id == 7);
    CHECK(ask(h, "alice@example.test", "new", false, &id) == JOB_REFUSED);
    CHECK(ask(h, "bob@example.test", "bob", false, &id) == JOB_OK && id == 8);
    CHECK(ask(h, "alice@example.test", "old", true, &id) == JOB_CANCELLED);
    account_service_set(s, &(struct account_setting){.chain = after,
                                                     .fakes = account_table_fakes(new),
                                                     .timeout_ms = 1000});
    CHECK(directory_chain_free(before));
    CHECK(ask(h, "alice@example.test", "old", false, &id) == JOB_REFUSED);
    CHECK(ask(h, "alice@example.test", "new", false, &id) == JOB_OK && id == 7);
    CHECK(ask(h, "bob@example.test", "bob", false, &id) == JOB_REFUSED);
    stop(s);
    CHECK(directory_chain_free(after));
    handoff_free(h);
}

/* Many logins from one address take few places in the queue, and others are judged meanwhile. */
static void a_flood_starves_nobody(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = 64, .records = 16});
    struct handoff_port *port = handoff_port_of(h, 0);
    struct account_table *t = table("secret", NULL);
    struct directory_chain *chain = chain_of(t);
    struct account_service *s = start(h, chain, account_table_fakes(t));
    uint32_t busy = 0, wrong = 0, right = 0, answered = 0;
    uint32_t delay = 0;

    for (int i = 0; i < 40; i++) {
        struct job *job = job_take(port);

        job->kind = JOB_ACCOUNT_LOGIN;
        job->account_login =
            (struct job_account_login){.user = span_text("alice@example.test"),
                                       .password = span_text(i == 39 ? "secret" : "wrong"),
                                       .client = {.bytes = {[0] = i == 39 ? 2 : 1}}};
        job_submit(port, job);
    }
    handoff_flush(port);
    for (int i = 0; i < 10000 && answered < 40; i++) {
        struct job *job;

        if (job_answers(port, &job, 1) == 0) {
            usleep(1000);
            continue;
        }
        answered++;
        right += job->status == JOB_OK;
        busy += job->status == JOB_REFUSED && job->account_login.why_out == LOGIN_BUSY;
        wrong += job->status == JOB_REFUSED && job->account_login.why_out == LOGIN_WRONG;
        if (job->account_login.delay_ms_out > delay)
            delay = job->account_login.delay_ms_out;
        job_give(port, job);
    }
    CHECK(answered == 40 && right == 1 && busy + wrong == 39);
    /* The address owes its longest wait after a few: the rest is not judged. */
    CHECK(wrong >= 4 && wrong <= 8 && delay > 8000);
    stop(s);
    CHECK(directory_chain_free(chain));
    handoff_free(h);
}

static void passwords_are_made_for_both(void)
{
    struct password_kept kept;
    struct scram_keys keys;

    CHECK(password_make(span_text("p\xc3\xb6"), "$y$", &kept));
    CHECK(password_check(span_text("po\xcc\x88"), kept.hash) &&
          !password_check(span_text("po"), kept.hash));
    CHECK(scram_keys_read(span_text(kept.scram), &keys) && keys.salt_len == 16);
    CHECK(!password_make(span_text(""), "$y$", &kept));
    CHECK(!password_make(span_of("a\0b", 3), "$y$", &kept));
}

int main(void)
{
    check_begin();
    CHECK_CASE(passwords_are_judged);
    CHECK_CASE(passwords_are_prepared);
    CHECK_CASE(unknown_names_cost_a_hash_too);
    CHECK_CASE(unknown_names_look_like_others_to_scram);
    CHECK_CASE(unknown_names_cost_a_proof_too);
    CHECK_CASE(nobody_acts_as_somebody_else);
    CHECK_CASE(no_accounts_no_logins);
    CHECK_CASE(no_table_without_ids);
    CHECK_CASE(jobs_are_answered_also_across_a_reload);
    CHECK_CASE(a_flood_starves_nobody);
    CHECK_CASE(passwords_are_made_for_both);
    return check_end();
}
