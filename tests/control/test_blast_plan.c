/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/blast/blast_guard.h"
#include "control/blast/blast_plan.h"
#include "control/blast/blast_plot.h"
#include "control/blast/blast_progress.h"
#include "control/blast/blast_text.h"
#include "control/blast/blast_users.h"
#include "proto/base/siphash.h"
#include "tests/harness/check.h"

/* What words become: targets, recipients, messages. */

static void targets_are_guarded(void)
{
    static const struct {
        const char *address, *kind;
    } rows[] = {
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"126.255.255.255", NULL},
        {"128.0.0.0", NULL},
        {"::1", "loopback"},
        {"::2", NULL},
        {"10.1.2.3", "private"},
        {"11.0.0.0", NULL},
        {"172.15.255.255", NULL},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", NULL},
        {"192.168.0.1", "private"},
        {"192.169.0.1", NULL},
        {"169.254.1.1", "link-local"},
        {"fe80::1", "link-local"},
        {"fd00::1", "private"},
        {"fe00::1", NULL},
        {"198.17.255.255", NULL},
        {"198.18.0.0", "benchmark"},
        {"198.19.255.255", "benchmark"},
        {"198.20.0.0", NULL},
        {"2001:2::1", "benchmark"},
        {"2001:2:1::1", NULL},
        {"192.0.2.1", "documentation"},
        {"198.51.100.9", "documentation"},
        {"203.0.113.9", "documentation"},
        {"2001:db8::1", "documentation"},
        {"3fff:fff::1", "documentation"},
        {"3fff:1000::1", NULL},
        {"8.8.8.8", NULL},
        {"2606::1", NULL},
        {"0.0.0.0", NULL},
        {"255.255.255.255", NULL},
        {"224.0.0.1", NULL},
        {"ff02::1", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_address a;
        const char *kind;

        CHECK(ip_address_parse(span_text(rows[i].address), &a));
        kind = blast_guard(&a);
        if (!CHECK(rows[i].kind ? kind && strcmp(kind, rows[i].kind) == 0 : !kind))
            printf("# %s\n", rows[i].address);
    }
}

static void recipients_come_in_ranges(void)
{
    const char *const words[] = {"a@b", "u{9-11}@c"}, *const bad[] = {"u{2-1}@c"},
                      *const marked[] = {"a@b", "!u{1-2}@c"}, *const blank[] = {"a b@c"},
                      *const many[] = {"{1-1000000}@c", "x@y"};
    bool *rejected;
    uint32_t count;
    struct span *users = blast_users_make(words, 2, 2, &count);

    if (!CHECK(users && count == 4))
        return;
    CHECK_TEXT(users[0], "a@b");
    CHECK_TEXT(users[1], "u9@c");
    CHECK_TEXT(users[3], "u11@c");
    CHECK_TEXT(users[4], "a@b");
    CHECK_TEXT(users[5], "u9@c");
    blast_users_free(users, count);
    CHECK(blast_users_rejected(words, 2, 2, &rejected) && !rejected);
    CHECK(blast_users_rejected(marked, 2, 2, &rejected) && rejected);
    CHECK(!rejected[0] && rejected[1] && rejected[2] && !rejected[3] && rejected[4]);
    free(rejected);
    users = blast_users_make(marked, 2, 2, &count);
    CHECK(users && count == 3);
    CHECK_TEXT(users[1], "u1@c");
    blast_users_free(users, count);
    CHECK(!blast_users_make(bad, 1, 1, &count));
    CHECK(!blast_users_make(blank, 1, 1, &count));
    CHECK(!blast_users_make(many, 2, 1, &count));
}

static struct blast_messages *make(const char *size, uint32_t attachments, uint64_t seed)
{
    struct blast_messages_options o = {
        .attachments = attachments, .count = 200, .seed = seed, .from = "a@b", .to = "c@d"};
    char text[256];
    struct writer why = writer_of(text, sizeof(text));

    CHECK(blast_messages_size(size, &o));
    return blast_messages_make(&o, &why);
}

