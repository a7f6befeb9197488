/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/proto/mime_readings_run.h"

#include <stdio.h>

enum { TEXT_MAX = 1 << 16 };

static const struct {
    const char *name;
    const char *anomaly;
    const char *one;
    const char *other;
    const char *message;
} rows[] = {
#include "tests/proto/mime_doubts.def"
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static uint8_t memory[2][MIME_READINGS][RUN_KINDS][TEXT_MAX];

static void read_it(struct mime_run *run, int which, struct span message, size_t first, size_t step)
{
    *run = (struct mime_run){.limits = MIME_LIMITS_DEFAULT, .first = first, .step = step};
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++)
            run->texts[i][kind] = writer_of(memory[which][i][kind], TEXT_MAX);
    mime_run(run, message);
}

static bool found(const struct mime_run *run, const char *text)
{
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++) {
            struct span s = writer_span(&run->texts[i][kind]);

            if (s.len && memmem(s.data, s.len, text, strlen(text)))
                return true;
        }
    return false;
}

static bool told(const struct mime_run *run, const char *anomaly)
{
    for (unsigned i = 0; i < MIME_ANOMALIES; i++)
        if (strcmp(mime_anomaly_name((enum mime_anomaly)i), anomaly) == 0)
            return run->anomalies >> i & 1;
    return false;
}

static void show(const struct mime_run *run)
{
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++)
            if (run->texts[i][kind].len)
                printf("# reading %d, %d: %.*s\n", i, kind, (int)run->texts[i][kind].len,
                       (const char *)run->texts[i][kind].data);
}

static void what_each_receiver_sees_is_given(void)
{
    static struct mime_run run;

    for (size_t i = 0; i < ROWS; i++) {
        struct span message = span_text(rows[i].message);
        bool good;

        read_it(&run, 0, message, message.len, 1);
        good = CHECK(!rows[i].one || found(&run, rows[i].one)) &&
               CHECK(!rows[i].other || found(&run, rows[i].other)) &&
               CHECK(!rows[i].anomaly || told(&run, rows[i].anomaly));
        if (!good) {
            printf("# %s\n", rows[i].name);
            show(&run);
        }
    }
}

static bool equal(const struct mime_run *a, const struct mime_run *b)
{
    for (int i = 0; i < MIME_READINGS; i++)
        for (int kind = 0; kind < RUN_KINDS; kind++)
            if (!span_equal(writer_span(&a->texts[i][kind]), writer_span(&b->texts[i][kind])))
                return false;
    return a->anomalies == b->anomalies;
}

static void check_cut(const char *name, const struct mime_run *whole, struct span message,
                      size_t first, size_t step)
{
    static struct mime_run cut;

    read_it(&cut, 1, message, first, step);
    if (CHECK(equal(whole, &cut)))
        return;
    printf("# %s, cut at %zu, then each %zu\n", name, first, step);
    show(whole);
    show(&cut);
}

static void readings_do_not_depend_on_cuts(void)
{
    static struct mime_run whole;

    for (size_t i = 0; i < ROWS; i++) {
        struct span message = span_text(rows[i].message);

        read_it(&whole, 0, message, message.len, 1);
        for (size_t cut = 1; cut < message.len; cut++)
            check_cut(rows[i].name, &whole, message, cut, message.len);
        for (size_t step = 1; step < 20; step++)
            check_cut(rows[i].name, &whole, message, step, step);
    }
}

/* Many leaves with a doubt each: readings end with their leaves, and none is left out. */
static void many_leaves_are_all_read_twice(void)
{
    static struct mime_run whole;
    static uint8_t bytes[8192];
    struct writer w = writer_of(bytes, sizeof(bytes));
    char text[32];

    writer_text(&w, "Content-Type: multipart/mixed; boundary=a\r\n\r\n");
    for (int i = 0; i < 30; i++)
        writer_printf(&w,
                      "--a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=z%d\r\n"
                      "--a\r\nContent-Transfer-Encoding: base64\r\n\r\n!x%d\r\n",
                      i, i);
    writer_text(&w, "--a--\r\n");
    read_it(&whole, 0, writer_span(&w), w.len, 1);
    for (int i = 0; i < 30; i++) {
        snprintf(text, sizeof(text), "data:z%d", i);
        CHECK(found(&whole, text));
        snprintf(text, sizeof(text), "data:!x%d", i);
        CHECK(found(&whole, text));
    }
    check_cut("many", &whole, writer_span(&w), 1, 1);
    check_cut("many", &whole, writer_span(&w), 100, 77);
}

int main(void)
{
    check_begin();
    CHECK_CASE(what_each_receiver_sees_is_given);
    CHECK_CASE(readings_do_not_depend_on_cuts);
    CHECK_CASE(many_leaves_are_all_read_twice);
    return check_end();
}
