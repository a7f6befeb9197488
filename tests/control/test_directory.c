/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "control/base/clock.h"
#include "control/directory/directory_admin.h"
#include "control/directory/directory_pool.h"
#include "control/directory/password.h"
#include "control/directory/store_backend.h"
#include "control/service/account_service.h"
#include "control/service/identity_service.h"
#include "control/service/directory_service.h"
#include "control/store/store.h"
#include "proto/address/address.h"
#include "tests/harness/check.h"

/* ---- a back end that does what the test says ---- */

enum behaviour { ANSWERS, IS_AWAY, STALLS };

struct fake {
    struct directory_backend backend;
    const char *has; /* the one account that it has; its domain is its only one */
    const char *hash;
    const char *forward; /* it leads there alone; NULL: nowhere else */
    _Atomic int behaviour;
    _Atomic uint32_t asked;
    pthread_mutex_t lock;
    struct directory_question *stalled; /* the questions that wait */
};

static struct span domain_of(const char *address)
{
    return span_text(strchr(address, '@') + 1);
}

static enum directory_result answer_of(struct fake *f, struct directory_question *q)
{
    struct directory_member *m;

    if (q->kind == DIRECTORY_ASK_DOMAIN) {
        q->answer.policy = (struct directory_policy){.known = true,
                                                     .detail_separator = '+',
                                                     .quarantine_score = 5000,
                                                     .reject_score = INT32_MAX,
                                                     .tenant = span_text("default")};
        return span_equal(q->name, domain_of(f->has)) ? DIRECTORY_FOUND : DIRECTORY_NOBODY;
    }
    if (!span_equal(q->name, span_text(f->has)) || q->kind == DIRECTORY_ASK_SENDER)
        return DIRECTORY_NOBODY;
    m = directory_member(q);
    m->key = directory_text(q, q->name);
    m->quota = DIRECTORY_QUOTA_DEFAULT;
    m->policy = (struct directory_policy){.known = true, .tenant = span_text("default")};
    q->answer.hash = directory_text(q, span_text(f->hash));
    if (!f->forward)
        return DIRECTORY_FOUND;
    m->no_copy = true;
    /* Said twice, it is meant once. */
    for (int i = 0; i < 2; i++) {
        m = directory_member(q);
        m->mailbox = directory_text(q, q->name);
        m->forward = directory_text(q, span_text(f->forward));
    }
    return DIRECTORY_FOUND;
}

static void ask(struct directory_backend *backend, struct directory_question *q)
{
    struct fake *f = (struct fake *)backend;

    f->asked++;
    if (f->behaviour == STALLS) {
        pthread_mutex_lock(&f->lock);
        q->next = f->stalled;
        f->stalled = q;
        pthread_mutex_unlock(&f->lock);
        return;
    }
    directory_answer(q, f->behaviour == IS_AWAY ? DIRECTORY_UNAVAILABLE : answer_of(f, q));
}

static void free_fake(struct directory_backend *backend)
{
    pthread_mutex_destroy(&((struct fake *)backend)->lock);
}

static const struct directory_backend_ops fake_ops = {
    .name = "fake", .dynamic = true, .ask = ask, .free = free_fake};

static void begin_fake(struct fake *f, const char *has)
{
    *f = (struct fake){.backend = {.ops = &fake_ops}, .has = has, .hash = ""};
    pthread_mutex_init(&f->lock, NULL);
}

/* What stalled goes on, and is answered as it is now. */
static void recover(struct fake *f)
{
    struct directory_question *q = f->stalled, *next;

    f->behaviour = ANSWERS;
    f->stalled = NULL;
    for (; q; q = next) {
        next = q->next;
        directory_answer(q, answer_of(f, q));
    }
}

/* ---- addresses ---- */

