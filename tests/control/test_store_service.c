/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "control/service/read_service.h"
#include "control/service/store_service.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/* The test's thread plays a worker. */
static struct {
    char *folder;
    struct store *store;
    struct handoff *handoff;
    struct handoff_port *port;
    struct store_service *writer;
    struct read_service *reader;
    uint64_t account;
} world;

/* The configuration has all accounts but this one. */
static _Atomic uint64_t retired;

static bool serves(void *context, const struct message *message)
{
    (void)context;
    for (uint32_t i = 0; i < message->deliveries; i++)
        if (message->delivery[i].account == retired)
            return false;
    return true;
}

static void begin(void)
{
    struct handoff_options options = {.workers = 1, .jobs = 256, .records = 16};
    struct store_options where = {.sync = true};
    char error[STORE_ERROR];

    world.folder = store_fixture_folder("service");
    where.path = world.folder;
    CHECK(store_fixture_open(&where, &world.store, error) == STORE_OK);
    world.handoff = handoff_new(&options);
    world.port = handoff_port_of(world.handoff, 0);
    world.account = store_fixture_account(world.store, "a@example.org", 0);
    world.writer = store_service_start(&(struct store_service_options){
        .handoff = world.handoff, .store = world.store, .serves = serves, .serves_near = serves});
    world.reader = read_service_start(world.handoff, world.store);
}

static void end(void)
{
    store_service_stop(world.writer);
    read_service_stop(world.reader);
    handoff_free(world.handoff);
    store_close(world.store);
    store_fixture_remove(world.folder);
}

static struct job *ask(enum job_kind kind)
{
    struct job *job = job_take(world.port);

    job->kind = (uint8_t)kind;
    return job;
}

/* Rings, and takes `count` answers; how many had `status`. */
static uint32_t answers(uint32_t count, enum job_status status)
{
    struct job *jobs[64];
    uint32_t good = 0, n;

    handoff_flush(world.port);
    for (uint32_t got = 0; got < count; got += n) {
        n = job_answers(world.port, jobs, 64);
        if (n == 0)
            usleep(50);
        for (uint32_t i = 0; i < n; i++) {
            good += jobs[i]->status == status;
            job_give(world.port, jobs[i]);
        }
    }
    return good;
}

static enum job_status one(struct job *job)
{
    struct job *back = NULL;

    job_submit(world.port, job);
    handoff_flush(world.port);
    while (job_answers(world.port, &back, 1) == 0)
        usleep(50);
    CHECK(back == job);
    return job->status;
}

static void commits_are_gathered(void)
{
    struct store_fixture *f[200];
    struct store_service_stats stats;
    struct store_mailbox mailbox;

    begin();
    for (uint64_t i = 0; i < 200; i++) {
        struct job *job = ask(JOB_STORE_COMMIT);

        f[i] = store_fixture_new(i + 1, 1000 + i, 0, 512);
        store_fixture_to(f[i], world.account, MESSAGE_INBOX);
        job->store_commit.message = &f[i]->message;
        job_submit(world.port, job);
    }
    CHECK(answers(200, JOB_OK) == 200);
    store_service_stats(world.writer, &stats);
    CHECK(stats.commits == 200 && stats.refused == 0);
    if (store_fixture_in_memory()) {
        CHECK(stats.batches == 0); /* all of them on the worker */
    } else {
        CHECK(stats.batches < 50 && stats.largest > 4);
        CHECK(stats.apply_ns_min > 0 && stats.apply_ns_min <= stats.apply_ns_avg);
        CHECK(stats.apply_ns_avg <= stats.apply_ns_max && stats.apply_ns_p99 >= stats.apply_ns_min);
    }
    store_fixture_mailbox(world.store, world.account, MESSAGE_INBOX, &mailbox);
    CHECK(mailbox.messages == 200);
    for (uint32_t i = 0; i < 200; i++)
        store_fixture_free(f[i]);
    end();
}

static enum job_status commit_to(uint64_t id, uint64_t account)
{
    struct store_fixture *f = store_fixture_new(id, 1000, 0, 512);
    struct job *job = ask(JOB_STORE_COMMIT);
    enum job_status status;

    store_fixture_to(f, world.account, MESSAGE_INBOX);
    store_fixture_to(f, account, MESSAGE_INBOX);
    job->store_commit.message = &f->message;
    status = one(job);
    job_give(world.port, job);
    store_fixture_free(f);
    return status;
}

