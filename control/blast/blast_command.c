/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/blast/blast_plan.h"
#include "control/blast/blast_plot.h"
#include "control/blast/blast_progress.h"
#include "control/blast/blast_report.h"

enum { OK = 0, FAILED = 1, USAGE = 2, WHY = 1024 };

struct blasting {
    struct blast_plan plan;
    struct blast_report_last last;
    struct blast_told told; /* the last thing that was told, copied */
    struct blast_tally tally;
    struct blast_verified verified;
    struct blast_report_more more;
    FILE *out; /* for people */
    FILE *json;
    bool stood;    /* and it was said */
    bool terminal; /* there is somebody to draw a bar for */
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static bool stopped(void *context)
{
    (void)context;
    return stop;
}

static void second(void *context, const struct blast_told *told)
{
    struct blasting *b = context;
    struct blast_report_row row;

    b->told = *told;
    memcpy(&b->tally, told->tally, blast_tally_size(&b->plan.order));
    b->told.tally = &b->tally;
    if (told->verified) {
        b->verified = *told->verified;
        b->told.verified = &b->verified;
    }
    if (b->terminal)
        blast_progress_clear(stderr);
    if (told->verified)
        return;
    row = blast_report_second(&b->plan.order, told, &b->last);
    json_array_append_new(b->more.timeline, blast_report_row_json(&row));
    if (told->stood_us && !b->stood)
        fprintf(b->out, "%8.1f s  all stand: %llu connections, set up in %.3f s\n", row.at,
                (unsigned long long)told->tally->counts.sessions_stood,
                (double)told->stood_us / 1e6);
    fflush(b->out);
    b->stood = told->stood_us;
    if (b->plan.words.quiet)
        return;
    if (told->verifying)
        fprintf(b->out, "%8.1f s  reading back\n", row.at);
    else
        blast_report_line(b->out, &row);
    if (b->terminal)
        blast_progress_draw(stderr, &b->plan.order, told,
                            b->plan.order.hold_us || b->plan.order.work == BLAST_WORK_SINK
                                ? row.sessions
                                : row.messages);
}

static void take_counter(void *context, const char *name, uint64_t value)
{
    if (value)
        json_object_set_new(((struct blasting *)context)->more.counters, name,
                            json_integer((json_int_t)value));
}

/* ---- the end ---- */

static bool write_json(struct blasting *b)
{
    json_t *o = b->json ? blast_report_json(&b->plan.order, &b->told, &b->more) : NULL;
    bool ok;

    if (!b->json)
        return true;
    ok = o && json_dumpf(o, b->json, JSON_COMPACT) == 0 && fputc('\n', b->json) != EOF &&
         fflush(b->json) == 0;
    json_decref(o);
    if (!ok)
        fprintf(stderr, "wirepost blast: %s: could not be written\n", b->plan.words.json);
    return ok;
}

static bool is_good(const struct blasting *b)
{
    const struct blast_order *o = &b->plan.order;

    if (o->work == BLAST_WORK_SINK)
        return true;
    if (o->verify && (!b->told.verified || !blast_report_verified(b->told.verified)))
        return false;
    if (b->tally.counts.messages_wrong || b->tally.counts.recipients_wrong ||
        b->tally.counts.messages_differing || b->tally.counts.headers_differing ||
        b->tally.counts.answers_wrong)
        return false;
    return b->tally.counts.sessions_done > 0;
}

static bool open_json(struct blasting *b)
{
    const char *path = b->plan.words.json;

    b->out = stdout;
    if (!path)
        return true;
    b->json = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    /* What a program reads has the stream for itself. */
    if (b->json == stdout)
        b->out = stderr;
    if (!b->json)
        fprintf(stderr, "wirepost blast: %s: %s\n", path, strerror(errno));
    return b->json;
}

static int carry_out(struct blasting *b, blast_command_run *run)
{
    struct sigaction action = {.sa_handler = on_signal};
    char text[WHY];
    struct writer why = writer_of(text, sizeof(text));
    bool written;

    if (!open_json(b))
        return FAILED;
    if (b->plan.words.plot && !blast_plot_can(&why)) {
        fprintf(stderr, "wirepost blast: %.*s\n", (int)why.len, text);
        return FAILED;
    }
    b->terminal = isatty(STDERR_FILENO) && !b->plan.words.quiet;
    /* Its pages are there before the load is. */
    memset(&b->tally, 0, sizeof(b->tally));
    b->more.counters = json_object();
    b->more.timeline = json_array();
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!run(&b->plan.order, &why)) {
        fprintf(stderr, "wirepost blast: %.*s\n", (int)why.len, text);
        return FAILED;
    }
    if (b->terminal)
        blast_progress_clear(stderr);
    blast_report_table(b->out, &b->plan.order, &b->told, b->more.counters);
    written = write_json(b);
    if (b->plan.words.plot && !blast_plot_draw(b->plan.words.plot, b->more.timeline, &why)) {
        fprintf(stderr, "wirepost blast: %.*s\n", (int)why.len, text);
        written = false;
    }
    return written && is_good(b) ? OK : FAILED;
}

static int write_messages(const struct blasting *b)
{
    char text[WHY];
    struct writer why = writer_of(text, sizeof(text));

    if (blast_messages_write(b->plan.messages, b->plan.words.write, &why))
        return OK;
    fprintf(stderr, "wirepost blast: %.*s\n", (int)why.len, text);
    return FAILED;
}

static int command(blast_command_run *run, const char *program, struct blasting *b,
                   enum blast_words_who who, bool planned)
{
    int status = USAGE;

    if (b->plan.words.help) {
        printf("Usage: wirepost %s --dev IFACE --address ADDRESS/BITS %s[OPTION...]\n",
               who == BLAST_WORDS_S ? "sink" : "blast",
               who == BLAST_WORDS_S ? "" : "--to ADDRESS:PORT ");
        blast_words_help(who, stdout);
        printf("\nExit status: 0 done; 1 it did not begin, no session came to its end, --verify "
               "found a fault, or the server accepted what it was to refuse; 2 the command line is "
               "wrong.\n");
        status = OK;
    } else if (planned && b->plan.words.write) {
        status = write_messages(b);
    } else if (planned && !run) {
        fprintf(stderr, "wirepost blast: this wirepost was built without DPDK\n");
        status = FAILED;
    } else if (planned) {
        b->plan.order.program = program;
        b->plan.order.context = b;
        b->plan.order.second = second;
        b->plan.order.stopped = stopped;
        b->plan.order.counter = take_counter;
        status = carry_out(b, run);
    }
    blast_plan_fini(&b->plan);
    json_decref(b->more.counters);
    json_decref(b->more.timeline);
    if (b->json && b->json != stdout)
        fclose(b->json);
    free(b);
    return status;
}

int blast_command(blast_command_run *run, const char *program, int count, char **words)
{
    struct blasting *b = calloc(1, sizeof(*b));

    return b ? command(run, program, b, BLAST_WORDS_B, blast_plan_blast(&b->plan, count, words))
             : FAILED;
}

int blast_command_sink(blast_command_run *run, const char *program, int count, char **words)
{
    struct blasting *b = calloc(1, sizeof(*b));

    return b ? command(run, program, b, BLAST_WORDS_S, blast_plan_sink(&b->plan, count, words))
             : FAILED;
}
