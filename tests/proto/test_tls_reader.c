/* SPDX-License-Identifier: BSD-3-Clause */
#include <openssl/evp.h>
#include <stdio.h>

#include "proto/tls/tls_fingerprint.h"
#include "proto/tls/tls_frames.h"
#include "proto/tls/tls_key_log.h"
#include "proto/tls/tls_messages.h"
#include "tests/harness/check.h"
#include "tests/proto/tls_hellos.h"

static const struct hello_parts mail = {
    .version = 0x0303,
    .suites = "1301 c02f",
    .extensions = "0000 000a 000b 000d 0010 002b 0029 002a",
    .groups = "001d 0017",
    .signatures = "0403 0804",
    .versions = "0304 0303 7a7a",
    .name = "mx.example.test",
    .alpn = "smtp",
    .point_formats = 1,
};

/* ---- hellos ---- */

static void a_hello_is_read(void)
{
    uint8_t room[512];
    struct span body = guard_copy(hello_client(room, sizeof(room), &mail), true);
    struct tls_hello t;

    CHECK(tls_client_hello_read(body, &t));
    CHECK(t.legacy_version == 0x0303 && t.version == 0x0304 && t.random.len == 32);
    CHECK(t.suites.len == 4 && t.groups.len == 4 && t.signatures.len == 4 && t.versions.len == 6);
    CHECK(t.point_formats.len == 1 && t.named && t.psk && t.early_data && !t.session.len);
    CHECK_TEXT(t.server_name, "mx.example.test");
    CHECK_TEXT(tls_alpn_first(t.alpn), "smtp");
    guard_free(body);
}

/* Whatever the length, nothing behind it is read, and what was said before stands. */
static void a_hello_is_cut_anywhere(void)
{
    uint8_t room[512];
    struct span body = hello_client(room, sizeof(room), &mail);
    struct tls_hello t;

    for (size_t n = 0; n < body.len; n++)
        for (int end = 0; end < 2; end++) {
            struct span copy = guard_copy(span_head(body, n), end);

            CHECK(tls_client_hello_read(copy, &t) == (n >= 35 + 2 + 4 + 2));
            tls_server_hello_read(copy, &t);
            tls_encrypted_alpn(copy);
            guard_free(copy);
        }
}

static const uint8_t server[] = {3, 3, 9, 9,    9,    9, 9, 9, 9, 9,    9, 9, 9, 9, 9, 9,
                                 9, 9, 9, 9,    9,    9, 9, 9, 9, 9,    9, 9, 9, 9, 9, 9,
                                 9, 9, 0, 0x13, 0x02, 0, 0, 6, 0, 0x2b, 0, 2, 3, 4};

