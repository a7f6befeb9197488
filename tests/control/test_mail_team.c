/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/mail/mail_team.h"
#include "control/store/store_mailbox.h"
#include "dataplane/handoff/chunk.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/*
 * Several threads execute commands: sessions of many accounts at once, two of each, while mail is
 * delivered to them; in the end every session has been told of what there is.
 */
enum { ACCOUNTS = 8, SESSIONS = 2 * ACCOUNTS, LANES = 4, COMMANDS = 60, DELIVERIES = 25, OUT = 4096 };

struct client {
    struct imap_session *mail;
    struct job *job; /* that is out */
    struct chunk *out;
    uint64_t account;
    uint32_t place, done;
    uint32_t exists; /* as it was told last */
    bool opened, closed;
    char command[64];
};

static struct store_scene scene;
static struct handoff *handoff;
static struct handoff_port *port;
static struct mail_team *team;
static uint64_t accounts[ACCOUNTS];
static struct client clients[SESSIONS];

static void begin(uint32_t lanes)
{
    store_scene_begin(&scene, "team");
    handoff = handoff_new(
        &(struct handoff_options){.workers = 1, .jobs = 64, .records = 4, .imap_lanes = lanes});
    port = handoff_port_of(handoff, 0);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "user%u@example.org", i);
        accounts[i] = store_fixture_account(scene.store, name, 0);
        CHECK(store_scene_send(&scene, 100000 + i, 100, accounts[i], MESSAGE_INBOX, 0) ==
              STORE_OK);
    }
    team = mail_team_start(&(struct mail_team_options){.handoff = handoff, .store = scene.store});
    CHECK(team != NULL);
}

static void end(void)
{
    mail_team_stop(team);
    handoff_free(handoff);
    store_scene_end(&scene);
}

static void submit(struct client *c, enum job_kind kind)
{
    struct job *job = job_take(port);

    job->kind = (uint8_t)kind;
    job->session = c->place;
    job->imap = (struct job_imap){.session = c->mail, .account = c->account, .out = c->out};
    c->out->len = 0;
    if (kind == JOB_IMAP_COMMAND)
        job->imap.command = span_text(c->command);
    c->job = job;
    job_submit(port, job);
}

/* What a client says next: first it selects, in the end it asks once more. */
static void next_command(struct client *c)
{
    static const char *const said[] = {
        "a STORE 1:* +FLAGS (\\Flagged)", "a FETCH 1:* (FLAGS UID)", "a NOOP",
        "a UID SEARCH UNSEEN",            "a STORE 1:* -FLAGS.SILENT (\\Flagged key)",
        "a COPY 1 INBOX",                 "a STATUS INBOX (MESSAGES UNSEEN)",
        "a SELECT INBOX",                 "a FETCH 1:* (BODY[]<0.10>)",
    };
    uint32_t at = c->done * 7 + c->place * 3;

    snprintf(c->command, sizeof(c->command), "%s",
             c->done == 0 ? "a SELECT INBOX" : said[at % (sizeof(said) / sizeof(said[0]))]);
    c->done++;
    submit(c, JOB_IMAP_COMMAND);
}

static void read_exists(struct client *c)
{
    struct span text = span_of(c->out->data, c->out->len);
    static const char sign[] = " EXISTS\r\n";

    for (size_t i = 0; i + sizeof(sign) - 1 <= text.len; i++)
        if (memcmp(text.data + i, sign, sizeof(sign) - 1) == 0) {
            size_t from = i;

            while (from > 0 && text.data[from - 1] >= '0' && text.data[from - 1] <= '9')
                from--;
            c->exists = (uint32_t)strtoul((const char *)text.data + from, NULL, 10);
        }
}