struct scene {
    struct handoff *handoff;
    struct handoff_port *port;
    struct chunk_pool *pool;
    struct directory *table;
    struct store *store;
    struct fake first, second;
    struct directory_chain *chain;
    struct directory_service *service;
    struct chunk *chunks[64];
    uint32_t chunk_count;
};

static void begin(struct scene *s)
{
    struct directory_backend *backends[] = {&s->first.backend, &s->second.backend};
    static const uint8_t key[16] = {1};
    char error[STORE_ERROR];

    *s = (struct scene){.chunk_count = 0};
    s->handoff = handoff_new(&(struct handoff_options){.workers = 1, .jobs = 64, .records = 16});
    s->port = handoff_port_of(s->handoff, 0);
    s->table = directory_new(16);
    directory_cache(s->table, 3, 3, key);
    directory_set_dynamic(s->table, true);
    CHECK(store_memory_open(&(struct store_options){.memory_bytes = 64 << 20}, &s->store, error) ==
          STORE_OK);
    begin_fake(&s->first, "one@first.test");
    begin_fake(&s->second, "two@second.test");
    s->chain = directory_chain_new(backends, 2);
    s->service = directory_service_start(
        &(struct directory_service_options){
            .handoff = s->handoff, .table = s->table, .store = s->store},
        &(struct directory_setting){
            .chain = s->chain, .timeout_ms = 1000, .found_s = 100, .absent_s = 100});
    CHECK(s->service != NULL);
}

static void finish(struct scene *s)
{
    directory_service_stop(s->service);
    CHECK(directory_chain_free(s->chain));
    for (uint32_t i = 0; i < s->chunk_count; i++)
        free(s->chunks[i]);
    directory_free(s->table);
    store_close(s->store);
    handoff_free(s->handoff);
}

static struct job *submit(struct scene *s, const char *address, uint64_t account)
{
    struct chunk *c = calloc(1, sizeof(*c) + 400);
    struct job *job = job_take(s->port);

    memcpy(c->data, address, strlen(address));
    c->len = (uint32_t)strlen(address);
    s->chunks[s->chunk_count++] = c;
    job->kind = account ? JOB_DIRECTORY_SENDER : JOB_DIRECTORY_ADDRESS;
    job->directory =
        (struct job_directory){.names = c, .address = (uint32_t)c->len, .account = account};
    job_submit(s->port, job);
    handoff_flush(s->port);
    return job;
}

static bool is_answered(struct scene *s, struct job *job)
{
    struct job *answered = NULL;

    for (int i = 0; i < 5000 && job_answers(s->port, &answered, 1) == 0; i++)
        usleep(1000);
    return CHECK(answered == job);
}

static enum job_status wait_for(struct scene *s, struct job *job)
{
    enum job_status status;

    if (!is_answered(s, job))
        return JOB_CANCELLED;
    status = (enum job_status)job->status;
    job_give(s->port, job);
    return status;
}

static enum job_status look_up(struct scene *s, const char *address)
{
    return wait_for(s, submit(s, address, 0));
}

static enum directory_sight see(struct scene *s, enum directory_kind kind, const char *key)
{
    const struct directory_entry *entry;
    enum directory_sight sight;

    rcu_register_thread();
    sight =
        directory_look(s->table, kind, span_text(key), (uint32_t)(clock_wall_ms() / 1000), &entry);
    rcu_unregister_thread();
    return sight;
}

static void back_ends_are_asked_in_their_order(void)
{
    struct scene s;

    begin(&s);
    CHECK(see(&s, DIRECTORY_ADDRESS, "two@second.test") == DIRECTORY_UNSEEN);
    CHECK(look_up(&s, "Two@second.test") == JOB_OK);
    CHECK(see(&s, DIRECTORY_ADDRESS, "two@second.test") == DIRECTORY_HERE);
    CHECK(see(&s, DIRECTORY_DOMAIN, "second.test") == DIRECTORY_HERE);
    CHECK(s.first.asked == 2 && s.second.asked == 2);
    CHECK(look_up(&s, "one+detail@first.test") == JOB_OK);
    CHECK(see(&s, DIRECTORY_ADDRESS, "one+detail@first.test") == DIRECTORY_ABSENT);
    CHECK(see(&s, DIRECTORY_ADDRESS, "one@first.test") == DIRECTORY_HERE);
    CHECK(look_up(&s, "x@nowhere.test") == JOB_OK);
    CHECK(see(&s, DIRECTORY_DOMAIN, "nowhere.test") == DIRECTORY_ABSENT);
    finish(&s);
}

