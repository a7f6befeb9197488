/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/hidden.h"
#include "dataplane/handoff/ring.h"
#include "tests/harness/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <urcu-qsbr.h>

static void chunks_come_back_warm_and_stay_bounded(void)
{
    struct chunk_pool *pool = chunk_pool_new((uint32_t[]){2, 1, 1});
    struct chunk *a = chunk_take(pool, CHUNK_SMALL), *b = chunk_take(pool, CHUNK_SMALL);

    CHECK(a && b && a != b && !chunk_take(pool, CHUNK_SMALL));
    CHECK(a->cap == 512 - CHUNK_HEADER);
    memset(a->data, 1, a->cap);
    memset(b->data, 2, b->cap);
    a->len = 7;
    a->next = b;
    chunk_give(pool, a);
    CHECK(chunk_used(pool, CHUNK_SMALL) == 0 && chunk_peak(pool, CHUNK_SMALL) == 2);
    CHECK(chunk_take(pool, CHUNK_SMALL) == b && b->len == 0);
    a = chunk_take(pool, CHUNK_LARGE);
    CHECK(a && a->cap == CHUNK_LARGE_DATA && !chunk_take(pool, CHUNK_LARGE));
    memset(a->data, 3, a->cap);
    chunk_pool_free(pool);
}

/* True when a core file leaves the page out that holds `memory`. */
static bool is_hidden(const void *memory)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false, hidden = false;

    while (smaps && fgets(line, sizeof(line), smaps)) {
        unsigned long first, end;

        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            here = (uintptr_t)memory >= first && (uintptr_t)memory < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            hidden = strstr(line, " dd") != NULL;
    }
    if (smaps)
        fclose(smaps);
    return hidden;
}

static void mail_lies_in_memory_that_core_files_leave_out(void)
{
    struct chunk_pool *pool = chunk_pool_new((uint32_t[]){2, 1, 1});
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = 8, .records = 8});
    void *pieces[400];

    CHECK(is_hidden(chunk_take(pool, CHUNK_LARGE)) && !is_hidden(&pool));
    CHECK(is_hidden(record_take(handoff_port_of(h, 0))));
    for (size_t i = 0; i < 400; i++) {
        pieces[i] = hidden_take(i % 10 ? 100 * i : 300000 * (i % 30));
        memset(pieces[i], (int)i, i % 10 ? 100 * i : 300000 * (i % 30));
        CHECK((uintptr_t)pieces[i] % 64 == 0);
    }
    CHECK(is_hidden(pieces[1]) && is_hidden(pieces[20]) && is_hidden(pieces[399]));
    for (size_t i = 0; i < 400; i++) {
        CHECK(i % 10 == 0 || *(uint8_t *)pieces[i] == (uint8_t)i);
        hidden_give(pieces[i]);
    }
    hidden_give(NULL);
    handoff_free(h);
    chunk_pool_free(pool);
}

static bool is_resident(const void *at)
{
    uintptr_t page = (uintptr_t)at & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);
    unsigned char there = 0;

    return mincore((void *)page, 1, &there) == 0 && (there & 1);
}

static void memory_may_be_there_before_it_is_needed(void)
{
    uint32_t limits[CHUNK_CLASSES] = {64, 64, 64};

    for (int prefault = 0; prefault < 2; prefault++) {
        struct handoff *h = handoff_new(&(struct handoff_options){
            .workers = 1, .jobs = 1, .records = 64, .prefault = prefault});
        struct chunk_pool *pool = chunk_pool_new(limits);
        struct record *record = record_take(handoff_port_of(h, 0));
        struct chunk *chunk;

        CHECK(!prefault || chunk_pool_prefault(pool));
        chunk = chunk_take(pool, CHUNK_LARGE);
        CHECK(is_resident(chunk->data + 40000) == prefault);
        CHECK(is_resident((const uint8_t *)(record + 1) - 1) == prefault);
        chunk_give(pool, chunk);
        record_give(handoff_port_of(h, 0), record, false);
        chunk_pool_free(pool);
        handoff_free(h);
    }
}

