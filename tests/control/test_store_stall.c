/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/service/read_service.h"
#include "control/service/store_service.h"
#include "control/store/store_ops.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/* The services over a store whose changes take as long as the test likes, or end as it likes. */
struct stalling {
    struct store store; /* first */
    struct store_ops ops;
    struct store *inner;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stalled;
    _Atomic uint32_t waiting;
    enum store_status refuse; /* instead of doing it, if not STORE_OK */
};

static struct stalling slow;
static struct handoff *handoff;
static struct handoff_port *port;
static struct store_service *writer;
static struct read_service *reader;
static uint64_t account;

static void stalling_apply(struct store *store, struct store_change *changes, uint32_t count)
{
    struct stalling *s = (struct stalling *)store;
    enum store_status refuse;

    pthread_mutex_lock(&s->lock);
    s->waiting++;
    while (s->stalled)
        pthread_cond_wait(&s->changed, &s->lock);
    s->waiting--;
    refuse = s->refuse;
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; refuse != STORE_OK && i < count; i++)
        changes[i].status_out = refuse;
    if (refuse == STORE_OK)
        store_apply(s->inner, changes, count);
}

static enum store_status stalling_open(struct store *store, uint64_t id,
                                       const struct pop3_mailbox **view_out)
{
    return store_view_open(((struct stalling *)store)->inner, id, view_out);
}

static void stalling_close(struct store *store, const struct pop3_mailbox *view)
{
    store_view_close(((struct stalling *)store)->inner, view);
}

static void set_stalled(bool stalled)
{
    pthread_mutex_lock(&slow.lock);
    slow.stalled = stalled;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.lock);
}

static bool serves(void *context, const struct message *message)
{
    (void)context;
    (void)message;
    return true;
}

static void begin(void)
{
    struct handoff_options options = {.workers = 1, .jobs = 64, .records = 16};
    struct store_options where = {.node = 0};
    char error[STORE_ERROR];

    slow = (struct stalling){
        .ops = {.apply = stalling_apply, .view_open = stalling_open, .view_close = stalling_close}};
    slow.store.ops = &slow.ops;
    pthread_mutex_init(&slow.lock, NULL);
    pthread_cond_init(&slow.changed, NULL);
    CHECK(store_memory_open(&where, &slow.inner, error) == STORE_OK);
    account = store_fixture_account(slow.inner, "a@example.org", 0);
    handoff = handoff_new(&options);
    port = handoff_port_of(handoff, 0);
    writer = store_service_start(&(struct store_service_options){
        .handoff = handoff, .store = &slow.store, .serves = serves, .serves_near = serves});
    reader = read_service_start(handoff, &slow.store);
}

static void end(void)
{
    store_service_stop(writer);
    read_service_stop(reader);
    handoff_free(handoff);
    store_close(slow.inner);
    pthread_mutex_destroy(&slow.lock);
    pthread_cond_destroy(&slow.changed);
}

static struct store_fixture *commit(uint64_t number)
{
    struct store_fixture *f = store_fixture_new(number, 1000, 0, 500);
    struct job *job = job_take(port);

    store_fixture_to(f, account, MESSAGE_INBOX);
    job->kind = JOB_STORE_COMMIT;
    job->store_commit.message = &f->message;
    job_submit(port, job);
    handoff_flush(port);
    return f;
}

/* Answers that come within so many milliseconds, up to `count`; their statuses must be `status`. */
static uint32_t answers(uint32_t count, enum job_status status, uint32_t ms)
{
    uint32_t got = 0;

    for (uint32_t waited = 0; got < count && waited < ms; waited++) {
        struct job *jobs[16];
        uint32_t n = job_answers(port, jobs, 16);

        for (uint32_t i = 0; i < n; i++) {
            CHECK(jobs[i]->status == status);
            job_give(port, jobs[i]);
        }
        got += n;
        if (n == 0)
            usleep(1000);
    }
    return got;
}

static void a_stalled_store_holds_up_commits_alone(void)
{
    struct store_fixture *f[4];
    const struct pop3_mailbox *view;
    struct job *job, *back = NULL;

    begin();
    set_stalled(true);
    for (uint64_t i = 0; i < 4; i++)
        f[i] = commit(i + 1);
    CHECK(answers(1, JOB_OK, 300) == 0);
    job = job_take(port);
    job->kind = JOB_MAILBOX_OPEN;
    job->mailbox_open.account = account;
    job_submit(port, job);
    handoff_flush(port);
    for (int ms = 0; ms < 5000 && job_answers(port, &back, 1) == 0; ms++)
        usleep(1000);
    CHECK(back == job && job->status == JOB_OK); /* readers go on */
    view = job->mailbox_open.view_out;
    job->kind = JOB_MAILBOX_CLOSE;
    job->mailbox_close.view = view;
    job_submit(port, job);
    handoff_flush(port);
    CHECK(answers(1, JOB_OK, 5000) == 1);
    CHECK(slow.waiting == 1);
    set_stalled(false);
    CHECK(answers(4, JOB_OK, 5000) == 4);
    for (int i = 0; i < 4; i++) {
        CHECK(f[i]->message.delivery[0].uid_out == (uint32_t)i + 1);
        store_fixture_free(f[i]);
    }
    end();
}

static void each_failure_has_its_own_answer(void)
{
    static const struct {
        enum store_status status;
        enum job_status answer;
    } rows[] = {{STORE_DISK_FULL, JOB_DISK_FULL},
                {STORE_FULL, JOB_FULL},
                {STORE_FAILED, JOB_FAILED},
                {STORE_CORRUPT, JOB_FAILED}};
    struct store_fixture *f;

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        slow.refuse = rows[i].status;
        f = commit(i + 1);
        CHECK(answers(1, rows[i].answer, 5000) == 1);
        store_fixture_free(f);
    }
    slow.refuse = STORE_OK;
    f = commit(9);
    CHECK(answers(1, JOB_OK, 5000) == 1);
    store_fixture_free(f);
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_stalled_store_holds_up_commits_alone);
    CHECK_CASE(each_failure_has_its_own_answer);
    return check_end();
}