/* Who has left the configuration since RCPT gets no mail, nor do the others of this message. */
static void accounts_that_left_get_none(void)
{
    struct store_service_stats stats;
    struct store_mailbox mailbox;
    uint64_t other, unknown = UINT64_C(1) << 40;

    begin();
    other = store_fixture_account(world.store, "b@example.org", 0);
    CHECK(commit_to(1, other) == JOB_OK);
    retired = other;
    CHECK(commit_to(2, other) == JOB_GONE);
    retired = 0;
    CHECK(commit_to(3, other) == JOB_OK);
    /* Erased from the store. */
    CHECK(commit_to(4, unknown) == JOB_GONE);
    store_service_stats(world.writer, &stats);
    CHECK(stats.commits == 2 && stats.refused == 2);
    store_fixture_mailbox(world.store, world.account, MESSAGE_INBOX, &mailbox);
    CHECK(mailbox.messages == 2);
    end();
}

static void rows_then_commit_then_read_then_delete(void)
{
    uint64_t size = 3 * CHUNK_LARGE_DATA + 77, offset = 0;
    struct store_fixture *f = store_fixture_new(1, size, 0, CHUNK_LARGE_DATA);
    const struct pop3_mailbox *view;
    struct job *job;
    uint32_t row = 0;
    uint8_t marked = 1;

    begin();
    store_fixture_to(f, world.account, MESSAGE_INBOX);
    for (const struct chunk *c = f->message.rest; c->next; c = c->next, row++) {
        job = ask(JOB_STORE_WRITE);
        job->store_write =
            (struct job_store_write){.message = f->message.id, .row = row, .chunk = c};
        job_submit(world.port, job);
        f->message.rest = c->next;
    }
    CHECK(answers(row, JOB_OK) == 3);
    f->message.rows_written = row;
    job = ask(JOB_STORE_COMMIT);
    job->store_commit.message = &f->message;
    CHECK(one(job) == JOB_OK);
    job->kind = JOB_MAILBOX_OPEN;
    job->mailbox_open = (struct job_mailbox_open){.account = world.account};
    CHECK(one(job) == JOB_OK);
    view = job->mailbox_open.view_out;
    CHECK(view->count == 1);
    job->mailbox_open = (struct job_mailbox_open){.account = world.account};
    CHECK(one(job) == JOB_REFUSED);
    while (offset < view->entries[0].size) {
        uint64_t prefix = view->entries[0].size - size;
        void *pin;

        job->kind = JOB_MAILBOX_READ;
        job->mailbox_read = (struct job_mailbox_read){.view = view, .offset = offset};
        if (!CHECK(one(job) == JOB_OK && job->mailbox_read.bytes_out.len > 0))
            break;
        if (offset >= prefix)
            CHECK(memcmp(job->mailbox_read.bytes_out.data, f->bytes + offset - prefix,
                         job->mailbox_read.bytes_out.len) == 0);
        offset += job->mailbox_read.bytes_out.len;
        pin = job->mailbox_read.pin_out;
        job->kind = JOB_MAILBOX_UNPIN;
        job->mailbox_unpin = (struct job_mailbox_unpin){.count = 1, .pins = {pin}};
        CHECK(one(job) == JOB_OK);
    }
    job->kind = JOB_MAILBOX_DELETE;
    job->mailbox_delete = (struct job_mailbox_delete){.view = view, .marked = &marked};
    CHECK(one(job) == JOB_OK);
    job->kind = JOB_MAILBOX_CLOSE;
    job->mailbox_close.view = view;
    CHECK(one(job) == JOB_OK);
    job->kind = JOB_MAILBOX_OPEN;
    job->mailbox_open = (struct job_mailbox_open){.account = world.account};
    CHECK(one(job) == JOB_OK && job->mailbox_open.view_out->count == 0);
    view = job->mailbox_open.view_out;
    job->kind = JOB_MAILBOX_CLOSE;
    job->mailbox_close.view = view;
    CHECK(one(job) == JOB_OK);
    job_give(world.port, job);
    store_fixture_free(f);
    end();
}

static void cancelled_jobs_do_nothing(void)
{
    struct store_fixture *f = store_fixture_new(1, 100, 0, 100);
    struct store_mailbox mailbox;
    struct job *job;

    begin();
    store_fixture_to(f, world.account, MESSAGE_INBOX);
    job = ask(JOB_STORE_COMMIT);
    job->store_commit.message = &f->message;
    atomic_store(&job->cancelled, 1);
    CHECK(one(job) == JOB_CANCELLED);
    job->kind = JOB_MAILBOX_OPEN;
    job->mailbox_open.account = world.account;
    CHECK(one(job) == JOB_CANCELLED);
    job->kind = JOB_STORE_DISCARD;
    job->store_discard = (struct job_store_discard){.message = f->message.id, .rows = 1};
    CHECK(one(job) == JOB_OK);
    job_give(world.port, job);
    store_fixture_mailbox(world.store, world.account, MESSAGE_INBOX, &mailbox);
    CHECK(mailbox.messages == 0);
    store_fixture_free(f);
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(commits_are_gathered);
    CHECK_CASE(rows_then_commit_then_read_then_delete);
    CHECK_CASE(accounts_that_left_get_none);
    CHECK_CASE(cancelled_jobs_do_nothing);
    return check_end();
}