static void a_reserve_is_left_for_what_is_to_be_sent(void)
{
    struct chunk_pool *pool = chunk_pool_new((uint32_t[]){2 * CHUNK_RESERVE, 1, 1});

    for (int i = 0; i < 2 * CHUNK_RESERVE - 2; i++)
        CHECK(chunk_take(pool, CHUNK_SMALL));
    CHECK(!chunk_take(pool, CHUNK_SMALL));
    CHECK(chunk_take_reserved(pool, CHUNK_SMALL) && chunk_take_reserved(pool, CHUNK_SMALL));
    CHECK(!chunk_take_reserved(pool, CHUNK_SMALL));
    chunk_pool_free(pool);
}

static void *produce(void *ring)
{
    for (uintptr_t i = 1; i <= 200000; i++)
        while (!ring_put(ring, (void *)i))
            sched_yield();
    return NULL;
}

static void ring_keeps_order_between_threads(void)
{
    struct ring *r = ring_new(100);
    pthread_t thread;
    uintptr_t expected = 1;

    CHECK(r->mask == 127 && ring_empty(r));
    pthread_create(&thread, NULL, produce, r);
    while (expected <= 200000) {
        void *items[16];
        uint32_t n = ring_take(r, items, 16);

        for (uint32_t i = 0; i < n; i++)
            if (!CHECK((uintptr_t)items[i] == expected++))
                exit(1);
        if (n == 0)
            sched_yield();
    }
    pthread_join(thread, NULL);
    CHECK(ring_empty(r));
    ring_free(r);
}

/* A service that answers every job, until it is told to stop by a job of kind STORE_DISCARD with no
 * rows. */
static void *serve(void *handoff)
{
    for (;;) {
        struct job *jobs[8];
        uint32_t n = service_take(handoff, SERVICE_STORE, jobs, 8);

        for (uint32_t i = 0; i < n; i++) {
            bool stop = jobs[i]->store_discard.rows == 0;

            job_answer(handoff, jobs[i], JOB_REFUSED);
            if (stop)
                return NULL;
        }
        if (n == 0)
            service_wait(handoff, SERVICE_STORE, -1);
    }
}

static void jobs_are_answered_once_and_bounded(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 2, .jobs = 4, .records = 2});
    struct handoff_port *port = handoff_port_of(h, 1);
    uint32_t asked = 0, answered = 0;
    pthread_t thread;

    pthread_create(&thread, NULL, serve, h);
    while (answered < 20000) {
        struct job *job, *jobs[3];
        uint32_t n;

        while (asked < 20000 && (job = job_take(port)) != NULL) {
            job->kind = JOB_STORE_DISCARD;
            job->session = asked;
            job->store_discard.rows = ++asked < 20000;
            job_submit(port, job);
        }
        CHECK(asked - answered <= 4);
        handoff_flush(port);
        n = job_answers(port, jobs, 3);
        for (uint32_t i = 0; i < n; i++) {
            CHECK(jobs[i]->session == answered && jobs[i]->status == JOB_REFUSED &&
                  jobs[i]->worker == 1);
            answered++;
            job_give(port, jobs[i]);
        }
    }
    pthread_join(thread, NULL);
    handoff_free(h);
}

/* Does every other job itself. */
static bool near(void *context, struct job *job)
{
    uint32_t *done = context;

    if (job->session % 2)
        return false;
    job->status = JOB_FULL;
    ++*done;
    return true;
}

static void near_services_answer_at_once(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = 6, .records = 1});
    struct handoff_port *port = handoff_port_of(h, 0);
    struct job *jobs[6], *asked[6];
    uint32_t done = 0;

    handoff_near(h, SERVICE_STORE, near, &done);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 6; i++) {
            jobs[i] = job_take(port);
            jobs[i]->session = i;
            /* Another service's go their way. */
            jobs[i]->kind = i == 4 ? JOB_MAILBOX_READ : JOB_STORE_COMMIT;
            CHECK(job_answered_near(port) == (i > 0));
            job_submit(port, jobs[i]);
        }
        CHECK(done == 2 * (round + 1u));
        CHECK(job_answers(port, asked, 1) == 1 && asked[0] == jobs[0]);
        CHECK(asked[0]->status == JOB_FULL && job_answered_near(port));
        job_give(port, asked[0]);
        CHECK(job_answers(port, asked, 6) == 1 && asked[0] == jobs[2]);
        CHECK(!job_answered_near(port) && job_answers(port, asked, 6) == 0);
        job_give(port, jobs[2]);
        CHECK(service_take(h, SERVICE_READ, asked, 6) == 1 && asked[0] == jobs[4]);
        job_answer(h, asked[0], JOB_OK);
        CHECK(service_take(h, SERVICE_STORE, asked, 6) == 3);
        for (int i = 0; i < 3; i++)
            job_answer(h, asked[i], JOB_OK);
        CHECK(job_answers(port, asked, 6) == 4);
        for (int i = 0; i < 4; i++)
            job_give(port, asked[i]);
    }
    CHECK(handoff_level(port).jobs == 0);
    handoff_free(h);
}

