/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/record/record_json.h"
#include "control/record/record_parts.h"
#include "control/record/record_writer.h"
#include "rules/rule.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

static struct record_text put(struct record *r, const char *text, size_t len)
{
    return record_put(r, span_of(text, len), len);
}

#define PUT(record, literal) put(record, literal, sizeof(literal) - 1)

static const char multipart[] =
    "Subject: parts\r\n"
    "Content-Type: Multipart/Mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: TEXT/plain; charset=utf-8\r\n\r\nhello\r\n"
    "--b\r\nContent-Type: application/pdf; name=\"a\x01.pdf\"\r\n"
    "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "aGVsbG8=\r\n--b--\r\n";

/* Every byte there is, in the worst order for a JSON reader. */
static size_t hostile_bytes(char *out)
{
    size_t n = 0;

    for (int c = 0; c < 256; c++)
        out[n++] = (char)c;
    n += (size_t)sprintf(
        out + n,
        "\"}\\\n{\"kind\":\"forged\"}\r\n\xe2\x82\xac\xed\xa0\x80\xc2\x80\xf4\x90\x80\x80");
    return n;
}

static void fill_message(struct record *r)
{
    static uint8_t memory[4096];
    struct record_message *m = &r->message;
    struct id128_source source = {.node = 1};
    struct span tree = mime_tree_in(span_text(multipart), memory, sizeof(memory));
    char hostile[400];
    size_t n = hostile_bytes(hostile);

    record_reset(r, RECORD_MESSAGE);
    r->worker = 3;
    m->id = id128_next(&source, 1700000000000);
    m->connection = id128_next(&source, 1700000000000);
    m->began_ms = 1700000000123;
    m->ended_ms = 1700000001000;
    m->end_of_data_us = 250;
    m->commit_us = 200;
    m->peer.client = ip_address_v4((const uint8_t[]){198, 18, 0, 1});
    m->peer.server = ip_address_v6((const uint8_t[]){0x20, 1, 0, 2, [15] = 2});
    m->peer.client_port = 40000;
    m->peer.server_port = 25;
    m->helo = put(r, hostile, n);
    m->sender = PUT(r, "alice@example.test");
    m->subject = PUT(r, "Gr\xc3\xbc\xc3\x9f"
                        "e");
    m->from = put(r, hostile, n);
    m->message_id = put(r, hostile, n);
    m->heads[RECORD_HEAD_to] = PUT(r, "alice@example.test, bob@example.test");
    m->heads[RECORD_HEAD_date] = put(r, hostile, n);
    m->received[0] = PUT(r, "from a by b");
    m->received[1] = put(r, hostile, n);
    m->reply = PUT(r, "250 2.0.0 kept");
    m->code = 250;
    m->verdict = RULE_ACTION_QUARANTINE;
    m->esmtp = true;
    m->rule = PUT(r, "bad.pdf");
    m->rules[0] = PUT(r, "bad.pdf");
    m->rules[1] = PUT(r, "other");
    m->rule_count = 40;
    m->anomalies = 1 | UINT64_C(1) << 63;
    m->score = 7500;
    m->size = 4096;
    m->tree = put(r, (const char *)tree.data, tree.len);
    m->recipient_count = 2;
    m->recipients[0] = (struct record_recipient){.address = put(r, hostile, n),
                                                 .code = 250,
                                                 .verdict = RULE_ACTION_QUARANTINE,
                                                 .place = MESSAGE_QUARANTINE};
    m->recipients[1] = (struct record_recipient){
        .address = PUT(r, "nobody@example.test"), .code = 550, .verdict = 200};
    for (int i = 0; i < STAGES; i++)
        m->cycles[i] = (uint64_t)(i + 1);
    m->cycles_total = 55;
}

/* Lines go to the file WIREPOST_LINES too, where check_records.py validates them. */
static void keep_line(const char *line, size_t len)
{
    const char *name = getenv("WIREPOST_LINES");
    FILE *f = name ? fopen(name, "a") : NULL;

    if (!f)
        return;
    CHECK(fwrite(line, 1, len, f) == len);
    fclose(f);
}

/* The line read back; NULL and a failed check when it is none. */
static json_t *line_back(const struct record *r)
{
    struct json_line line = {0};
    json_error_t error;
    json_t *json;

    record_json_put(&line, r, &record_privacy_default);
    json_line_end(&line);
    CHECK(!line.lost && line.data[line.len - 1] == '\n');
    for (size_t i = 0; i < line.len - 1; i++)
        if ((uint8_t)line.data[i] < 0x20 || line.data[i] == 0x7f) {
            CHECK(!"a control character in a line");
            break;
        }
    json = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, &error);
    CHECK(json != NULL);
    keep_line(line.data, line.len);
    json_line_fini(&line);
    return json;
}