/* Lines end in CRLF, none is longer than 998 octets, and what travels is what is meant. */
static void check_text(const struct blast_text *t)
{
    static const uint8_t key[16];
    size_t line = 0, at = 0;

    for (size_t i = 0; i < t->raw.len; i++) {
        uint8_t c = t->raw.data[i];

        if (line == 0 && c == '.')
            CHECK(t->wire.data[at++] == '.');
        if (!CHECK(t->wire.data[at++] == c && c && (c != '\n' || t->raw.data[i - 1] == '\r')))
            return;
        line = c == '\n' ? 0 : line + 1;
        CHECK(line < 999 && (c != '\r' || t->raw.data[i + 1] == '\n'));
    }
    CHECK(line == 0);
    CHECK_TEXT(span_skip(t->wire, at), ".\r\n");
    CHECK(siphash(key, t->raw) == t->sum);
}

static void messages_are_as_they_travel(void)
{
    static const char *const sizes[] = {"256", "300", "4k", "4099", "lognormal:3k:1", "mix"};

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct blast_messages *m = make(sizes[s], 30, 1);

        if (!CHECK(m && m->count == 200))
            return;
        for (uint32_t i = 0; i < m->count; i++)
            check_text(&m->texts[i]);
        blast_messages_free(m);
    }
}

static void sizes_are_as_said(void)
{
    struct blast_messages *m = make("4k", 0, 1), *again = make("4k", 0, 1),
                          *other = make("4k", 0, 2);
    uint32_t below = 0, same = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        CHECK(m->texts[i].raw.len == 4096);
        CHECK(span_equal(m->texts[i].raw, again->texts[i].raw));
        same += span_equal(m->texts[i].raw, other->texts[i].raw);
    }
    CHECK(same == 0);
    blast_messages_free(m);
    blast_messages_free(again);
    blast_messages_free(other);
    m = make("lognormal:20k:0.5", 0, 1);
    for (uint32_t i = 0; i < m->count; i++)
        below += m->texts[i].raw.len < 20480;
    CHECK(below > 70 && below < 130);
    blast_messages_free(m);
    m = make("100k", 100, 1);
    for (uint32_t i = 0; i < m->count; i++)
        CHECK(m->texts[i].raw.len > 102400 - 100 && m->texts[i].raw.len <= 102400);
    blast_messages_free(m);
}

/* All lines as they travel, no more bytes than were asked for, and the same again from the seed. */
static void shapes_and_languages_are_made(void)
{
    static const uint64_t sizes[] = {4096, 20000, 150000};

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct blast_messages_options o = {.bytes = sizes[s],
                                           .shapes = true,
                                           .languages = true,
                                           .spam = 20,
                                           .count = 200,
                                           .seed = s,
                                           .from = "a@b",
                                           .to = "c@d"};
        char text[256];
        struct writer why = writer_of(text, sizeof(text));
        struct blast_messages *m = blast_messages_make(&o, &why),
                              *again = blast_messages_make(&o, &why);

        if (!CHECK(m && again && m->count == 200))
            return;
        for (uint32_t i = 0; i < m->count; i++) {
            check_text(&m->texts[i]);
            CHECK(m->texts[i].raw.len <= (sizes[s] < 5000 ? 6000 : sizes[s]));
            CHECK(m->texts[i].raw.len > sizes[s] * 3 / 4);
            CHECK(span_equal(m->texts[i].raw, again->texts[i].raw));
        }
        blast_messages_free(m);
        blast_messages_free(again);
    }
}

static void sizes_that_are_none(void)
{
    static const char *const bad[] = {"",      "4x",
                                      "255",   "65M",
                                      "4kk",   "lognormal:4k",
                                      "-1",    "mixed",
                                      "4 k",   "k",
                                      "1e6",   "lognormal:4k:5",
                                      "0x100", "lognormal:4k:x"};
    struct blast_messages_options o = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!CHECK(!blast_messages_size(bad[i], &o)))
            printf("# %s\n", bad[i]);
}

