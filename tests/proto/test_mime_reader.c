/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/proto/mime_trace.h"

#include <stdio.h>

/* Each message with every event that it gives, as mime_trace.h writes them down. */
static const struct {
    const char *name;
    const char *message;
    const char *trace;
} rows[] = {
#include "tests/proto/mime_messages.def"
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), TRACE_MAX = 1 << 16 };

static const struct mime_limits defaults = MIME_LIMITS_DEFAULT;
static uint8_t memory[TRACE_MAX];

/* The trace of a message whose first piece is `first` bytes long, the others `step`. */
static struct span trace_of(struct span message, const struct mime_limits *limits, size_t first,
                            size_t step, bool lend)
{
    struct writer w = writer_of(memory, sizeof(memory));
    struct mime_trace t = {
        .limits = *limits, .first = first, .step = step, .out = &w, .lend = lend};

    mime_trace_run(&t, message);
    return writer_span(&w);
}

static void each_message_gives_its_events(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct span message = span_text(rows[i].message);

        CHECK_TEXT(trace_of(message, &defaults, message.len, 1, false), rows[i].trace);
    }
}

static void events_do_not_depend_on_one_cut(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct span message = span_text(rows[i].message);

        for (size_t cut = 0; cut <= message.len; cut++)
            if (!check_span(trace_of(message, &defaults, cut, message.len, cut % 2), rows[i].trace,
                            __FILE__, __LINE__))
                printf("# %s, cut at %zu\n", rows[i].name, cut);
    }
}

static void events_do_not_depend_on_many_cuts(void)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t step = 1; step < 20; step++)
            if (!check_span(trace_of(span_text(rows[i].message), &defaults, step, step, true),
                            rows[i].trace, __FILE__, __LINE__))
                printf("# %s, step %zu\n", rows[i].name, step);
}

/* Pieces that end, then begin, at an unreadable page. */
static void reader_stays_within_its_input(void)
{
    static struct mime_reader r;
    static uint8_t field[16384], scratch[MIME_SCRATCH_MIN];
    struct mime_memory lent = {.field = field, .scratch = scratch, .scratch_size = sizeof(scratch)};

    for (size_t i = 0; i < ROWS; i++)
        for (size_t cut = 0; cut <= strlen(rows[i].message); cut++) {
            struct span message = span_text(rows[i].message), pieces[2];
            struct writer w = writer_of(memory, sizeof(memory));
            struct mime_trace t = {.limits = defaults, .out = &w};

            pieces[0] = guard_copy(span_head(message, cut), cut % 2);
            pieces[1] = guard_copy(span_skip(message, cut), !(cut % 2));
            CHECK(mime_reader_init(&r, &lent, &defaults));
            mime_trace_piece(&t, &r, pieces[0], field);
            mime_trace_piece(&t, &r, pieces[1], field);
            mime_reader_finish(&r);
            mime_trace_piece(&t, &r, span_of(NULL, 0), field);
            CHECK_TEXT(writer_span(&w), rows[i].trace);
            guard_free(pieces[0]);
            guard_free(pieces[1]);
        }
}

static bool traced(struct span trace, const char *text)
{
    return memmem(trace.data, trace.len, text, strlen(text)) != NULL;
}

/* The same message whole and byte by byte: equal traces, of which the first is kept. */
static struct span both_ways(struct span message, const struct mime_limits *limits)
{
    static uint8_t whole[TRACE_MAX];
    struct span trace = trace_of(message, limits, message.len, 1, false);
    size_t len = trace.len;

    memcpy(whole, trace.data, len);
    CHECK(span_equal(trace_of(message, limits, 1, 1, true), span_of(whole, len)));
    CHECK(span_equal(trace_of(message, limits, 700, 333, true), span_of(whole, len)));
    return span_of(whole, len);
}

static void field_over_the_limit_is_cut(void)
{
    struct mime_limits limits = {
        .field = MIME_FIELD_MIN, .header = 100000, .parts = 10, .depth = 5};
    static uint8_t bytes[8192];

    /* Exactly the limit with its line end, then one more, then many more. */
    for (size_t len = MIME_FIELD_MIN - 1; len < 4000; len = len * 2 - len / 2 + 1) {
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct span trace;

        writer_text(&w, "Subject: ");
        while (w.len < len - 2)
            writer_byte(&w, 'x');
        writer_text(&w, "\r\nTo: y\r\n\r\nbody");
        trace = both_ways(writer_span(&w), &limits);
        CHECK(traced(trace, "field_long") == (len > MIME_FIELD_MIN));
        CHECK(traced(trace, "|8 cut") == (len > MIME_FIELD_MIN));
        CHECK(traced(trace, " To|y|5") && traced(trace, "D0[body]"));
    }
}

