/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/record/record_privacy.h"
#include "control/trace/trace_history.h"
#include "control/trace/trace_query.h"
#include "control/trace/trace_reader.h"
#include "tests/harness/check.h"

static struct trace_reader reader;

static void open_with(int *fd_out)
{
    char path[64];

    *fd_out = memfd_create("trace", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd_out);
    CHECK(trace_reader_open(&reader, path));
    trace_reader_close(&reader);
}

static void reopen(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(trace_reader_open(&reader, path));
}

/* Lines of every length around the size of a block, so that a block ends at every place of a line.
 */
static void lines_come_back_to_front(void)
{
    static char line[2 * TRACE_BLOCK];
    struct span out;
    int fd, last = 0;

    open_with(&fd);
    for (int n = 0; n < 600; n++) {
        int len = n % 7 == 0 ? TRACE_BLOCK - 3 + n % 5 : n;

        memset(line, 'a' + n % 26, (size_t)len);
        line[len] = '\n';
        CHECK(write(fd, line, (size_t)len + 1) == len + 1);
        last = n;
    }
    reopen(fd);
    for (int n = last; n >= 0; n--) {
        size_t len = n % 7 == 0 ? (size_t)(TRACE_BLOCK - 3 + n % 5) : (size_t)n;

        if (!CHECK(trace_reader_next(&reader, &out)) || !CHECK(out.len == len))
            break;
        CHECK(len == 0 || (out.data[0] == 'a' + n % 26 && out.data[len - 1] == 'a' + n % 26));
    }
    CHECK(!trace_reader_next(&reader, &out));
    trace_reader_close(&reader);
    close(fd);
}

static void torn_and_endless_lines_are_passed_over(void)
{
    char *endless = malloc(3 * TRACE_LINE_MAX);
    struct span out;
    int fd;

    memset(endless, 'x', 3 * TRACE_LINE_MAX);
    open_with(&fd);
    CHECK(write(fd, "first\n", 6) == 6);
    CHECK(write(fd, endless, 3 * TRACE_LINE_MAX) == 3 * TRACE_LINE_MAX);
    CHECK(write(fd, "\nlast\ntorn", 10) == 10);
    reopen(fd);
    CHECK(trace_reader_next(&reader, &out) && span_equal(out, span_text("torn")));
    CHECK(trace_reader_next(&reader, &out) && span_equal(out, span_text("last")));
    CHECK(trace_reader_next(&reader, &out) && span_equal(out, span_text("first")));
    CHECK(!trace_reader_next(&reader, &out));
    trace_reader_close(&reader);
    /* Cut while it is read. */
    reopen(fd);
    CHECK(trace_reader_next(&reader, &out));
    CHECK(ftruncate(fd, 3) == 0);
    while (trace_reader_next(&reader, &out))
        ;
    trace_reader_close(&reader);
    close(fd);
    free(endless);
}

static bool matches(const char *query, const struct record_keys *keys, json_t *record)
{
    static struct trace_query q;
    char why[200];
    struct writer w = writer_of(why, sizeof(why));
    char *line = json_dumps(record, JSON_COMPACT);
    bool is;

    CHECK(trace_query_init(&q, span_text(query), keys, &w));
    is = trace_query_is(&q, record);
    /* The cheap question never says no where the other says yes. */
    CHECK(!is || trace_query_may(&q, span_text(line)));
    trace_query_fini(&q);
    free(line);
    return is;
}

static void queries_find_what_is_kept_and_what_is_hashed(void)
{
    static struct record_keys keys;
    json_t *plain, *hashed;

    CHECK(record_keys_load(&keys, "") && record_keys_turn(&keys, 1000, 10, 1000) &&
          record_keys_turn(&keys, 1010, 10, 1000));
    plain = json_pack("{s:s, s:{s:s, s:s, s:[s, n]}}", "id", "01HF7YAT00000G000000000001",
                      "message", "message_id", " <X\"y@z> (c)", "mail_from", "Alice@b.test",
                      "rcpt_to", "bob@b.test");
    CHECK(matches("01HF7YAT00000G000000000001", &keys, plain));
    CHECK(!matches("01HF7YAT00000G000000000002", &keys, plain));
    CHECK(matches("<X\"y@z>", &keys, plain) && matches("X\"y@z", &keys, plain));
    CHECK(!matches("<x\"y@z>", &keys, plain));
    CHECK(matches("alice@B.test", &keys, plain) && matches("bob@b.test", &keys, plain));
    CHECK(!matches("b@b.test", &keys, plain));
    json_decref(plain);
    /* Under the older key. */
    hashed = json_pack(
        "{s:{s:o, s:o, s:[o]}}", "message", "message_id",
        record_privacy_hash(&keys.keys[0], RECORD_FIELD_message_id, span_text("<m@n>"), false),
        "mail_from",
        record_privacy_hash(&keys.keys[0], RECORD_FIELD_mail_from, span_text("a@b"), false),
        "rcpt_to",
        record_privacy_hash(&keys.keys[0], RECORD_FIELD_rcpt_to, span_text("C@d"), true));
    CHECK(matches("<m@n>", &keys, hashed) && matches("m@n", &keys, hashed));
    CHECK(matches("A@b", &keys, hashed) && matches("c@D", &keys, hashed));
    CHECK(!matches("b@b", &keys, hashed));
    keys.keys[0] = keys.keys[1];
    CHECK(!matches("a@b", &keys, hashed));
    json_decref(hashed);
}

static void history_is_in_order_and_safe(void)
{
    json_t *rows = json_array(),
           *record = json_pack("{s:s, s:{s:s, s:s}, s:{s:s}}", "kind", "message", "context",
                               "began", "2026-01-01T00:00:02.000Z", "ended",
                               "2026-01-01T00:00:01.000Z", "result", "reply", "250\n\x1b[31m");
    const char *detail;

    trace_history_record(rows, record);
    rows = trace_history_sorted(rows);
    CHECK(json_array_size(rows) == 2);
    CHECK_TEXT(span_text(json_string_value(json_object_get(json_array_get(rows, 0), "event"))),
               "reply");
    detail = json_string_value(json_object_get(json_array_get(rows, 0), "detail"));
    CHECK(strncmp(detail, "250??[31m;", 10) == 0);
    json_decref(rows);
    json_decref(record);
}

int main(void)
{
    check_begin();
    CHECK_CASE(lines_come_back_to_front);
    CHECK_CASE(torn_and_endless_lines_are_passed_over);
    CHECK_CASE(queries_find_what_is_kept_and_what_is_hashed);
    CHECK_CASE(history_is_in_order_and_safe);
    return check_end();
}