static void files_are_taken_as_messages(void)
{
    char path[] = "/tmp/wirepost-blast-XXXXXX", text[256];
    const char *const paths[] = {path};
    static const char bytes[] =
        "A: b\nMessage-Id: <x@y>\n\tfolded\nC: d\r\n\n.dot\nMessage-ID: body\nend\r";
    static const char mbox[] = "From a@b Thu Jan  1 00:00:00 2026\nA: b\n\n>From me\n\n"
                               "From a@b Thu Jan  1 00:00:00 2026\nC: d\n\nbody\n";
    struct writer why = writer_of(text, sizeof(text));
    struct blast_messages *m;
    int fd = mkstemp(path);

    CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes)); /* with its NUL */
    close(fd);
    m = blast_messages_read(paths, 1, &why);
    if (CHECK(m && m->count == 1)) {
        CHECK_TEXT(m->texts[0].raw, "A: b\r\nC: d\r\n\r\n.dot\r\nMessage-ID: body\r\nend\r\n");
        check_text(&m->texts[0]);
    }
    blast_messages_free(m);
    fd = open(path, O_WRONLY | O_TRUNC);
    CHECK(write(fd, mbox, sizeof(mbox) - 1) == sizeof(mbox) - 1);
    close(fd);
    m = blast_messages_read(paths, 1, &why);
    if (CHECK(m && m->count == 2)) {
        CHECK_TEXT(m->texts[0].raw, "A: b\r\n\r\nFrom me\r\n");
        CHECK_TEXT(m->texts[1].raw, "C: d\r\n\r\nbody\r\n");
    }
    blast_messages_free(m);
    unlink(path);
    CHECK(!blast_messages_read(paths, 1, &why) && why.len);
}

static struct blast_plan plan;