static void a_wake_before_the_wait_is_not_lost(void)
{
    struct handoff *h = handoff_new(&(struct handoff_options){.workers = 1, .jobs = 4, .records = 1});
    struct timespec before, after;

    CHECK(h != NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 100; i++) {
        service_wake(h, SERVICE_STORE);
        service_wait(h, SERVICE_STORE, 10000);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(after.tv_sec - before.tv_sec < 9);
    handoff_free(h);
}

static void records_are_bounded_and_come_back(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 2, .jobs = 1, .records = 2});
    struct handoff_port *port = handoff_port_of(h, 1);
    struct record *a = record_take(port), *b = record_take(port), *got[4];
    struct record_text text;

    CHECK(a && b && !record_take(port));
    record_give(port, a, false);
    CHECK(record_take(port) == a);
    record_reset(a, RECORD_CONNECTION);
    text = record_put(a, span_text("hello world"), 5);
    CHECK_TEXT(record_text_span(a, text), "hello");
    CHECK(a->cut && a->worker == 1);
    record_give(port, a, true);
    record_give(port, b, true);
    CHECK(record_collect(h, got, 4) == 2 && got[0] == a && got[1] == b);
    record_return(h, a);
    CHECK(record_take(port) == a && !record_take(port));
    handoff_free(h);
}

static void notices_reach_one_or_all_workers(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 2, .jobs = 1, .records = 1});
    struct notice n = {.kind = NOTICE_DRAIN, .argument = 7}, got;

    CHECK(notice_send(h, UINT16_MAX, &n) &&
          notice_send(h, 1, &(struct notice){.kind = NOTICE_DRAIN, .argument = 8}));
    CHECK(notice_take(handoff_port_of(h, 0), &got) && got.kind == NOTICE_DRAIN &&
          got.argument == 7);
    CHECK(!notice_take(handoff_port_of(h, 0), &got));
    CHECK(notice_take(handoff_port_of(h, 1), &got) && notice_take(handoff_port_of(h, 1), &got));
    CHECK(got.argument == 8);
    for (int i = 0; i < 64; i++)
        CHECK(notice_send(h, 0, &n));
    CHECK(!notice_send(h, 0, &n));
    handoff_free(h);
}

static struct directory_entry entry_of(uint64_t account, uint64_t version)
{
    static struct directory_account accounts[4];

    accounts[account] = (struct directory_account){.id = account, .address = span_text("x@y")};
    return (struct directory_entry){.kind = DIRECTORY_ADDRESS,
                                    .accounts = &accounts[account],
                                    .account_count = 1,
                                    .version = version};
}

