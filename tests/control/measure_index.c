/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the search index costs and saves: measure_index MESSAGES. Mail of words whose frequencies
 * fall as those of a language do, 0.8 to 6 KB; one account, one mailbox.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "control/base/clock.h"
#include "proto/base/chance.h"
#include "proto/base/writer.h"
#include "tests/control/mail_scene.h"
#include "tests/proto/mime_tree_of.h"
#include "dataplane/handoff/chunk.h"

enum { WORDS = 60000, WORD = 24, MAIL = 8192, BATCH = 500 };

static char words[WORDS][WORD];
static double edges[WORDS];
static struct chance chance = {1};
static struct mail_scene m;

static void make_words(void)
{
    static const char *const heads[] = {"b", "c", "d", "f", "g", "h", "k",  "l",  "m",  "n",
                                        "p", "r", "s", "t", "v", "w", "st", "tr", "ch", "pl"};
    static const char *const tails[] = {"a", "e", "i", "o", "u", "ai", "ou", "ea", "er", "an", "in", "on"};
    double sum = 0;

    for (uint32_t i = 0; i < WORDS; i++) {
        struct writer w = writer_of(words[i], WORD - 1);

        for (uint32_t j = 0, n = 1 + i / 400 % 3 + chance_below(&chance, 2); j < n; j++) {
            writer_text(&w, heads[chance_below(&chance, 20)]);
            writer_text(&w, tails[chance_below(&chance, 12)]);
        }
        sum += 1.0 / (i + 1);
        edges[i] = sum;
    }
}

static const char *word(void)
{
    double at = (double)(chance_next(&chance) >> 11) / 9007199254740992.0 * edges[WORDS - 1];
    uint32_t low = 0, high = WORDS - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (edges[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return words[low];
}

static struct span mail(uint8_t *memory, uint64_t number)
{
    static const uint32_t sizes[] = {800, 2000, 4000, 6000};
    struct writer w = writer_of(memory, MAIL);
    uint32_t size = sizes[chance_below(&chance, 4)], column = 0;

    writer_printf(&w,
                  "From: %s <%s@example.org>\r\nTo: alice@example.org\r\nSubject: %s %s %s\r\n"
                  "Message-ID: <%llu@example.org>\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\n",
                  word(), word(), word(), word(), word(), (unsigned long long)number);
    while (w.len < size) {
        const char *text = word();

        column += (uint32_t)strlen(text) + 1;
        writer_printf(&w, "%s%s", text, column > 70 ? "\r\n" : " ");
        column = column > 70 ? 0 : column;
    }
    return writer_span(&w);
}

static uint64_t put_all(uint64_t mailbox, uint64_t count)
{
    static uint8_t memory[MAIL];
    struct message *messages = calloc(BATCH, sizeof(*messages));
    uint64_t octets = 0;

    for (uint64_t done = 0; done < count; done += BATCH) {
        struct store_append_row rows[BATCH] = {{0}};
        struct store_append append = {.mailbox = mailbox, .rows = rows, .count = BATCH};
        struct store_change change = {.kind = STORE_APPEND, .append = &append};

        for (uint32_t i = 0; i < BATCH; i++) {
            struct span text = mail(memory, done + i);
            struct chunk *c = calloc(1, sizeof(*c) + text.len);

            c->cap = c->len = (uint32_t)text.len;
            memcpy(c->data, text.data, text.len);
            /* The part tree plays no part here: one for all, of no fields. */
            messages[i] = (struct message){.id = store_fixture_id(done + i + 1),
                                           .received_ms = 1,
                                           .size = text.len,
                                           .rest = c,
                                           .tree = mime_tree_of(span_text("A: b\r\n\r\n"))};
            rows[i].message = &messages[i];
            octets += text.len;
        }
        store_apply(m.scene.store, &change, 1);
        if (change.status_out != STORE_OK)
            printf("not stored: %d\n", change.status_out);
        for (uint32_t i = 0; i < BATCH; i++)
            free((void *)(uintptr_t)messages[i].rest);
    }
    free(messages);
    return octets;
}

static void search(struct imap_session *s, const char *what, const char *how)
{
    uint64_t begin = clock_monotonic_ns();
    uint32_t found = 0;

    mail_scene_run(&m, s, what);
    begin = clock_monotonic_ns() - begin;
    for (const char *at = strstr(m.answer, "SEARCH"); at && *at && *at != '\r'; at++)
        found += *at == ' ';
    printf("%-8s %-32s %8u found %10.1f ms\n", how, what + 2, found, (double)begin / 1e6);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000, begin, octets;
    char commands[6][64];
    struct imap_session *s;
    struct mail_index_status status;
    struct rusage used;

    make_words();
    mail_scene_begin_indexed(&m);
    m.room = 60000;
    begin = clock_monotonic_ns();
    octets = put_all(store_fixture_mailbox(m.scene.store, m.account, MESSAGE_INBOX, NULL), count);
    do {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        status = mail_index_status(m.index);
    } while (!status.caught_up || status.indexed < count);
    begin = clock_monotonic_ns() - begin;
    getrusage(RUSAGE_SELF, &used);
    printf("%llu messages, %.1f MB; stored and indexed in %.1f s (%.1f s of processor), index %.1f "
           "MB: %.2f of the text\n",
           (unsigned long long)count, (double)octets / 1e6, (double)begin / 1e9,
           (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec,
           (double)status.bytes / 1e6, (double)status.bytes / (double)octets);
    snprintf(commands[0], 64, "t SEARCH TEXT \"%s\"", words[50000]);
    snprintf(commands[1], 64, "t SEARCH TEXT \"%s\"", words[9000]);
    snprintf(commands[2], 64, "t SEARCH SUBJECT \"%s\"", words[9001]);
    snprintf(commands[3], 64, "t SEARCH TEXT \"%s\"", words[800]);
    snprintf(commands[4], 64, "t SEARCH BODY \"zzqqxx\"");
    snprintf(commands[5], 64, "t SEARCH SUBJECT \"qq\"");
    s = mail_scene_open(&m);
    mail_scene_run(&m, s, "t SELECT INBOX");
    for (int i = 0; i < 6; i++)
        search(s, commands[i], "indexed");
    mail_index_halt(m.index);
    for (int i = 0; i < 6; i++)
        search(s, commands[i], "read");
    mail_scene_close(&m, s);
    mail_scene_end(&m);
    return 0;
}