static bool planned(const char *line)
{
    static char words[512];
    char *argv[32];
    int argc = 0;

    snprintf(words, sizeof(words), "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return blast_plan_blast(&plan, argc, argv);
}

#define PORT "--dev e --to 198.18.0.1:25 --address 198.18.0.2/15"
#define IMAP PORT " --work imap --password-file /etc/passwd"

static void words_become_an_order(void)
{
    CHECK(planned(PORT));
    CHECK(plan.order.sessions == 10 && plan.order.duration_us == 10000000 && plan.order.pipelining);
    CHECK(plan.order.reuse == 1 && plan.order.user_count == 1 && plan.order.text_count == 64);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --messages=50 --limit-seconds 7 --rate 100 --bdat --texts 3"));
    CHECK(plan.order.messages == 50 && plan.order.duration_us == 7000000);
    CHECK(plan.order.sessions == 10000 && plan.order.rate == 100 && plan.order.chunking);
    blast_plan_fini(&plan);
    CHECK(planned(
        "--dev e --to [2001:2::1]:25 --address 2001:2::10-2001:2::1f/64 --gateway 2001:2::1"));
    CHECK(plan.order.address_count == 16 && plan.order.addresses[15].address.bytes[15] == 0x1f);
    CHECK(plan.order.addresses[15].has_gateway && plan.order.pop3_port == 110);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --steps 1000:10,2000.5:2.5,1:1"));
    CHECK(plan.order.step_count == 3 && plan.order.steps[1].rate == 2000.5);
    CHECK(plan.order.steps[1].us == 2500000 && plan.order.duration_us == 13500000);
    CHECK(plan.order.sessions == 10000 && plan.order.rate == 0);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --burst 500:0.5 --seconds 20"));
    CHECK(plan.order.burst == 500 && plan.order.burst_us == 500000);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --tls implicit --tls-resume 40 --tls-suites "
                       "TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256 --workers 2"));
    CHECK(plan.order.tls == BLAST_TLS_IMPLICIT && plan.order.tls_resume == 40);
    CHECK(plan.order.pop3_port == 995 && plan.secure);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --tls starttls --tls-version 1.2 --tls-name mx.example.test"));
    CHECK(plan.order.tls == BLAST_TLS_STARTTLS && plan.order.pop3_port == 110);
    blast_plan_fini(&plan);
    CHECK(planned(PORT));
    CHECK(plan.order.tls == BLAST_TLS_OFF && !plan.secure);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --work pop3 --hold 60 --sessions 1000000"));
    CHECK(plan.order.hold_us == 60000000 && plan.order.sessions == 1000000);
    CHECK(plan.order.duration_us == 3600000000);
    blast_plan_fini(&plan);
    CHECK(planned(IMAP " --verify --mix read=3,idle=1 --fetch 7 --logins 5"));
    CHECK(plan.order.work == BLAST_WORK_IMAP && plan.order.weights[BLAST_IMAP_read] == 3);
    CHECK(plan.order.weights[BLAST_IMAP_idle] == 1 && plan.order.weights[BLAST_IMAP_store] == 0);
    CHECK(plan.order.fetch == 7 && plan.order.retrieve == 20 && plan.order.commands == 20);
    CHECK(plan.order.verify && plan.order.compare && plan.order.logins == 5);
    blast_plan_fini(&plan);
    CHECK(planned(IMAP " --sessions 10 --watchers 4 --retrieve 3"));
    CHECK(plan.order.watchers == 4 && plan.order.retrieve == 3 && !plan.order.verify);
    CHECK(plan.order.weights[BLAST_IMAP_envelope] > plan.order.weights[BLAST_IMAP_append]);
    blast_plan_fini(&plan);
    CHECK(planned(PORT
                  " --slow-senders 1 --slow-readers 2 --broken 97 --slow-bytes 50 --syn-flood 7 "
                  "--syn-flood-from 198.19.0.0/16"));
    CHECK(plan.order.slow_senders == 1 && plan.order.slow_readers == 2 && plan.order.broken == 97);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --loss 0.1 --delay 20.5:5"));
    CHECK(plan.order.loss > 0.00099 && plan.order.loss < 0.00101);
    CHECK(plan.order.delay_us == 20500 && plan.order.jitter_us == 5000);
    blast_plan_fini(&plan);
    CHECK(planned(PORT " --slow-bytes 50 --syn-flood 7 --syn-flood-from 198.19.0.0/16"));
    CHECK(plan.order.slow_bytes == 50 && plan.order.flood_rate == 7);
    CHECK(plan.order.flood_from.prefix == 16);
    blast_plan_fini(&plan);
    CHECK(planned("--help") && plan.words.help);
    blast_plan_fini(&plan);
}

static const char *written(const char *yaml)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "/tmp/wirepost-blast-XXXXXX");
    fd = mkstemp(path);
    CHECK(write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
    close(fd);
    return path;
}

static bool planned_with(const char *yaml, const char *more)
{
    const char *path = written(yaml);
    char line[512];
    bool ok;

    snprintf(line, sizeof(line), "%s -c %s", more, path);
    ok = planned(line);
    unlink(path);
    return ok;
}

/* A file says what the command line says, which wins. */
static void options_come_from_a_file(void)
{
    static const char file[] =
        "dev: e\nto: 198.18.0.1:25\naddress: [198.18.0.2/15, 198.18.0.3/15]\n"
        "rcpt: a@b\nrate: 50\nbdat: true\nbusy: false\ncpu: 2-3\n";
    static const char *const wrong[] = {"",
                                        "- dev\n",
                                        "device",
                                        "imap: true\n",
                                        "config: x\n",
                                        "rate: fast\n",
                                        "bdat: 5\n",
                                        "to: {a: b}\n",
                                        "to: [[a]]\n",
                                        "[a]: b\n",
                                        "rate: 5\n  to: x\n",
                                        "a: \"",
                                        "group=x: 1\n"};

    CHECK(planned_with(file, ""));
    CHECK(plan.order.rate == 50 && plan.order.chunking && !plan.order.busy);
    CHECK(plan.order.address_count == 2 && plan.order.user_count == 1);
    CHECK(plan.order.cpus[0] == 0xc);
    blast_plan_fini(&plan);
    CHECK(planned_with(file, "--rate 60 --rcpt c@d --rcpt e@f --bdat=false --busy=true"));
    CHECK(plan.order.rate == 60 && plan.order.address_count == 2 && plan.order.user_count == 2);
    CHECK(!plan.order.chunking && plan.order.busy);
    CHECK_TEXT(plan.order.users[0], "c@d");
    blast_plan_fini(&plan);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (!CHECK(!planned_with(wrong[i], PORT)))
            printf("# %s\n", wrong[i]);
        blast_plan_fini(&plan);
    }
    CHECK(!planned(PORT " --bdat=maybe"));
    blast_plan_fini(&plan);
    CHECK(!planned(PORT " --cpu 3-1"));
    blast_plan_fini(&plan);
    CHECK(!planned(PORT " -c /nothing"));
    blast_plan_fini(&plan);
}

