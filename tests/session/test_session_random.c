/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Clients that do anything at any time, a control that is slow, late or failing at any time, and
 * pools that are small: whatever happened, at the end all was given back and each message and
 * connection has left its one record. The seed is printed; a number as the first argument starts
 * there, a second one says how many seeds are tried.
 */

enum { STEPS = 1500, CLIENTS = WORLD_CLIENTS, BIG = 200000 };

static uint64_t state;

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

#define ALICE "RCPT TO:<alice@example.test>\r\n"
#define MAIL "MAIL FROM:<a@b.test>\r\n"

/* What a client says, whole or up to where it loses heart. '%' stands for a large body. */
static const char *const smtp[] = {
    "EHLO a.test\r\n" MAIL ALICE "DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n",
    "EHLO b.test\r\n" MAIL ALICE
    "RCPT TO:<Alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n%\r\n"
    ".\r\nQUIT\r\n",
    MAIL ALICE "DATA\r\n%\r\n.\r\n" MAIL ALICE "DATA\r\n%\r\n.\r\n",
    MAIL "RSET\r\nNOOP\r\n" MAIL "EHLO c.test\r\n",
    MAIL ALICE "DATA\r\nbare\nline\r\n.\r\n",
    MAIL ALICE "DATA\r\n%%%\r\n.\r\n",
    "HELO d.test\r\nRCPT TO:<x@y>\r\n" MAIL
    "RCPT TO:<nobody@example.test>\r\nRCPT TO:<@>\r\nDATA\r\n",
    "VRFY x\r\nHELP\r\nWHAT\r\n\r\nMAIL FROM:<>\r\nMAIL\r\n",
    MAIL ALICE "DATA\r\n.\r\nQUIT\r\n",
    MAIL ALICE "BDAT 14\r\nSubject: x\r\n\r\nBDAT 6 LAST\r\nbody\r\n" MAIL ALICE
               "BDAT 150000\r\n%%BDAT 0 LAST\r\n",
    MAIL ALICE "BDAT 50000\r\n%BDAT 2\r\n\r\nRSET\r\n" MAIL ALICE
               "BDAT 0\r\nBDAT 3 LAST\r\na\r\nQUIT\r\n",
    MAIL "BDAT 4 LAST\r\na\nbc" MAIL ALICE "BDAT 16777217\r\n%%%",
    "\0\r\n",
};

static const char *const pop3[] = {
    "USER alice@example.test\r\nPASS secret\r\nSTAT\r\nLIST\r\nRETR 1\r\nRETR 2\r\nRETR 3\r\nDELE "
    "1\r\nQUIT\r\n",
    "USER alice@example.test\r\nPASS secret\r\nRETR 1\r\nRETR 1\r\nRETR 1\r\nRETR 2\r\n",
    "USER alice@example.test\r\nPASS wrong\r\nUSER x\r\nPASS y\r\n",
    "CAPA\r\nNOOP\r\nUIDL\r\n",
    "USER alice@example.test\r\nPASS secret\r\nDELE 1\r\nDELE 2\r\nRSET\r\nDELE 2\r\nQUIT\r\n",
    "USER alice@example.test\r\nPASS secret\r\nUIDL\r\nLIST\r\nUIDL\r\nLIST\r\nRETR 2\r\nTOP 1 "
    "1\r\nTOP 2 0\r\nTOP 2 3000\r\n",
    "UTF8\r\nLANG\r\nUSER alice@example.test\r\nPASS secret\r\nTOP 1 100\r\nLANG en\r\nRETR 1\r\n"
    "QUIT\r\n",
};

struct speaker {
    const char *at; /* in the script */
    uint32_t left;  /* of a large body */
    bool mail;
};

static uint8_t big[BIG];
static struct speaker speakers[CLIENTS];

static void open_one(struct world *w, uint32_t i)
{
    bool mail = below(2);

    w->others[i] = world_open(w, mail ? 25 : 110);
    speakers[i] = (struct speaker){.mail = mail};
}

static struct span next_words(struct speaker *k)
{
    if (k->left == 0 && (!k->at || !*k->at))
        k->at = k->mail ? smtp[below(sizeof(smtp) / sizeof(smtp[0]))]
                        : pop3[below(sizeof(pop3) / sizeof(pop3[0]))];
    if (k->left == 0 && *k->at == '%') {
        k->left = 1 + below(BIG - 1);
        k->at++;
    }
    if (k->left)
        return span_of(big + BIG - k->left, k->left);
    return span_of(k->at, strcspn(k->at, "%"));
}