static void who_is_away_has_said_nothing(void)
{
    struct scene s;

    begin(&s);
    s.first.behaviour = IS_AWAY;
    CHECK(look_up(&s, "two@second.test") == JOB_FAILED);
    CHECK(look_up(&s, "nobody@first.test") == JOB_FAILED);
    CHECK(directory_count(s.table) == 0);
    s.first.behaviour = ANSWERS;
    CHECK(look_up(&s, "two@second.test") == JOB_OK);
    CHECK(see(&s, DIRECTORY_ADDRESS, "two@second.test") == DIRECTORY_HERE);
    finish(&s);
}

/* One that never answers holds up none but those who need it; later it goes on. */
static void a_stall_ends(void)
{
    struct scene s;
    struct job *waiting;

    begin(&s);
    s.second.behaviour = STALLS;
    waiting = submit(&s, "two@second.test", 0);
    CHECK(look_up(&s, "one@first.test") == JOB_OK);
    while (!__atomic_load_n(&s.second.stalled, __ATOMIC_ACQUIRE))
        usleep(1000);
    recover(&s.second);
    CHECK(wait_for(&s, waiting) == JOB_OK);
    CHECK(see(&s, DIRECTORY_ADDRESS, "two@second.test") == DIRECTORY_HERE);
    finish(&s);
}

/* What was answered before a change is not remembered after it. */
static void answers_from_before_a_change_are_asked_again(void)
{
    struct scene s;
    struct job *waiting;

    begin(&s);
    s.first.behaviour = STALLS;
    s.first.has = "none@first.test";
    waiting = submit(&s, "one@first.test", 0);
    while (!__atomic_load_n(&s.first.stalled, __ATOMIC_ACQUIRE))
        usleep(1000);
    directory_service_changed(s.service, span_of(NULL, 0));
    s.first.has = "one@first.test";
    recover(&s.first);
    CHECK(wait_for(&s, waiting) == JOB_OK);
    CHECK(see(&s, DIRECTORY_ADDRESS, "one@first.test") == DIRECTORY_HERE);
    CHECK(s.first.asked >= 3);
    directory_service_changed(s.service, span_text("one@first.test"));
    CHECK(see(&s, DIRECTORY_ADDRESS, "one@first.test") == DIRECTORY_UNSEEN);
    finish(&s);
}

static void memory_is_bounded_for_either_kind(void)
{
    struct scene s;
    char address[64];

    begin(&s);
    CHECK(look_up(&s, "one@first.test") == JOB_OK);
    for (int i = 0; i < 20; i++) {
        snprintf(address, sizeof(address), "nobody%d@first.test", i);
        CHECK(look_up(&s, address) == JOB_OK);
    }
    CHECK(directory_cached(s.table, false) <= 3 && directory_cached(s.table, true) == 3);
    /* Those that are there are not driven out by those that are not. */
    CHECK(see(&s, DIRECTORY_ADDRESS, "one@first.test") == DIRECTORY_HERE);
    CHECK(see(&s, DIRECTORY_ADDRESS, "nobody0@first.test") == DIRECTORY_UNSEEN);
    CHECK(see(&s, DIRECTORY_ADDRESS, "nobody19@first.test") == DIRECTORY_ABSENT);
    finish(&s);
}