static void an_answer_is_read(void)
{
    static const uint8_t retry[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                    0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                    0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    uint8_t other[sizeof(server)];
    struct tls_hello t;

    CHECK(tls_server_hello_read(span_of(server, sizeof(server)), &t));
    CHECK(t.legacy_version == 0x0303 && t.version == 0x0304 && !t.retry && !t.compressed);
    CHECK(t.suites.len == 2 && t.suites.data[1] == 2);
    memcpy(other, server, sizeof(server));
    memcpy(other + 2, retry, sizeof(retry));
    other[37] = 1;
    CHECK(tls_server_hello_read(span_of(other, sizeof(other)), &t) && t.retry && t.compressed);
    CHECK(strcmp(tls_suite_name(0x1302), "TLS_AES_256_GCM_SHA384") == 0 && !tls_suite_name(0x9999));
}

static void certificates_are_found(void)
{
    static const uint8_t tls12[] = {0, 0, 9, 0, 0, 2, 'a', 'b', 0, 0, 1, 'c'};
    static const uint8_t tls13[] = {1, 7, 0, 0, 13, 0, 0, 1, 'a', 0, 1, 9, 0, 0, 1, 'b', 0, 0};
    struct tls_certificates c;
    struct span der;

    tls_certificates_init(&c, span_of(tls12, sizeof(tls12)), false);
    CHECK(tls_certificates_next(&c, &der));
    CHECK_TEXT(der, "ab");
    CHECK(tls_certificates_next(&c, &der));
    CHECK_TEXT(der, "c");
    CHECK(!tls_certificates_next(&c, &der));
    tls_certificates_init(&c, span_of(tls13, sizeof(tls13)), true);
    CHECK(tls_certificates_next(&c, &der));
    CHECK_TEXT(der, "a");
    CHECK(tls_certificates_next(&c, &der));
    CHECK_TEXT(der, "b");
    CHECK(!tls_certificates_next(&c, &der));
    for (size_t n = 0; n < sizeof(tls13); n++) {
        struct span copy = guard_copy(span_of(tls13, n), true);

        tls_certificates_init(&c, copy, true);
        while (tls_certificates_next(&c, &der))
            CHECK(der.len == 1);
        guard_free(copy);
    }
}

/* ---- fingerprints ---- */

static void digest_is(const EVP_MD *how, struct span text, const char *expected)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned int len = 0;

    EVP_Digest(text.data, text.len, digest, &len, how, NULL);
    for (unsigned int i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK(strncmp(hex, expected, strlen(expected)) == 0);
}

/* Both examples of the description that Salesforce published. */
static void ja3_is_as_published(void)
{
    static const struct {
        struct hello_parts parts;
        const char *text, *md5;
    } examples[] = {
        {{.version = 0x0301,
          .suites = "002f 0035 0005 000a c009 c00a c013 c014 0032 0038 0013 0004",
          .extensions = "0000 000a 000b",
          .groups = "0017 0018 0019",
          .point_formats = 1},
         "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
         "ada70206e40642a3e4461f35503241d5"},
        {{.version = 0x0301, .suites = "0004 0005 000a 0009 0064 0062 0003 0006 0013 0012 0063"},
         "769,4-5-10-9-100-98-3-6-19-18-99,,,",
         "de350869b8c85de67a350c8d186f11e6"},
    };

    for (size_t i = 0; i < 2; i++) {
        uint8_t room[512], memory[TLS_FINGERPRINT_ROOM];
        struct writer w = writer_of(memory, sizeof(memory));
        struct tls_hello t;

        CHECK(tls_client_hello_read(hello_client(room, sizeof(room), &examples[i].parts), &t));
        tls_fingerprint_ja3(&w, &t);
        CHECK_TEXT(writer_span(&w), examples[i].text);
        digest_is(EVP_md5(), writer_span(&w), examples[i].md5);
    }
}

static void ja3_of_a_server(void)
{
    uint8_t memory[256];
    struct writer w = writer_of(memory, sizeof(memory));
    struct tls_hello t;

    tls_server_hello_read(span_of(server, sizeof(server)), &t);
    tls_fingerprint_ja3s(&w, &t);
    CHECK_TEXT(writer_span(&w), "771,4866,43");
}

/* A browser's hello and its fingerprint, from the test data that FoxIO published; with values of
 * GREASE (RFC 8701) in every list, where they were. */
static void ja4_is_as_published(void)
{
    static const struct hello_parts parts = {
        .version = 0x0303,
        .suites = "2a2a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035",
        .extensions = "5a5a fe0d 0010 0017 0033 44cd ff01 000a 000d 0023 002b 000b ca34 002d 0000 "
                      "0005 001b 0012 8a8a",
        .groups = "dada 001d 0017",
        .signatures = "caca 0904 0905 0906 0403 0804 0401 0503 0805 0501 0806 0601",
        .versions = "6a6a 0304 0303",
        .name = "x.test",
        .alpn = "h2",
        .point_formats = 1};
    uint8_t room[1024], memory[TLS_FINGERPRINT_ROOM];
    struct writer w = writer_of(memory, sizeof(memory));
    struct tls_hello t;

    CHECK(tls_client_hello_read(hello_client(room, sizeof(room), &parts), &t));
    tls_fingerprint_ja4_head(&w, &t);
    CHECK_TEXT(writer_span(&w), "t13d1517h2");
    w = writer_of(memory, sizeof(memory));
    tls_fingerprint_ja4_suites(&w, &t);
    digest_is(EVP_sha256(), writer_span(&w), "8daaf6152771");
    w = writer_of(memory, sizeof(memory));
    tls_fingerprint_ja4_extensions(&w, &t);
    digest_is(EVP_sha256(), writer_span(&w), "cb7bf5808d99");
}

static void ja4_heads(void)
{
    static const struct {
        struct hello_parts parts;
        const char *head;
    } rows[] = {
        {{.version = 0x0301, .suites = "0005"}, "t10i010000"},
        {{.version = 0x0303, .suites = "0005", .extensions = "0010", .alpn = "\xab"}, "t12i0101ab"},
        {{.version = 0x0300, .suites = "", .extensions = "0010", .alpn = "0\xab"}, "ts3i00013b"},
        {{.version = 0x0302, .suites = "", .extensions = "0010", .alpn = "01\xab\xcd"},
         "t11i00013d"},
        {{.version = 0x0304, .suites = "", .extensions = "0000 0010", .alpn = "http/1.1"},
         "t13d0002h1"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t room[512], memory[64];
        struct writer w = writer_of(memory, sizeof(memory));
        struct tls_hello t;

        CHECK(tls_client_hello_read(hello_client(room, sizeof(room), &rows[i].parts), &t));
        tls_fingerprint_ja4_head(&w, &t);
        CHECK_TEXT(writer_span(&w), rows[i].head);
    }
}

static void too_many_values_have_none(void)
{
    static uint8_t suites[2 * TLS_FINGERPRINT_MOST + 2], memory[TLS_FINGERPRINT_ROOM];
    struct tls_hello t = {.suites = span_of(suites, sizeof(suites))};
    struct writer w = writer_of(memory, sizeof(memory));

    tls_fingerprint_ja3(&w, &t);
    CHECK(w.full);
    t.suites = span_of(suites, sizeof(suites) - 2);
    w = writer_of(memory, sizeof(memory));
    tls_fingerprint_ja4_suites(&w, &t);
    CHECK(!w.full && w.len == 5 * TLS_FINGERPRINT_MOST - 1);
}

/* ---- records and messages ---- */

/* Types, lengths and bytes of all records, in whatever parts. */
static void play_frames(struct tls_frames *f, struct span in, struct writer *told)
{
    struct tls_part p;

    while (tls_frames_next(f, &in, &p) == TLS_FRAMES_PART) {
        if (p.first)
            writer_printf(told, "(%u %u ", p.type, p.len);
        writer_span_put(told, p.bytes);
        CHECK(!p.record.len ||
              (p.first && p.last && p.record.len == (size_t)TLS_FRAME_HEADER + p.len));
        if (p.last)
            writer_text(told, ")");
    }
}

static void records_come_in_pieces(void)
{
    static const uint8_t bytes[] = "\x16\x03\x01\x00\x03"
                                   "abc"
                                   "\x17\x03\x03\x00\x00"
                                   "\x15\x03\x03\x00\x02"
                                   "de";
    struct span all = span_of(bytes, sizeof(bytes) - 1);

    for (size_t cut = 0; cut <= all.len; cut++)
        for (size_t end = cut; end <= all.len; end++) {
            struct span pieces[3] = {guard_copy(span_head(all, cut), true),
                                     guard_copy(span_of(bytes + cut, end - cut), true),
                                     guard_copy(span_skip(all, end), true)};
            struct tls_frames f = {0};
            char text[128];
            struct writer told = writer_of(text, sizeof(text));

            for (int i = 0; i < 3; i++) {
                play_frames(&f, pieces[i], &told);
                guard_free(pieces[i]);
            }
            CHECK_TEXT(writer_span(&told), "(22 3 abc)(23 0 )(21 2 de)");
        }
}

static void what_is_no_record_is_refused(void)
{
    static const char *const wrong[] = {"220 mx", "\x19\x03\x03\x00\x01", "\x17\x02\x03\x00\x01",
                                        "\x17\x03\x03\x48\x01"};
    struct tls_part p;

    for (int i = 0; i < 4; i++) {
        struct tls_frames f = {0};
        struct span in = span_of(wrong[i], i ? 5 : 6);

        CHECK(tls_frames_next(&f, &in, &p) == TLS_FRAMES_BAD);
    }
}

static void a_hole_within_a_record(void)
{
    static const uint8_t bytes[] = "\x17\x03\x03\x00\x08"
                                   "ab";
    struct tls_frames f = {0};
    struct span in = span_of(bytes, 7);
    struct tls_part p;

    CHECK(!tls_frames_gap(&f, 1));
    CHECK(tls_frames_next(&f, &in, &p) == TLS_FRAMES_PART && !p.last);
    CHECK(tls_frames_gap(&f, 4) && f.inside && !tls_frames_gap(&f, 3));
    in = span_of("yz\x15", 3);
    CHECK(tls_frames_next(&f, &in, &p) == TLS_FRAMES_PART && p.last && !p.first);
    CHECK(in.len == 1 && !f.inside);
    in = span_of(bytes, 7);
    CHECK(tls_frames_next(&f, &in, &p) == TLS_FRAMES_PART && tls_frames_gap(&f, 6) && !f.inside);
}

static void play_messages(struct tls_messages *m, struct span in, struct writer *told)
{
    struct tls_message message;

    while (tls_messages_next(m, &in, &message)) {
        writer_printf(told, "(%u %s%.*s)", message.type, message.cut ? "cut" : "",
                      (int)message.body.len, (const char *)message.body.data);
        if (message.type == TLS_CLIENT_HELLO)
            tls_messages_keep(m);
    }
    CHECK(in.len == 0);
}

static void messages_come_in_pieces(void)
{
    static const uint8_t bytes[] = "\x01\x00\x00\x03"
                                   "abc"
                                   "\x02\x00\x00\x00"
                                   "\x0b\x00\x00\x0a"
                                   "0123456789"
                                   "\x14\x00\x00\x02"
                                   "de";
    struct span all = span_of(bytes, sizeof(bytes) - 1);

    for (size_t cut = 0; cut <= all.len; cut++) {
        uint8_t room[7 + 4 + 5];
        struct span copy = guard_copy(span_head(all, cut), true);
        struct tls_messages m;
        char text[128];
        struct writer told = writer_of(text, sizeof(text));

        tls_messages_init(&m, room, sizeof(room));
        play_messages(&m, copy, &told);
        play_messages(&m, span_skip(all, cut), &told);
        guard_free(copy);
        CHECK_TEXT(writer_span(&told), "(1 abc)(2 )(11 cut)(20 de)");
        CHECK(memcmp(room + 4, "abc", 3) == 0 && tls_messages_idle(&m));
    }
}

static void kept_messages_may_leave_no_room(void)
{
    uint8_t room[8];
    struct tls_messages m;
    struct tls_message message;
    struct span in = span_of("\x01\x00\x00\x03"
                             "abc"
                             "\x02\x00\x00\x00",
                             11);

    tls_messages_init(&m, room, sizeof(room));
    CHECK(tls_messages_next(&m, &in, &message));
    tls_messages_keep(&m);
    CHECK(!tls_messages_next(&m, &in, &message) && in.len == 0);
}

/* ---- the key log ---- */

#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F"
#define HALF "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
static const char key_log[] =
    "# comment\n\nRSA 0011 2233\nCLIENT_RANDOM " RANDOM " " HALF HALF HALF "\r\n"
    "CLIENT_RANDOM " RANDOM " " HALF HALF "\n" /* no master secret is so short */
    "SERVER_TRAFFIC_SECRET_0 " RANDOM " " HALF HALF "\n"
    "SERVER_TRAFFIC_SECRET_0 " RANDOM " " HALF HALF " more\n"
    "CLIENT_TRAFFIC_SECRET_0 " RANDOM "g " HALF HALF "\n"
    "CLIENT_TRAFFIC_SECRET_0\n"
    "CLIENT_TRAFFIC_SECRET_0 " RANDOM RANDOM RANDOM RANDOM RANDOM "\n"
    "EXPORTER_SECRET " RANDOM " " HALF HALF "\n"
    "client_random " RANDOM " " HALF HALF HALF "\n"
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " HALF HALF HALF "\n"
    "SERVER_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " HALF HALF;

static void play_key_log(struct tls_key_log *k, struct span in, struct writer *told)
{
    enum tls_key_log_status status;
    struct tls_key_log_entry e;

    while ((status = tls_key_log_next(k, &in, &e)) != TLS_KEY_LOG_MORE)
        if (status == TLS_KEY_LOG_BAD) {
            writer_text(told, "bad ");
        } else {
            writer_printf(told, "%d:%u ", (int)e.label, e.len);
            CHECK(e.random[31] == 0x1f && e.secret[0] == 0xa0 && e.secret[e.len - 1] == 0xaf);
        }
}

static void a_key_log_comes_in_pieces(void)
{
    struct span all = span_of(key_log, sizeof(key_log) - 1);

    for (size_t cut = 0; cut <= all.len; cut++) {
        struct span first = guard_copy(span_head(all, cut), true);
        struct span second = guard_copy(span_skip(all, cut), true);
        struct tls_key_log k = {0};
        char text[128];
        struct writer told = writer_of(text, sizeof(text));

        play_key_log(&k, first, &told);
        play_key_log(&k, second, &told);
        CHECK_TEXT(writer_span(&told), "0:48 bad 4:32 bad bad bad bad 1:48 ");
        guard_free(first);
        guard_free(second);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_hello_is_read);
    CHECK_CASE(a_hello_is_cut_anywhere);
    CHECK_CASE(an_answer_is_read);
    CHECK_CASE(certificates_are_found);
    CHECK_CASE(ja3_is_as_published);
    CHECK_CASE(ja3_of_a_server);
    CHECK_CASE(ja4_is_as_published);
    CHECK_CASE(ja4_heads);
    CHECK_CASE(too_many_values_have_none);
    CHECK_CASE(records_come_in_pieces);
    CHECK_CASE(what_is_no_record_is_refused);
    CHECK_CASE(a_hole_within_a_record);
    CHECK_CASE(messages_come_in_pieces);
    CHECK_CASE(kept_messages_may_leave_no_room);
    CHECK_CASE(a_key_log_comes_in_pieces);
    return check_end();
}
