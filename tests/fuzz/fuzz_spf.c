/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks of SPF. The first octet chooses the family and the void look-ups that are allowed; then
 * lines: local part, HELO, and one for each answer: its outcome, and its records between vertical
 * bars, of TXT the text, of others the RDATA. However odd, the check ends, with no more questions
 * than promised, each for a name that there can be.
 */
#include <stdlib.h>

#include "proto/spf/spf_header.h"

enum { RECORDS_MAX = 16 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static struct spf_check check;
static uint8_t text[RECORDS_MAX][4096];

static struct span next(struct span *in, uint8_t end)
{
    ptrdiff_t at = span_find(*in, end);
    struct span piece = span_head(*in, at < 0 ? in->len : (size_t)at);

    *in = span_skip(*in, piece.len + 1);
    return piece;
}

static struct span record_of(uint16_t type, struct span piece, uint8_t room[4096])
{
    struct writer w = writer_of(room, 4096);

    if (type != DNS_TXT)
        return piece;
    do {
        struct span string = span_head(piece, 100);

        writer_byte(&w, (uint8_t)string.len);
        writer_span_put(&w, string);
        piece = span_skip(piece, 100);
    } while (piece.len);
    return writer_span(&w);
}

static void answer(struct span line)
{
    struct span records[RECORDS_MAX];
    struct dns_answer a = {.outcome = line.len ? line.data[0] % DNS_OUTCOMES : DNS_NXDOMAIN,
                           .records = records};

    line = span_skip(line, 1);
    while (a.outcome == DNS_ANSWER && line.len && a.count < RECORDS_MAX) {
        records[a.count] = record_of(check.question.type, next(&line, '|'), text[a.count]);
        a.count++;
    }
    spf_check_answer(&check, &a);
}

static void look_at_question(void)
{
    struct cursor c = cursor_of(span_of(check.question.name.wire, check.question.name.len));
    struct dns_name name;

    MUST(dns_name_read(&c, &name) && cursor_left(&c) == 0 && name.len > 1);
}

static void look_at_step(void *context, const struct spf_step *step)
{
    MUST(step->depth <= SPF_LOOKUPS_MAX && step->domain.len <= SPF_EXPANDED_MAX);
}

/* Fields are lines of printable ASCII, each but the first behind a blank, and end once. */
static void look_at_field(struct span field)
{
    size_t line = 0;

    MUST(field.len > 2 && field.data[field.len - 1] == '\n');
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.data[i];

        line = c == '\n' ? 0 : line + 1;
        MUST(line <= 998 && ((c >= ' ' && c <= '~') || c == '\r' || c == '\n'));
        MUST((c == '\n') == (i > 0 && field.data[i - 1] == '\r'));
        MUST(c != '\n' || i + 1 == field.len || field.data[i + 1] == ' ');
    }
}

static void look_at_headers(bool helo)
{
    static uint8_t bytes[SPF_HEADER_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    spf_header_received(&w, &check, check.query.helo, helo);
    MUST(!w.full);
    look_at_field(writer_span(&w));
    w = writer_of(bytes, sizeof(bytes));
    spf_header_results(&w, &check, check.query.local, helo);
    MUST(!w.full);
    look_at_field(writer_span(&w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct spf_query query = {.domain = span_text("a.test"), .receiver = span_text("mx.b.test")};
    unsigned questions = 0;

    if (size < 1)
        return 0;
    ip_address_parse(span_text(data[0] & 1 ? "2001:db8::1" : "192.0.2.1"), &query.ip);
    query.voids_max = data[0] / 2 % 16;
    in = span_skip(in, 1);
    query.local = next(&in, '\n');
    query.helo = next(&in, '\n');
    spf_check_init(&check, &query, look_at_step, NULL);
    while (spf_check_next(&check) == SPF_ASK) {
        look_at_question();
        MUST(++questions <= SPF_QUESTIONS_MAX);
        answer(next(&in, '\n'));
    }
    MUST(check.questions == questions && check.lookups <= SPF_LOOKUPS_MAX);
    MUST(check.result < SPF_RESULTS && check.reason < SPF_REASONS);
    MUST(check.explanation.len == 0 || check.result == SPF_RESULT_FAIL);
    MUST(spf_check_next(&check) == SPF_DONE);
    look_at_headers(data[0] & 64);
    return 0;
}