static void directory_is_replaced_entry_by_entry(void)
{
    struct directory *d = directory_new(2);
    struct directory_entry first = entry_of(1, 1), second = entry_of(2, 1);
    const struct directory_entry *found;
    uint64_t changes;

    CHECK(directory_put(d, &first, span_text("a@x")) &&
          directory_put(d, &second, span_text("b@x")));
    CHECK(!directory_put(d, &first, span_text("c@x")));
    rcu_register_thread();
    found = directory_find(d, DIRECTORY_ADDRESS, span_text("b@x"));
    CHECK(found && found->accounts[0].id == 2);
    CHECK(!directory_find(d, DIRECTORY_DOMAIN, span_text("b@x")));
    rcu_unregister_thread();
    /* A reload: one entry as it was, one changed, none left out. */
    first.version = 2;
    second = entry_of(3, 2);
    CHECK(directory_put(d, &first, span_text("a@x")) &&
          directory_put(d, &second, span_text("b@x")));
    directory_sweep(d, 2);
    CHECK(directory_count(d) == 2);
    rcu_register_thread();
    found = directory_find(d, DIRECTORY_ADDRESS, span_text("b@x"));
    CHECK(found && found->accounts[0].id == 3);
    rcu_unregister_thread();
    first.version = 3;
    CHECK(directory_put(d, &first, span_text("a@x")));
    changes = directory_changes(d);
    directory_sweep(d, 3);
    CHECK(directory_count(d) == 1);
    CHECK(directory_changes(d) != changes);
    directory_free(d);
}

/* Puts a@x and finds it again; it is looked at until the next put. */
static const struct directory_entry *put_a(struct directory *d,
                                           const struct directory_entry *fields)
{
    const struct directory_entry *found;

    CHECK(directory_put(d, fields, span_text("a@x")));
    rcu_register_thread();
    found = directory_find(d, DIRECTORY_ADDRESS, span_text("a@x"));
    rcu_unregister_thread();
    return found;
}

static void an_entry_has_copies_of_its_accounts(void)
{
    struct directory *d = directory_new(2);
    char names[] = "one@x"
                   "two@x";
    struct directory_account accounts[2] = {
        {.id = 1, .reject_score = 5, .address = span_of(names, 5)},
        {.id = 2, .address = span_of(names + 5, 5)}};
    struct directory_entry e = {
        .kind = DIRECTORY_ADDRESS, .accounts = accounts, .account_count = 2};
    const struct directory_entry *found = put_a(d, &e);

    CHECK(put_a(d, &e) == found);
    names[0] = 'O';
    accounts[1].id = 3;
    CHECK(found->account_count == 2 && found->accounts[1].id == 2 &&
          found->accounts[0].reject_score == 5);
    CHECK_TEXT(found->accounts[0].address, "one@x");
    CHECK_TEXT(found->accounts[1].address, "two@x");
    CHECK_TEXT(found->key, "a@x");
    /* Whatever an account has makes another entry. */
    found = put_a(d, &e);
    CHECK(found->accounts[1].id == 3);
    CHECK_TEXT(found->accounts[0].address, "One@x");
    e.account_count = 1;
    CHECK(put_a(d, &e)->account_count == 1);
    e.exempt = true;
    CHECK(put_a(d, &e)->exempt);
    e.detail_separator = '-';
    CHECK(put_a(d, &e)->detail_separator == '-');
    e.case_sensitive = true;
    CHECK(put_a(d, &e)->case_sensitive);
    accounts[0].quarantine_score = 9;
    CHECK(put_a(d, &e)->accounts[0].quarantine_score == 9);
    directory_free(d);
}

static void generations_count_pins_per_worker(void)
{
    struct rule_generation *g = generation_new(2);

    generation_pin(g, 0);
    generation_pin(g, 1);
    generation_unpin(g, 0);
    CHECK(!generation_unused(g));
    generation_unpin(g, 1);
    CHECK(generation_unused(g));
    generation_free(g);
}

int main(void)
{
    check_begin();
    CHECK_CASE(chunks_come_back_warm_and_stay_bounded);
    CHECK_CASE(mail_lies_in_memory_that_core_files_leave_out);
    CHECK_CASE(memory_may_be_there_before_it_is_needed);
    CHECK_CASE(a_reserve_is_left_for_what_is_to_be_sent);
    CHECK_CASE(ring_keeps_order_between_threads);
    CHECK_CASE(jobs_are_answered_once_and_bounded);
    CHECK_CASE(near_services_answer_at_once);
    CHECK_CASE(a_wake_before_the_wait_is_not_lost);
    CHECK_CASE(records_are_bounded_and_come_back);
    CHECK_CASE(notices_reach_one_or_all_workers);
    CHECK_CASE(directory_is_replaced_entry_by_entry);
    CHECK_CASE(an_entry_has_copies_of_its_accounts);
    CHECK_CASE(generations_count_pins_per_worker);
    return check_end();
}
