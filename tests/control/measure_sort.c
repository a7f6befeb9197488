/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What SORT and THREAD cost in a large mailbox:
 *
 *     measure_sort rocksdb|memory MESSAGES
 *
 * appends messages, of which each has up to seven others before it in its thread, and prints for
 * each command how long all of it took and how long others had to wait at most, which is the
 * longest of its steps. The first of a pair reads what it compares, the second has it remembered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

enum { AT_ONCE = 1000, THREAD = 8, MESSAGE = 2048, TREE = 4096 };

static struct mail_scene m;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* Threads come interleaved, and their dates are not in the order of their arrival. */
static size_t write_message(uint64_t number, char *out)
{
    uint64_t thread = number / (AT_ONCE * THREAD) * AT_ONCE + number % AT_ONCE;
    unsigned depth = (unsigned)(number / AT_ONCE % THREAD);
    int len = snprintf(out, MESSAGE,
                       "Date: %u %s 2020 %02u:%02u:00 +0000\r\n"
                       "From: \"Person number %u\" <person.%u@example.org>\r\n"
                       "To: list-%u@example.com\r\nSubject: %s[list] What thread %llu is about\r\n"
                       "Message-ID: <%llu.%u.some-host@mail.example.org>\r\n",
                       1 + (unsigned)(number * 7 % 28), number % 2 ? "Mar" : "Feb",
                       (unsigned)(number % 24), (unsigned)(number % 60), (unsigned)(number % 997),
                       (unsigned)(number % 997), (unsigned)(number % 13), depth ? "Re: " : "",
                       (unsigned long long)thread, (unsigned long long)thread, depth);

    for (unsigned i = 0; i < depth; i++)
        len +=
            snprintf(out + len, MESSAGE - (size_t)len, "%s <%llu.%u.some-host@mail.example.org>%s",
                     i ? "\r\n" : "References:", (unsigned long long)thread, i,
                     i + 1 == depth ? "\r\n" : "");
    len += snprintf(out + len, MESSAGE - (size_t)len, "\r\nThe text of message %llu.\r\n",
                    (unsigned long long)number);
    return (size_t)len;
}

static bool append_some(uint64_t mailbox, uint64_t first)
{
    static struct store_append_row rows[AT_ONCE];
    static struct message messages[AT_ONCE];
    static uint8_t trees[AT_ONCE][TREE];
    struct store_append append = {.mailbox = mailbox, .rows = rows, .count = AT_ONCE};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};
    struct chunk *chunks[AT_ONCE];

    for (uint32_t i = 0; i < AT_ONCE; i++) {
        struct chunk *c = calloc(1, sizeof(*c) + MESSAGE);
        struct span text;

        c->len = c->cap = (uint32_t)write_message(first + i, (char *)c->data);
        text = span_of(c->data, c->len);
        messages[i] = (struct message){.id = store_fixture_id(first + i + 1),
                                       .received_ms = 1700000000000 + first + i,
                                       .size = text.len,
                                       .rest = c,
                                       .tree = mime_tree_in(text, trees[i], TREE)};
        rows[i] = (struct store_append_row){.message = &messages[i]};
        chunks[i] = c;
    }
    store_apply(m.scene.store, &change, 1);
    for (uint32_t i = 0; i < AT_ONCE; i++)
        free(chunks[i]);
    return change.status_out == STORE_OK;
}

static void measure(struct imap_session *s, const char *command)
{
    double begun = now_ms(), cpu = cpu_ms(), longest = 0, last = begun;
    unsigned steps = 1;

    mail_scene_begin_run(&m, s, command);
    while (m.last.more_out) {
        double now = now_ms();

        longest = now - last > longest ? now - last : longest;
        last = now;
        mail_scene_more(&m, s);
        steps++;
    }
    longest = now_ms() - last > longest ? now_ms() - last : longest;
    printf("%-44s %8.1f ms (%.1f of CPU) in %u steps, the longest %.2f ms, answer %zu octets\n",
           command + 2, now_ms() - begun, cpu_ms() - cpu, steps, longest, m.answer_len);
}

int main(int argc, char **argv)
{
    static const char *const commands[] = {
        "a SELECT INBOX",
        "a SEARCH RETURN (COUNT) SINCE 1-Jan-2020",
        "a SORT (ARRIVAL) UTF-8 ALL",
        "a SORT (REVERSE DATE) UTF-8 ALL",
        "a SORT (REVERSE DATE) UTF-8 ALL",
        "a SORT (SUBJECT DATE) UTF-8 ALL",
        "a SORT (SUBJECT DATE) UTF-8 ALL",
        "a SORT (DISPLAYFROM SUBJECT) UTF-8 ALL",
        "a SORT (DISPLAYFROM SUBJECT) UTF-8 ALL",
        "a THREAD REFERENCES UTF-8 ALL",
        "a THREAD REFERENCES UTF-8 ALL",
        "a THREAD REFS UTF-8 ALL",
        "a THREAD ORDEREDSUBJECT UTF-8 ALL",
    };
    uint64_t inbox = 0, messages = argc == 3 ? strtoull(argv[2], NULL, 10) / AT_ONCE * AT_ONCE : 0;
    struct imap_session *s;

    if (messages == 0)
        return 2;
    store_fixture_choose(2, argv);
    mail_scene_begin(&m);
    m.room = 64 * 1024;
    store_mailbox_find(m.scene.store, m.account, span_text(STORE_INBOX), &inbox);
    for (uint64_t first = 0; first < messages; first += AT_ONCE)
        if (!append_some(inbox, first))
            return 1;
    s = mail_scene_open(&m);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        measure(s, commands[i]);
    mail_scene_close(&m, s);
    mail_scene_end(&m);
    return 0;
}