static const char *text_at(json_t *json, const char *a, const char *b)
{
    json_t *at = json_object_get(json_object_get(json, a), b);

    return json_is_string(at) ? json_string_value(at) : "(no text)";
}

static void messages_read_back(void)
{
    static struct record r;
    json_t *json, *facts, *context, *result, *part, *stages;

    fill_message(&r);
    json = line_back(&r);
    facts = json_object_get(json, "message");
    context = json_object_get(json, "context");
    result = json_object_get(json, "result");
    CHECK_TEXT(span_text(json_string_value(json_object_get(json, "kind"))), "message");
    CHECK(json_integer_value(json_object_get(json, "version")) == 2);
    CHECK(strlen(json_string_value(json_object_get(json, "id"))) == ID128_TEXT);
    CHECK_TEXT(span_text(text_at(json, "message", "mail_from")), "alice@example.test");
    CHECK_TEXT(span_text(text_at(json, "message", "to")), "alice@example.test, bob@example.test");
    CHECK_TEXT(span_text(text_at(json, "message", "cc")), "");
    CHECK(json_array_size(json_object_get(json_object_get(json, "message"), "received")) == 2);
    CHECK_TEXT(span_text(text_at(json, "message", "subject")), "Gr\xc3\xbc\xc3\x9f"
                                                               "e");
    /* 256 bytes, of which 95 are printable ASCII; a forged line stays within its text. */
    CHECK(strstr(text_at(json, "message", "helo"),
                 "\"}\\?{\"kind\":\"forged\"}??\xe2\x82\xac?????????") != NULL);
    /* Of two, the one that was accepted. */
    CHECK(json_array_size(json_object_get(facts, "rcpt_to")) == 1);
    CHECK(json_array_size(json_object_get(facts, "rules")) == RECORD_RULES);
    CHECK(json_array_size(json_object_get(facts, "anomalies")) == 1);
    CHECK(json_array_size(json_object_get(facts, "parts")) == 3);
    part = json_array_get(json_object_get(facts, "parts"), 2);
    CHECK_TEXT(span_text(json_string_value(json_object_get(part, "type"))), "application/pdf");
    CHECK_TEXT(span_text(json_string_value(json_object_get(part, "encoding"))), "base64");
    CHECK_TEXT(span_text(json_string_value(json_object_get(part, "disposition"))), "attachment");
    CHECK(json_integer_value(json_object_get(part, "decoded")) == 5);
    CHECK_TEXT(span_text(json_string_value(json_object_get(part, "name"))), "a?.pdf");
    part = json_array_get(json_object_get(facts, "parts"), 1);
    CHECK_TEXT(span_text(json_string_value(json_object_get(part, "charset"))), "utf-8");
    CHECK(json_integer_value(json_object_get(part, "parent")) == 0);
    CHECK_TEXT(span_text(text_at(json, "context", "role")), "serve");
    CHECK_TEXT(span_text(text_at(json, "context", "began")), "2023-11-14T22:13:20.123Z");
    CHECK_TEXT(span_text(text_at(context, "client", "address")), "198.18.0.1");
    CHECK_TEXT(span_text(text_at(context, "server", "address")), "2001:2::2");
    stages = json_object_get(json_object_get(context, "cycles"), "stages");
    CHECK(json_object_size(stages) == STAGES);
    CHECK(json_integer_value(json_object_get(stages, "transmit")) == STAGES);
    CHECK_TEXT(span_text(text_at(json, "result", "verdict")), "quarantine");
    CHECK(json_real_value(json_object_get(result, "score")) == 7.5);
    CHECK_TEXT(span_text(json_string_value(json_object_get(
                   json_array_get(json_object_get(result, "recipients"), 0), "place"))),
               "quarantine");
    CHECK(json_is_null(
        json_object_get(json_array_get(json_object_get(result, "recipients"), 1), "place")));
    json_decref(json);
}

static void connections_read_back(void)
{
    static struct record r;
    char hostile[400];
    size_t n = hostile_bytes(hostile);
    json_t *json;

    record_reset(&r, RECORD_CONNECTION);
    r.connection.helo = put(&r, hostile, n);
    r.connection.user = put(&r, hostile, n);
    r.connection.reason = PUT(&r, "reset by peer");
    r.connection.protocol = PUT(&r, "smtp");
    r.connection.messages = 2;
    r.connection.bytes_in = UINT64_C(5000000000);
    json = line_back(&r);
    CHECK_TEXT(span_text(text_at(json, "connection", "protocol")), "smtp");
    CHECK_TEXT(span_text(text_at(json, "result", "reason")), "reset by peer");
    CHECK(json_integer_value(json_object_get(json_object_get(json, "connection"), "bytes_in")) ==
          5000000000);
    json_decref(json);
}