static void senders_are_asked_about(void)
{
    uint8_t bytes[DIRECTORY_SENDER_KEY + 1] = {0};
    struct writer key = writer_of(bytes, DIRECTORY_SENDER_KEY);
    const struct directory_entry *entry;
    struct scene s;

    begin(&s);
    CHECK(wait_for(&s, submit(&s, "x@elsewhere.test", 77)) == JOB_OK);
    directory_sender_key(&key, 77, span_text("x@elsewhere.test"));
    rcu_register_thread();
    CHECK(directory_look(s.table, DIRECTORY_SENDER, writer_span(&key),
                         (uint32_t)(clock_wall_ms() / 1000), &entry) == DIRECTORY_ABSENT);
    rcu_unregister_thread();
    finish(&s);
}

/* ---- logins ---- */

static struct job *submit_login(struct scene *s, const char *user, const char *password,
                                uint8_t client)
{
    struct job *job = job_take(s->port);

    job->kind = JOB_ACCOUNT_LOGIN;
    job->account_login = (struct job_account_login){.user = span_text(user),
                                                    .password = span_text(password),
                                                    .client = {.bytes = {[0] = client}}};
    job_submit(s->port, job);
    handoff_flush(s->port);
    return job;
}

static uint64_t id_of(void *context, const struct directory_member *member)
{
    return 9;
}

static void logins_wait_for_none_but_their_own(void)
{
    struct login_guard *guard = login_guard_new((uint8_t[16]){1});
    struct account_fakes fakes = {.hash = ""};
    struct account_service *accounts;
    struct password_kept kept;
    struct scene s;
    struct job *stalled, *wrong;

    begin(&s);
    CHECK(password_make(span_text("secret"), "$6$", &kept));
    s.first.hash = kept.hash;
    snprintf(fakes.hash, sizeof(fakes.hash), "%s", kept.hash);
    accounts = account_service_start(
        &(struct account_service_options){.handoff = s.handoff,
                                          .guard = guard,
                                          .threads = 2,
                                          .method = "$6$",
                                          .account_id = id_of},
        &(struct account_setting){.chain = s.chain, .fakes = &fakes, .timeout_ms = 1000});
    s.second.behaviour = STALLS;
    stalled = submit_login(&s, "two@second.test", "secret", 1);
    CHECK(wait_for(&s, submit_login(&s, "one@first.test", "secret", 2)) == JOB_OK);
    wrong = submit_login(&s, "one@first.test", "secrets", 3);
    CHECK(wait_for(&s, wrong) == JOB_REFUSED);
    recover(&s.second);
    /* It has no hash: nobody logs in. */
    CHECK(wait_for(&s, stalled) == JOB_REFUSED);
    s.first.behaviour = IS_AWAY;
    CHECK(wait_for(&s, submit_login(&s, "one@first.test", "secret", 4)) == JOB_FAILED);
    account_service_stop(accounts);
    login_guard_free(guard);
    finish(&s);
}

static struct job *submit_identity(struct scene *s, const char *shown, const char *identity,
                                   uint8_t client, uint8_t *name)
{
    struct job *job = job_take(s->port);

    job->kind = JOB_ACCOUNT_IDENTITY;
    job->account_identity = (struct job_account_identity){.shown = span_text(shown),
                                                          .identity = span_text(identity),
                                                          .client = {.bytes = {client}},
                                                          .name = name};
    job_submit(s->port, job);
    handoff_flush(s->port);
    return job;
}

/* For how long the refusal of a login is to be held back. */
static uint32_t refused_for(struct scene *s, struct job *job)
{
    bool password = job->kind == JOB_ACCOUNT_LOGIN;

    CHECK(is_answered(s, job) && job->status == JOB_REFUSED);
    return password ? job->account_login.delay_ms_out : job->account_identity.delay_ms_out;
}