/* A bar of what is over, by whatever ends it first. */
static void progress_is_told(void)
{
    static struct blast_tally tally;
    struct blast_order o = {.messages = 200, .duration_us = 100000000};
    struct blast_told told = {.load_us = 25000000, .active = 7, .tally = &tally};
    char text[256];
    struct writer w = writer_of(text, sizeof(text));

    tally.counts.messages_accepted = 90;
    tally.counts.messages_refused = 10;
    blast_progress_put(&w, &o, &told, 4);
    CHECK_TEXT(writer_span(&w),
               "[####################....................]  50 %  4 messages/s  7 open  ETA 25 s");
    o.messages = 0;
    CHECK(blast_progress_share(&o, &told) == 0.25);
    o.duration_us = 0;
    CHECK(blast_progress_share(&o, &told) == 0);
    o.hold_us = 50000000;
    told.stood_us = 10000000;
    o.duration_us = 3600000000;
    CHECK(blast_progress_share(&o, &told) > 0.41 && blast_progress_share(&o, &told) < 0.42);
}

/* What gnuplot is told; a name with a quote in it stays a name. */
static void plots_are_described(void)
{
    json_t *timeline = json_pack("[{s:f, s:f, s:f, s:i, s:i}]", "at", 1.0, "messages", 2000.0,
                                 "mbit", 65.5, "p50_us", 1500, "p99_us", 9000);
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    blast_plot_script(out, "it's.svg", timeline);
    fclose(out);
    CHECK(strncmp(text, "$run << END\n1.000 2000.0 65.500 1.500 9.000\nEND\n", 48) == 0);
    CHECK(strstr(text, "set output 'it''s.svg'\n"));
    free(text);
    json_decref(timeline);
}

static void refuse_all(const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!CHECK(!planned(lines[i])))
            printf("# %s\n", lines[i]);
        blast_plan_fini(&plan);
    }
}

static void words_that_are_none(void)
{
    static const char *const lines[] = {
        "",
        "--to 198.18.0.1:25 --address 198.18.0.2/15",
        PORT " --device x",
        PORT " --pmd x",
        PORT " --workers 0",
        PORT " --workers",
        PORT " --busy=yes",
        PORT " --ramp 5",
        PORT " --logins 5",
        PORT " --hold 5 --messages 5",
        PORT " --hold 5 --broken 5",
        PORT " --tls ssl",
        PORT " --tls implicit --tls-version 1.1",
        PORT " --tls implicit --tls-suites AES128-SHB",
        PORT " --tls implicit --tls-suites AES128-GCM-SHA256 --tls-version 1.3",
        PORT " --tls implicit --tls-ca /nowhere",
        PORT " --tls implicit --tls-resume 101",
        PORT " --tls implicit --slow-readers 1",
        PORT " --tls-resume 10",
        PORT " --tls-name mx.example.test",
        PORT " --slow-senders 60 --broken 41",
        PORT " --slow-readers 101",
        PORT " --work pop3 --password-file /etc/passwd --slow-senders 10",
        PORT " --shapes round",
        PORT " --languages klingon",
        PORT " --spam 101",
    };

    refuse_all(lines, sizeof(lines) / sizeof(lines[0]));
}