/* Whatever stands where the tree should be, parts are told that can be read, and nothing outside is
 * touched. */
static void broken_trees_are_told_as_far_as_they_go(void)
{
    uint8_t memory[4096];
    struct span tree = mime_tree_in(span_text(multipart), memory, sizeof(memory));

    for (size_t cut = 0; cut < tree.len; cut++) {
        struct span guarded = guard_copy(span_head(tree, cut), true);
        json_t *parts = record_parts(guarded, &record_privacy_default);

        CHECK(json_is_array(parts) && json_array_size(parts) <= 3);
        json_decref(parts);
        guard_free(guarded);
    }
}

/* What is written by hand is what the library would have read: every byte, alone and between
 * others, and sequences of UTF-8 that are whole, cut and forbidden. */
/* Every byte at every place among words of plain ones, read up to the end of what may be read. */
static void every_byte_is_told_at_every_place(void)
{
    enum { LEN = 19 };
    struct json_line line = {0};

    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < LEN; at++) {
            uint8_t bytes[LEN];
            struct span text;
            json_t *back, *whole = NULL;

            memset(bytes, 'a', sizeof(bytes));
            bytes[at] = (uint8_t)c;
            text = guard_copy(span_of(bytes, sizeof(bytes)), true);
            json_line_reset(&line);
            json_line_peer(&line, NULL, text);
            back = json_line_load(&line);
            whole = record_json_text(text);
            if (!json_equal(back, whole))
                CHECK(!"a text is told as another one");
            json_decref(back);
            json_decref(whole);
            guard_free(text);
        }
    json_line_fini(&line);
}