/* Passwords, and what is shown instead of one, count together: by account and by address. */
static void all_ways_to_log_in_count_together(void)
{
    static const struct login_guard_limits limits = {.delay_ms = 1000, .delay_max_ms = 30000};
    struct login_guard *guard = login_guard_new((uint8_t[16]){1});
    struct config *config = calloc(1, sizeof(*config));
    struct account_fakes fakes = {.hash = ""};
    struct account_service *accounts;
    struct identity_service *identities;
    uint8_t why_bytes[256], name[ADDRESS_KEY_MAX];
    struct writer why = writer_of(why_bytes, sizeof(why_bytes));
    struct scene s;

    begin(&s);
    login_guard_limit(guard, &limits);
    accounts = account_service_start(
        &(struct account_service_options){.handoff = s.handoff,
                                          .guard = guard,
                                          .threads = 1,
                                          .method = "$6$",
                                          .account_id = id_of},
        &(struct account_setting){.chain = s.chain, .fakes = &fakes, .timeout_ms = 1000});
    identities = identity_service_start(
        &(struct identity_service_options){
            .handoff = s.handoff, .guard = guard, .threads = 1, .account_id = id_of},
        &(struct identity_setting){.chain = s.chain,
                                   .oauth = oauth_new(&config->oauth, &why),
                                   .timeout_ms = 1000,
                                   .wait_ms = 1000});
    if (!CHECK(accounts && identities))
        return;
    CHECK(refused_for(&s, submit_login(&s, "one@first.test", "wrong", 2)) <= 1000);
    /* The same account in another spelling, shown by a stranger from another address. */
    CHECK(refused_for(&s, submit_identity(&s, "nobody@first.test", "One@First.test", 3, name)) ==
          2000);
    /* Another account from that address. */
    CHECK(refused_for(&s, submit_login(&s, "two@second.test", "wrong", 3)) > 2000);
    account_service_stop(accounts);
    identity_service_stop(identities);
    login_guard_free(guard);
    free(config);
    finish(&s);
}

/* ---- rows of the store ---- */

static void keep(struct store *store, enum directory_row_kind kind, const char *name,
                 const struct directory_row_alias *alias)
{
    uint8_t k[64], v[512];
    struct writer key = writer_of(k, sizeof(k)), value = writer_of(v, sizeof(v));
    struct store_directory_row row;

    directory_row_key(&key, kind, span_text(name));
    if (alias)
        directory_row_put_alias(&value, alias);
    else
        directory_row_put_account(&value, &(struct directory_row_account){.quota = 1});
    row = (struct store_directory_row){writer_span(&key), writer_span(&value)};
    CHECK(store_directory_put(store, &row, 1, NULL, 0) == STORE_OK);
}

struct waiting {
    struct directory_question question; /* first */
    struct directory_member members[DIRECTORY_ACCOUNTS];
    uint8_t text[4096];
    _Atomic int result;
};

static void note(struct directory_question *q, enum directory_result result)
{
    ((struct waiting *)q)->result = (int)result;
}

static enum directory_result ask_store(struct directory_backend *b, struct waiting *w,
                                       const char *name)
{
    *w = (struct waiting){.question = {.kind = DIRECTORY_ASK_ADDRESS,
                                       .name = span_text(name),
                                       .done = note,
                                       .one = true,
                                       .deadline_ms = UINT64_MAX},
                          .result = -1};
    w->question.answer.members = w->members;
    w->question.answer.room = DIRECTORY_ACCOUNTS;
    w->question.answer.text = writer_of(w->text, sizeof(w->text));
    b->ops->ask(b, &w->question);
    while (w->result < 0)
        usleep(1000);
    return (enum directory_result)w->result;
}