/* An answer came. False: the client asks for nothing more. */
static bool take(struct client *c, uint32_t commands)
{
    struct job_imap said = c->job->imap;
    bool ok = c->job->status == JOB_OK;

    CHECK(ok);
    job_give(port, c->job);
    c->job = NULL;
    if (c->closed || !ok)
        return false;
    if (!c->opened) {
        c->mail = said.session;
        c->opened = true;
    } else {
        read_exists(c);
        if (said.pin_out)
            store_unpin(scene.store, &said.pin_out, 1);
        if (said.more_out) {
            submit(c, JOB_IMAP_MORE);
            return true;
        }
        CHECK(!said.bad_out);
    }
    if (c->done >= commands)
        return false;
    next_command(c);
    return true;
}

/* Until all clients have their last answer. */
static void serve(uint32_t left, uint32_t commands)
{
    while (left > 0) {
        struct job *back[8];
        uint32_t n;

        handoff_flush(port);
        n = job_answers(port, back, 8);
        for (uint32_t i = 0; i < n; i++)
            left -= !take(&clients[back[i]->session], commands);
        if (n == 0)
            sched_yield();
    }
}

static void *deliver(void *nothing)
{
    (void)nothing;
    for (uint32_t i = 1; i <= DELIVERIES * ACCOUNTS; i++)
        CHECK(store_scene_send(&scene, i, 100, accounts[i % ACCOUNTS], MESSAGE_INBOX, 0) ==
              STORE_OK);
    return NULL;
}

static bool take_messages(void *context, const struct store_mailbox *mailbox)
{
    *(uint64_t *)context = mailbox->messages;
    return true;
}

static uint64_t there(uint64_t account)
{
    uint64_t inbox = 0, messages = 0;

    CHECK(store_mailbox_find(scene.store, account, span_text(STORE_INBOX), &inbox) == STORE_OK &&
          store_mailbox_show(scene.store, inbox, take_messages, &messages) == STORE_OK);
    return messages;
}

static void many_accounts_at_once(void)
{
    pthread_t deliverer;

    begin(LANES);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        clients[i] = (struct client){.place = i,
                                     .account = accounts[i / 2],
                                     .out = calloc(1, sizeof(struct chunk) + OUT)};
        clients[i].out->cap = OUT;
        submit(&clients[i], JOB_IMAP_OPEN);
    }
    pthread_create(&deliverer, NULL, deliver, NULL);
    serve(SESSIONS, COMMANDS);
    pthread_join(deliverer, NULL);
    /* All is quiet: who asks now is told of everything. */
    for (uint32_t i = 0; i < SESSIONS; i++) {
        snprintf(clients[i].command, sizeof(clients[i].command), "a NOOP");
        submit(&clients[i], JOB_IMAP_COMMAND);
    }
    serve(SESSIONS, 0);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        CHECK(clients[i].exists == there(clients[i].account) && clients[i].exists >= DELIVERIES);
        clients[i].closed = true;
        submit(&clients[i], JOB_IMAP_CLOSE);
    }
    serve(SESSIONS, 0);
    for (uint32_t i = 0; i < SESSIONS; i++)
        free(clients[i].out);
    end();
}

/* An account's jobs go to one lane, accounts to all of them. */
static void accounts_are_spread(void)
{
    uint32_t seen[IMAP_LANES] = {0};

    handoff = handoff_new(
        &(struct handoff_options){.workers = 1, .jobs = 4, .records = 4, .imap_lanes = LANES});
    CHECK(handoff_imap_lanes(handoff) == LANES);
    for (uint64_t id = 3; id < 8000; id += 8) {
        enum service lane = handoff_imap_lane(handoff, id);

        CHECK(lane == handoff_imap_lane(handoff, id));
        if (CHECK(lane >= SERVICE_IMAP && lane < SERVICE_IMAP + LANES))
            seen[lane - SERVICE_IMAP]++;
    }
    for (uint32_t i = 0; i < LANES; i++)
        CHECK(seen[i] > 150);
    handoff_free(handoff);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(accounts_are_spread);
    CHECK_CASE(many_accounts_at_once);
    return check_end();
}