static void texts_are_escaped_as_the_library_reads_them(void)
{
    static const char *const texts[] = {
        "",     "\"",       "\\\"/",         "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7z",
        "\xc3", "\xc2\x85", "\xed\xa0\x80x", "\x7f\r\n\t\x1b"};
    struct json_line line = {0};
    json_t *back, *whole;

    json_line_open(&line, NULL, '[');
    for (int c = 0; c < 256; c++) {
        uint8_t bytes[3] = {'a', (uint8_t)c, 'b'};

        json_line_peer(&line, NULL, span_of(bytes, sizeof(bytes)));
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_line_text(&line, NULL, texts[i]);
    json_line_close(&line, ']');
    back = json_line_load(&line);
    CHECK(json_array_size(back) == 256 + sizeof(texts) / sizeof(texts[0]));
    for (size_t i = 0; i < json_array_size(back); i++) {
        uint8_t bytes[3] = {'a', (uint8_t)i, 'b'};

        whole =
            record_json_text(i < 256 ? span_of(bytes, sizeof(bytes)) : span_text(texts[i - 256]));
        CHECK(json_equal(json_array_get(back, i), whole));
        json_decref(whole);
    }
    json_decref(back);
    json_line_reset(&line);
    json_line_open(&line, NULL, '[');
    json_line_thousandths(&line, NULL, -1500);
    json_line_thousandths(&line, NULL, 7);
    json_line_number(&line, NULL, UINT64_C(9007199254740993));
    json_line_close(&line, ']');
    CHECK_TEXT(span_of(line.data, line.len), "[-1.500,0.007,9007199254740993]");
    json_line_fini(&line);
}

/* A slot in which everything is as wrong as a worker could make it. */
static void counts_beyond_their_arrays_are_cut(void)
{
    static struct record r;
    json_t *json;

    fill_message(&r);
    r.message.recipient_count = 100000;
    r.message.began_ms = UINT64_MAX;
    json = line_back(&r);
    CHECK(json_array_size(json_object_get(json_object_get(json, "message"), "rcpt_to")) ==
          MESSAGE_DELIVERIES - 1); /* one was refused */
    json_decref(json);
}

/* ---- the writer ---- */

static const struct record_writer_options writer_options = {.key_rotation_ms = 1000};

static struct record_writer *start_writer(struct handoff *h, const char *path)
{
    return record_writer_start(h, path, "", &writer_options, NULL);
}

static void send_connection(struct handoff *h, const char *reason)
{
    struct record *r = record_take(handoff_port_of(h, 0));

    if (!CHECK(r != NULL))
        return;
    record_reset(r, RECORD_CONNECTION);
    r->connection.reason = record_put(r, span_text(reason), 100);
    record_give(handoff_port_of(h, 0), r, true);
    handoff_flush(handoff_port_of(h, 0));
}

static uint32_t lines_of(const char *path, uint32_t *bad_out)
{
    char line[8192];
    FILE *f = fopen(path, "r");
    uint32_t n = 0;

    *bad_out = 0;
    while (f && fgets(line, sizeof(line), f)) {
        json_t *json = json_loads(line, 0, NULL);

        *bad_out += !json;
        json_decref(json);
        n++;
    }
    if (f)
        fclose(f);
    return n;
}

static void wait_for(struct record_writer *w, uint64_t lines)
{
    for (int i = 0; i < 2000 && record_writer_counters(w).written < lines; i++)
        usleep(1000);
    CHECK(record_writer_counters(w).written == lines);
}

static struct handoff *new_handoff(void)
{
    return handoff_new(&(struct handoff_options){.workers = 1, .jobs = 16, .records = 16});
}

static void lines_reach_the_file(void)
{
    struct handoff *h = new_handoff();
    char path[] = "/tmp/wirepost-control-record-XXXXXX", moved[64];
    struct record_writer *w;
    uint32_t bad;
    int fd = mkstemp(path);

    /* What a kill left behind. */
    CHECK(write(fd, "{\"kind\":\"mess", 13) == 13);
    close(fd);
    w = start_writer(h, path);
    if (!CHECK(w != NULL))
        return;
    for (int i = 0; i < 10; i++)
        send_connection(h, "closed");
    wait_for(w, 10);
    CHECK(lines_of(path, &bad) == 11 && bad == 1);

    /* Renamed, reopened: new lines go to a new file. */
    snprintf(moved, sizeof(moved), "%s.1", path);
    CHECK(rename(path, moved) == 0);
    record_writer_reopen(w, &writer_options);
    for (int i = 0; i < 2000 && access(path, F_OK) != 0; i++)
        usleep(1000);
    send_connection(h, "closed");
    send_connection(h, "last words");
    /* What is in the ring at the end is written. */
    record_writer_stop(w);
    CHECK(lines_of(path, &bad) == 2 && bad == 0);
    unlink(path);
    unlink(moved);
    handoff_free(h);
}

static void events_reach_the_file(void)
{
    struct handoff *h = new_handoff();
    char path[] = "/tmp/wirepost-control-record-XXXXXX", line[512] = "";
    struct record_writer *w;
    FILE *f;

    close(mkstemp(path));
    w = start_writer(h, path);
    if (!CHECK(w != NULL))
        return;
    record_writer_event(w, RECORD_TYPE_engine,
                        json_pack("{s:s, s:s, s:i, s:s}", "event", "started", "program", "1.0",
                                  "configuration", 1, "hostname", "mx.example.test"));
    record_writer_event(w, RECORD_TYPE_engine, NULL);
    wait_for(w, 1);
    CHECK(record_writer_counters(w).dropped == 1);
    record_writer_stop(w);
    f = fopen(path, "r");
    CHECK(fgets(line, sizeof(line), f) != NULL);
    CHECK(
        strstr(line, "{\"kind\":\"engine\",\"version\":1,\"schema\":\"engine/1.0\",\"time\":\"2") ==
        line);
    keep_line(line, strlen(line));
    fclose(f);
    unlink(path);
    handoff_free(h);
}

static void failed_writes_are_counted_and_hold_nobody(void)
{
    struct handoff *h = new_handoff();
    struct record_writer *w = start_writer(h, "/dev/full");

    if (!CHECK(w != NULL))
        return;
    /* More than there are slots: they come back though nothing can be written. */
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 2000 && record_writer_counters(w).dropped < (uint64_t)i; j++)
            usleep(1000);
        send_connection(h, "closed");
    }
    for (int j = 0; j < 2000 && record_writer_counters(w).dropped < 64; j++)
        usleep(1000);
    CHECK(record_writer_counters(w).dropped == 64 && record_writer_counters(w).written == 0);
    CHECK(record_writer_counters(w).errors > 0);
    record_writer_stop(w);
    handoff_free(h);
    h = new_handoff();
    CHECK(start_writer(h, "/nowhere/at/all") == NULL && errno == ENOENT);
    handoff_free(h);
}

int main(void)
{
    check_begin();
    CHECK_CASE(messages_read_back);
    CHECK_CASE(connections_read_back);
    CHECK_CASE(broken_trees_are_told_as_far_as_they_go);
    CHECK_CASE(counts_beyond_their_arrays_are_cut);
    CHECK_CASE(texts_are_escaped_as_the_library_reads_them);
    CHECK_CASE(every_byte_is_told_at_every_place);
    CHECK_CASE(lines_reach_the_file);
    CHECK_CASE(events_reach_the_file);
    CHECK_CASE(failed_writes_are_counted_and_hold_nobody);
    return check_end();
}