static void aliases_lead_to_accounts_in_the_end(void)
{
    struct directory_row_alias
        both = {.members = {2, {span_text("a@x.test"), span_text("g@x.test")}}},
        group = {.members = {2, {span_text("b@x.test"), span_text("y@y.test")}}},
        loop = {.members = {1, {span_text("loop@x.test")}}};
    struct waiting w;
    struct directory_backend *b;
    struct store *store;
    char error[STORE_ERROR];

    CHECK(store_memory_open(&(struct store_options){.memory_bytes = 64 << 20}, &store, error) ==
          STORE_OK);
    b = store_backend_new(&(struct store_backend_options){.store = store, .method = "$y$"});
    keep(store, DIRECTORY_ROW_ACCOUNT, "a@x.test", NULL);
    keep(store, DIRECTORY_ROW_ACCOUNT, "b@x.test", NULL);
    keep(store, DIRECTORY_ROW_ALIAS, "both@x.test", &both);
    keep(store, DIRECTORY_ROW_ALIAS, "g@x.test", &group);
    keep(store, DIRECTORY_ROW_ALIAS, "loop@x.test", &loop);
    CHECK(ask_store(b, &w, "both@x.test") == DIRECTORY_FOUND && w.question.answer.count == 3);
    CHECK(w.members[2].elsewhere && !w.members[1].elsewhere);
    /* It leads to nobody that is here. */
    CHECK(ask_store(b, &w, "loop@x.test") == DIRECTORY_FOUND && w.question.answer.count == 1 &&
          w.members[0].elsewhere);
    CHECK(ask_store(b, &w, "c@x.test") == DIRECTORY_NOBODY);
    group.forward = (struct directory_row_list){1, {span_text("z@far.test")}};
    keep(store, DIRECTORY_ROW_ALIAS, "g@x.test", &group);
    CHECK(ask_store(b, &w, "both@x.test") == DIRECTORY_FOUND && w.question.answer.count == 4);
    CHECK(span_equal(w.members[3].forward, span_text("z@far.test")) &&
          span_equal(w.members[3].mailbox, span_text("g@x.test")));
    b->ops->free(b);
    store_close(store);
}

static void forwards_are_put_for_workers(void)
{
    const struct directory_entry *entry;
    struct store_account queue = {.key = span_text(STORE_QUEUE)};
    uint64_t tenant, id;
    struct scene s;

    begin(&s);
    s.second.forward = "Two@far.test";
    /* Without a queue nobody knows where it leads. */
    CHECK(look_up(&s, "two@second.test") == JOB_FAILED);
    CHECK(store_tenant_put(s.store, queue.key, &tenant) == STORE_OK &&
          store_domain_put(s.store, tenant, queue.key, DIRECTORY_LOCAL, &queue.domain) ==
              STORE_OK &&
          store_account_put(s.store, &queue, &id) == STORE_OK);
    CHECK(look_up(&s, "two@second.test") == JOB_OK);
    rcu_register_thread();
    entry = directory_find(s.table, DIRECTORY_ADDRESS, span_text("two@second.test"));
    if (CHECK(entry && entry->account_count == 2)) {
        CHECK(entry->accounts[0].no_copy && entry->accounts[0].id != id);
        CHECK(entry->accounts[1].id == id && entry->accounts[1].quarantine_score == 5000);
        CHECK_TEXT(entry->accounts[1].forward, "Two@far.test");
        CHECK_TEXT(entry->accounts[1].address, "two@second.test");
    }
    rcu_unregister_thread();
    finish(&s);
}

int main(void)
{
    check_begin();
    CHECK_CASE(back_ends_are_asked_in_their_order);
    CHECK_CASE(who_is_away_has_said_nothing);
    CHECK_CASE(a_stall_ends);
    CHECK_CASE(answers_from_before_a_change_are_asked_again);
    CHECK_CASE(memory_is_bounded_for_either_kind);
    CHECK_CASE(senders_are_asked_about);
    CHECK_CASE(logins_wait_for_none_but_their_own);
    CHECK_CASE(all_ways_to_log_in_count_together);
    CHECK_CASE(aliases_lead_to_accounts_in_the_end);
    CHECK_CASE(forwards_are_put_for_workers);
    return check_end();
}