static void speak(struct world *w, uint32_t i)
{
    struct speaker *k = &speakers[i];
    struct tcp_conn *conn = w->others[i];
    struct span words = next_words(k);
    size_t n = below(4) ? words.len : below((uint32_t)words.len + 1);

    if (n > tcp_send_room(conn))
        n = tcp_send_room(conn);
    if (n == 0 || !sendq_copy(tcp_sendq(conn), w->client_pool, span_head(words, n)))
        return;
    tcp_send(w->client, conn);
    if (k->left)
        k->left -= (uint32_t)n;
    else
        k->at += n;
}

static void leave(struct world *w, uint32_t i, bool reset)
{
    struct tcp_conn *conn = w->others[i];

    if (!reset) {
        tcp_shutdown(w->client, conn);
        return;
    }
    w->others[i] = NULL;
    tcp_abort(w->client, conn);
    tcp_forget(w->client, conn);
}

static enum job_status mood(void)
{
    static const enum job_status moods[] = {JOB_FAILED, JOB_FULL, JOB_DISK_FULL, JOB_REFUSED,
                                            JOB_CANCELLED};

    return below(4) ? JOB_OK : moods[below(5)];
}

static void control_changes(struct world *w)
{
    w->hold = below(4) == 0;
    w->late = below(3) == 0;
    w->deaf = below(6) == 0;
    w->write_status = mood();
    w->commit_status = mood();
    w->open_status = mood();
    w->read_status = mood();
    w->login_delay_ms = below(2) ? 0 : below(20000);
    w->login_why = (uint8_t)below(3);
}

static void step(struct world *w)
{
    uint32_t i = below(CLIENTS), what = below(100);

    if (!w->others[i]) {
        if (what < 40)
            open_one(w, i);
    } else if (what < 70) {
        speak(w, i);
    } else if (what < 74) {
        leave(w, i, what % 2);
    }
    if (what >= 96)
        control_changes(w);
    if (what == 95)
        world_publish(w);
    if (what == 94)
        w->now += 1000ull * below(below(20) ? 2000 : 700000);
    for (uint32_t n = below(4); n; n--)
        world_turn(w);
}

static void settle(struct world *w)
{
    w->hold = w->late = w->deaf = false;
    w->write_status = w->commit_status = w->open_status = w->read_status = JOB_OK;
    for (uint32_t i = 0; i < CLIENTS; i++)
        if (w->others[i])
            leave(w, i, below(2));
    world_wait(w, 30000);
    for (uint32_t i = 0; i < CLIENTS; i++)
        if (w->others[i])
            leave(w, i, true);
    world_wait(w, 5000);
}

static bool check_seed(uint64_t seed)
{
    struct world *w;
    const struct counters *c;
    bool ok;

    state = seed * 0x9e3779b97f4a7c15ull | 1;
    w = world_new_with(NULL, (uint32_t[]){20 + below(60), 16 + below(30), 6 + below(20)},
                       2 + below(4), 2 + below(4));
    c = handoff_counters(handoff_port_of(w->handoff, 0));
    w->settings.errors_max = 100;
    world_publish(w);
    for (uint32_t i = 0; i < CLIENTS; i++)
        w->others[i] = NULL;
    for (uint32_t i = 0; i < STEPS; i++)
        step(w);
    settle(w);
    ok = CHECK(sessions_count(w->sessions) == 0);
    ok &= CHECK(w->message_records == c->messages_begun);
    ok &= CHECK(w->connection_records + c->records_dropped == c->sessions_accepted);
    ok &= CHECK(c->messages_accepted + c->messages_rejected + c->messages_deferred +
                    c->messages_abandoned ==
                c->messages_begun);
    ok &= CHECK(w->commits == c->messages_accepted + c->messages_unanswered);
    ok &= CHECK(w->row_count == 0);
    ok &= CHECK(world_free(w));
    if (!ok)
        printf("# seed %llu\n", (unsigned long long)seed);
    return ok;
}

static uint64_t first = 1, count = 40;

static void whatever_happens_all_is_given_back(void)
{
    for (size_t i = 0; i < BIG; i++)
        big[i] = i % 40 == 38 ? '\r' : i % 40 == 39 ? '\n' : i % 80 == 0 ? 'x' : 'y';
    printf("# seeds %llu to %llu\n", (unsigned long long)first,
           (unsigned long long)(first + count - 1));
    for (uint64_t i = 0; i < count; i++)
        check_seed(first + i);
}

int main(int argc, char **argv)
{
    first = argc > 1 ? strtoull(argv[1], NULL, 10) : first;
    count = argc > 2 ? strtoull(argv[2], NULL, 10) : count;
    check_begin();
    CHECK_CASE(whatever_happens_all_is_given_back);
    return check_end();
}