static void lines_and_floods_that_are_none(void)
{
    static const char *const lines[] = {
        PORT " --loss 101",
        PORT " --loss 5x",
        PORT " --loss -5",
        PORT " --delay 5:6",
        PORT " --delay 5:",
        PORT " --delay :5",
        PORT " --delay 10001",
        PORT " --syn-flood 10",
        PORT " --syn-flood-from 198.19.0.0/16",
        PORT " --syn-flood 10 --syn-flood-from 198.18.0.0/16",
        PORT " --syn-flood 10 --syn-flood-from 198.20.0.0/16",
        PORT " --syn-flood 10 --syn-flood-from 198.18.0.0/14",
        PORT " --syn-flood 10 --syn-flood-from 198.19.0.0/33",
        PORT " --syn-flood 10 --syn-flood-from 198.19.0.0",
        PORT " --syn-flood 10 --syn-flood-from 2001:2::/64",
        PORT " --syn-flood 200000 --syn-flood-from 198.19.0.0/16",
        "--dev e --to 198.18.0.1:25 --address 198.18.0.2/24 --syn-flood 9 --syn-flood-from "
        "198.18.1.0/24",
        "--dev e --to 10.0.0.1:25 --address 10.0.0.2/24 --syn-flood 9 --syn-flood-from "
        "10.0.0.128/25",
    };

    refuse_all(lines, sizeof(lines) / sizeof(lines[0]));
}

static void plans_that_are_none(void)
{
    static const char *const lines[] = {
        PORT " --hold 5 --verify --password-file /etc/passwd",
        PORT " --steps 10",
        PORT " --steps 10:",
        PORT " --steps 10:1,",
        PORT " --steps 10:1;20:1",
        PORT " --steps 0:1",
        PORT " --steps 1e3:1",
        PORT " --steps -10:1",
        PORT " --steps 200000:1",
        PORT " --steps 10:2000,20:2000",
        PORT " --steps 10:1 --seconds 5",
        PORT " --steps 10:1 --rate 5",
        PORT " --burst 10",
        PORT " --burst 10:0",
        PORT " --burst 200000:1",
        PORT " --burst 10:1 --ramp 5",
        PORT " --recipients 2",
        PORT " --work nntp",
        PORT " --work imap",
        PORT " --mix read=1",
        PORT " --watchers 1",
        IMAP " --mix read",
        IMAP " --mix read=",
        IMAP " --mix read=1,",
        IMAP " --mix write=1",
        IMAP " --mix read=0.5",
        IMAP " --mix read=0,store=0",
        IMAP " --messages 5",
        IMAP " --sessions 2 --watchers 2",
        IMAP " --hold 5 --watchers 2",
        IMAP " --workers 2",
        IMAP " --rcpt a@example.test --rcpt b@example.test --recipients 2",
        PORT " --rcpt a<b",
        PORT " --from >",
        PORT " --address 198.18.0.2",
        PORT " --address 198.18.0.2/33",
        PORT " --address 198.18.0.9-198.18.0.8/15",
        PORT " --address 198.18.0.0-198.18.0.200/15",
        PORT " --gateway 10.0.0.1",
        PORT " --verify --password-file /nothing",
        PORT " --read /nothing",
        PORT " --pop3-to 8.8.8.8:110",
    };

    refuse_all(lines, sizeof(lines) / sizeof(lines[0]));
}

int main(void)
{
    check_begin();
    CHECK_CASE(targets_are_guarded);
    CHECK_CASE(recipients_come_in_ranges);
    CHECK_CASE(messages_are_as_they_travel);
    CHECK_CASE(sizes_are_as_said);
    CHECK_CASE(shapes_and_languages_are_made);
    CHECK_CASE(sizes_that_are_none);
    CHECK_CASE(files_are_taken_as_messages);
    CHECK_CASE(words_become_an_order);
    CHECK_CASE(options_come_from_a_file);
    CHECK_CASE(progress_is_told);
    CHECK_CASE(plots_are_described);
    CHECK_CASE(words_that_are_none);
    CHECK_CASE(lines_and_floods_that_are_none);
    CHECK_CASE(plans_that_are_none);
    return check_end();
}