static void header_over_the_limit_is_cut(void)
{
    struct mime_limits limits = {.field = MIME_FIELD_MIN, .header = 20, .parts = 10, .depth = 5};
    struct span trace = both_ways(
        span_text("Subject: 0123456789\r\nTo: a\r\nCc: b\r\nContent-Type: text/html\r\n\r\nx"),
        &limits);

    CHECK(traced(trace, "Subject") && !traced(trace, "To|"));
    CHECK(traced(trace, "header_long") && traced(trace, "text/plain") && traced(trace, "D0[x]"));
}

static void parts_and_depth_are_bounded(void)
{
    struct mime_limits limits = {.field = MIME_FIELD_MIN, .header = 1000, .parts = 3, .depth = 2};
    struct span trace =
        both_ways(span_text("Content-Type: multipart/mixed; boundary=a\r\n\r\n"
                            "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"
                            "--a\r\n\r\nlast\r\n--a\r\nmore\r\n--a--\r\n"),
                  &limits);

    CHECK(traced(trace, "!1@82 depth") && traced(trace, "B1@82<0 leaf message/rfc822"));
    CHECK(traced(trace, "!2@101 parts\nH2@101\nB2@101<0 leaf application/octet-stream binary"));
    CHECK(traced(trace, "D2[\r\nlast\r\n--a\r\nmore\r\n--a--\r\n]"));
    CHECK(!traced(trace, "F3") && !traced(trace, "close_missing"));
}

static void long_lines_and_boundaries(void)
{
    static uint8_t bytes[16384];
    struct writer w = writer_of(bytes, sizeof(bytes));
    char boundary[MIME_BOUNDARY_MAX + 1];
    struct span trace;

    memset(boundary, 'b', MIME_BOUNDARY_MAX);
    boundary[MIME_BOUNDARY_MAX] = 0;
    writer_printf(&w, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n\r\n", boundary,
                  boundary);
    /* Lines that look like it for long, of every length about the limit. */
    for (int n = MIME_DELIMITER_MAX - 6; n < MIME_DELIMITER_MAX + 6; n++)
        writer_printf(&w, "--%s%*s\r\n", boundary, n - MIME_BOUNDARY_MAX, "x");
    writer_printf(&w, "--%s--%60s\r\n", boundary, "");
    trace = both_ways(writer_span(&w), &defaults);
    CHECK(traced(trace, "boundary_long") && traced(trace, "x]\n") &&
          !traced(trace, "close_missing"));
    CHECK(traced(trace, "END@"));
}

static void limits_out_of_bounds_are_refused(void)
{
    static struct mime_reader r;
    static uint8_t scratch[MIME_SCRATCH_MIN];
    struct mime_memory lent = {.scratch = scratch, .scratch_size = sizeof(scratch)};
    struct mime_limits bad = defaults;

    CHECK(sizeof(r) <= 7168);
    CHECK(mime_reader_init(&r, &lent, &defaults));
    bad.depth = MIME_DEPTH_MAX + 1;
    CHECK(!mime_reader_init(&r, &lent, &bad));
    bad = defaults;
    bad.field = MIME_FIELD_MIN - 1;
    CHECK(!mime_reader_init(&r, &lent, &bad));
    lent.scratch_size--;
    CHECK(!mime_reader_init(&r, &lent, &defaults));
}

/* A body comes in place, in as few pieces as the input had. */
static void bodies_are_not_copied(void)
{
    static struct mime_reader r;
    static uint8_t scratch[MIME_SCRATCH_MIN];
    struct mime_memory lent = {.scratch = scratch, .scratch_size = sizeof(scratch)};
    struct span in = span_text("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n"
                               "one\r\n- two\r\n--three\r\n\r\n--a--\r\n"),
                all = in;
    struct mime_event event;
    int data = 0;

    CHECK(mime_reader_init(&r, &lent, &defaults));
    while (mime_reader_next(&r, &in, &event) == MIME_EVENT)
        if (event.kind == MIME_DATA) {
            data++;
            CHECK(event.data.data == all.data + event.offset);
            CHECK_TEXT(event.data, "one\r\n- two\r\n--three\r\n");
        }
    CHECK(data == 1);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_message_gives_its_events);
    CHECK_CASE(events_do_not_depend_on_one_cut);
    CHECK_CASE(events_do_not_depend_on_many_cuts);
    CHECK_CASE(reader_stays_within_its_input);
    CHECK_CASE(field_over_the_limit_is_cut);
    CHECK_CASE(header_over_the_limit_is_cut);
    CHECK_CASE(parts_and_depth_are_bounded);
    CHECK_CASE(long_lines_and_boundaries);
    CHECK_CASE(limits_out_of_bounds_are_refused);
    CHECK_CASE(bodies_are_not_copied);
    return check_end();
}
