/* SPDX-License-Identifier: BSD-3-Clause */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "dataplane/tls/tls_stream.h"
#include "tests/harness/check.h"

static struct tls_crypto *crypto;

static size_t unhex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};

        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

/* RFC 8448 section 3: secrets and records of the simple handshake. */
static const char client_secret[] =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const char server_secret[] =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
static const char client_data[] = "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f"
                                  "2b9819a8a5b46b395bd54a9a20441e2b"
                                  "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
static const char server_data[] = "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36"
                                  "e30efaf97d90e6dffc602dcb501a59a8"
                                  "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";
static const char client_close[] = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";

static struct tls_keys rfc8448_keys(void)
{
    struct tls_keys keys = {.version = TLS_VERSION_1_3, .suite = 0x1301};

    unhex(client_secret, keys.read.secret);
    unhex(server_secret, keys.write.secret);
    keys.write.sequence = 1; /* a ticket was the first record */
    return keys;
}

static void keys_are_those_of_rfc8448(void)
{
    struct tls_keys keys = rfc8448_keys();
    struct tls_record r;
    uint8_t key[16], iv[12];

    CHECK(tls_record_init(&r, crypto, &keys));
    unhex("17422dda596ed5d9acd890e3c63f5051", key);
    unhex("5b78923dee08579033e523d9", iv);
    CHECK(memcmp(r.read.way.key, key, sizeof(key)) == 0);
    CHECK(memcmp(r.read.way.iv, iv, sizeof(iv)) == 0);
    unhex("9f02283b6c9c07efc26bb9f2ac92e356", key);
    unhex("cf782b88dd83549aadf1e984", iv);
    CHECK(memcmp(r.write.way.key, key, sizeof(key)) == 0);
    CHECK(memcmp(r.write.way.iv, iv, sizeof(iv)) == 0);
}

static void records_are_those_of_rfc8448(void)
{
    struct tls_keys keys = rfc8448_keys();
    struct tls_stream s;
    uint8_t record[256], room[TLS_SEALED_MAX], expected[256], data[50];
    struct span got;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    CHECK(tls_stream_init(&s, crypto, &keys));
    size_t len = unhex(client_data, record);
    CHECK(tls_record_length(record) == len);
    /* Opened as often as anybody likes, until it is taken. */
    for (int i = 0; i < 2; i++) {
        CHECK(tls_stream_open(&s, crypto, span_of(record, len), room, &got) == TLS_EVENT_DATA);
        CHECK(span_equal(got, span_of(data, sizeof(data))));
    }
    tls_stream_taken(&s);
    len = unhex(server_data, expected);
    CHECK(tls_stream_seal(&s, crypto, span_of(data, sizeof(data)), room) == len);
    CHECK(memcmp(room, expected, len) == 0);
    len = unhex(client_close, record);
    CHECK(tls_stream_open(&s, crypto, span_of(record, len), room, &got) == TLS_EVENT_CLOSED);
}

/* ---- two ends ---- */

/* What records can be like. */
struct kind {
    const struct tls_suite *suite;
    uint16_t version;
    bool etm;
};

enum { KINDS = 96 };

/* All there are; how many. */
static uint32_t all_kinds(struct kind kinds[KINDS])
{
    const struct tls_suite *suite;
    uint32_t n = 0;

    for (uint32_t k = 0; (suite = tls_suite_at(k)) != NULL; k++)
        for (uint16_t version = TLS_VERSION_1_0; version <= TLS_VERSION_1_3; version++)
            for (int etm = 0; etm <= (suite->mac != TLS_HASH_NONE); etm++)
                if (tls_suite_is_of(suite, version))
                    kinds[n++] = (struct kind){suite, version, etm};
    return n;
}

static struct tls_keys keys_for(const struct kind *kind, bool other_end)
{
    const struct tls_suite *suite = kind->suite;
    struct tls_keys keys = {.version = kind->version, .suite = suite->id, .etm = kind->etm};
    struct tls_way *ways[2] = {&keys.read, &keys.write};

    for (int i = 0; i < 2; i++) {
        struct tls_way *w = ways[i ^ other_end];

        memset(w->secret, 0x40 + i, sizeof(w->secret));
        memset(w->key, 0x50 + i, sizeof(w->key));
        memset(w->iv, 0x60 + i, sizeof(w->iv));
        w->sequence = suite->tls13 ? 0 : 1;
    }
    return keys;
}

static void ends_of_kind(const struct kind *kind, struct tls_stream *here, struct tls_stream *there)
{
    struct tls_keys keys = keys_for(kind, false), other = keys_for(kind, true);

    CHECK(tls_stream_init(here, crypto, &keys));
    CHECK(tls_stream_init(there, crypto, &other));
}

static struct kind usual(const struct tls_suite *suite)
{
    return (struct kind){.suite = suite,
                         .version = suite->tls13 ? TLS_VERSION_1_3 : TLS_VERSION_1_2};
}

static void ends_of(const struct tls_suite *suite, struct tls_stream *here,
                    struct tls_stream *there)
{
    struct kind kind = usual(suite);

    ends_of_kind(&kind, here, there);
}

static void suites_are_of_their_versions(void)
{
    struct kind kinds[KINDS];
    uint32_t cbc = 0;

    for (uint32_t i = 0, count = all_kinds(kinds); i < count; i++)
        cbc += kinds[i].suite->mac != TLS_HASH_NONE;
    /* Six with SHA-1 of three versions, eight that are new in TLS 1.2, each with both orders. */
    CHECK(cbc == 2 * (6 * 3 + 8));
    for (uint32_t k = 0; tls_suite_at(k); k++)
        for (uint16_t version = 0x02ff; version <= 0x0305; version++) {
            struct kind kind = {tls_suite_at(k), version, false};
            struct tls_keys keys = keys_for(&kind, false);
            struct tls_stream s;

            CHECK(tls_stream_init(&s, crypto, &keys) == tls_suite_is_of(kind.suite, version));
        }
}

static void each_suite_carries_each_size(void)
{
    static const size_t sizes[] = {1, 2, 15, 16, 17, 1000, TLS_PLAIN_MAX - 1, TLS_PLAIN_MAX};
    static uint8_t data[TLS_PLAIN_MAX], sealed[TLS_PLAIN_MAX + TLS_STREAM_ROOM],
        room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct kind kinds[KINDS];
    struct span got;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (uint32_t k = 0, count = all_kinds(kinds); k < count; k++) {
        bool split = kinds[k].version == TLS_VERSION_1_0;

        ends_of_kind(&kinds[k], &here, &there);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t len = tls_stream_seal(&here, crypto, span_of(data, sizes[i]), sealed);
            size_t first = tls_record_length(sealed), at = split && sizes[i] > 1 ? 1 : 0;
            struct span copy;

            CHECK((first < len) == (at == 1));
            if (at) {
                CHECK(tls_stream_open(&there, crypto, span_of(sealed, first), room, &got) ==
                      TLS_EVENT_DATA);
                CHECK(span_equal(got, span_of(data, 1)));
                tls_stream_taken(&there);
            }
            copy = guard_copy(span_of(sealed + at * first, len - at * first), true);
            CHECK(copy.len == tls_record_length(copy.data));
            /* As often as anybody likes. */
            for (int again = 0; again < 2; again++) {
                CHECK(tls_stream_open(&there, crypto, copy, room, &got) == TLS_EVENT_DATA);
                CHECK(span_equal(got, span_of(data + at, sizes[i] - at)));
            }
            tls_stream_taken(&there);
            guard_free(copy);
        }
    }
}

static void no_changed_record_is_opened(void)
{
    uint8_t sealed[64 + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct kind kinds[KINDS];
    struct span got;

    for (uint32_t k = 0, count = all_kinds(kinds); k < count; k++) {
        ends_of_kind(&kinds[k], &here, &there);
        size_t len = tls_record_seal(&here.record, crypto, TLS_APPLICATION_DATA,
                                     span_text("secret words"), sealed);

        for (size_t at = 0; at < len; at++) {
            memset(room, 0xee, sizeof(room));
            sealed[at] ^= 1;
            CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) ==
                  TLS_EVENT_BAD);
            CHECK(got.len == 0);
            CHECK(memcmp(room, "secret", 6) != 0);
            CHECK(at < TLS_HEADER || there.alert == TLS_ALERT_BAD_RECORD_MAC);
            sealed[at] ^= 1;
        }
        for (size_t cut = 0; cut < len; cut++)
            CHECK(tls_stream_open(&there, crypto, span_of(sealed, cut), room, &got) ==
                  TLS_EVENT_BAD);
        CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) == TLS_EVENT_DATA);
        tls_stream_taken(&there);
        /* Nor one that comes twice. */
        CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) == TLS_EVENT_BAD);
        CHECK(there.alert == TLS_ALERT_BAD_RECORD_MAC);
    }
}

static enum tls_event pass(struct tls_stream *here, struct tls_stream *there, enum tls_content type,
                           struct span content, struct span *got)
{
    static uint8_t sealed[TLS_PLAIN_MAX + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    size_t len = tls_record_seal(&here->record, crypto, type, content, sealed);

    CHECK(len > 0);
    return tls_stream_open(there, crypto, span_of(sealed, len), room, got);
}

static const uint8_t key_update[] = {24, 0, 0, 1, 1};

static void keys_change_both_ways(void)
{
    uint8_t sealed[64 + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct span got;

    for (uint32_t k = 0; tls_suite_at(k)->tls13; k++) {
        ends_of(tls_suite_at(k), &here, &there);
        CHECK(pass(&here, &there, TLS_HANDSHAKE, span_of(key_update, 5), &got) == TLS_EVENT_NONE);
        tls_record_update(&here.record, crypto, &here.record.write);
        CHECK(pass(&here, &there, TLS_APPLICATION_DATA, span_text("x"), &got) == TLS_EVENT_DATA);
        tls_stream_taken(&there);
        /* The answer is a KeyUpdate, then what is said with the new key. */
        size_t len = tls_stream_seal(&there, crypto, span_text("answer"), sealed);
        size_t first = tls_record_length(sealed);
        CHECK(first < len);
        CHECK(tls_stream_open(&here, crypto, span_of(sealed, first), room, &got) == TLS_EVENT_NONE);
        CHECK(tls_stream_open(&here, crypto, span_of(sealed + first, len - first), room, &got) ==
              TLS_EVENT_DATA);
        CHECK_TEXT(got, "answer");
        CHECK(!here.update && !there.update);
    }
}

static void a_key_update_may_come_in_pieces(void)
{
    struct tls_stream here, there;
    struct span got;

    for (size_t cut = 1; cut < 5; cut++) {
        ends_of(tls_suite_at(0), &here, &there);
        CHECK(pass(&here, &there, TLS_HANDSHAKE, span_of(key_update, cut), &got) == TLS_EVENT_NONE);
        CHECK(!there.update);
        CHECK(pass(&here, &there, TLS_HANDSHAKE, span_of(key_update + cut, 5 - cut), &got) ==
              TLS_EVENT_NONE);
        CHECK(there.update);
        /* Nothing may stand between the pieces. */
        ends_of(tls_suite_at(0), &here, &there);
        pass(&here, &there, TLS_HANDSHAKE, span_of(key_update, cut), &got);
        CHECK(pass(&here, &there, TLS_APPLICATION_DATA, span_text("x"), &got) == TLS_EVENT_BAD);
    }
}

/* Tickets of a server (RFC 8446 section 4.6.1), two and then a KeyUpdate, cut at every point into
 * two records: a client passes over them, a server is sent none. */
static void a_client_passes_over_tickets(void)
{
    static const uint8_t messages[] = {4,  0, 0, 3, 1, 2, 3, 4, 0, 0, 1, 9, /* two tickets */
                                       24, 0, 0, 1, 0};
    static const uint8_t huge[] = {4, 1, 0, 1};
    uint8_t record[256], room[TLS_SEALED_MAX];
    struct tls_stream server, client;
    struct kind kind = usual(tls_suite_find(0x1301));
    struct tls_keys keys = keys_for(&kind, true);
    struct span got, all = span_of(messages, sizeof(messages));

    for (size_t cut = 1; cut <= all.len; cut++) {
        ends_of(tls_suite_find(0x1301), &server, &client);
        CHECK(tls_stream_init_client(&client, crypto, &keys));
        for (int part = 0; part < 2 && (part == 0 || cut < all.len); part++) {
            struct span piece = part ? span_skip(all, cut) : span_head(all, cut);
            size_t len = tls_record_seal(&server.record, crypto, TLS_HANDSHAKE, piece, record);
            struct span copy = guard_copy(span_of(record, len), true);

            CHECK(tls_stream_open(&client, crypto, copy, room, &got) == TLS_EVENT_NONE);
            guard_free(copy);
        }
        tls_record_update(&server.record, crypto, &server.record.write);
        size_t len = tls_stream_seal(&server, crypto, span_text("x"), record);
        CHECK(tls_stream_open(&client, crypto, span_of(record, len), room, &got) == TLS_EVENT_DATA);
        CHECK(span_equal(got, span_text("x")));
    }
    /* Nothing stands between the pieces of one; none is larger than can be; a server gets none. */
    ends_of(tls_suite_find(0x1301), &server, &client);
    CHECK(tls_stream_init_client(&client, crypto, &keys));
    size_t len = tls_record_seal(&server.record, crypto, TLS_HANDSHAKE, span_head(all, 5), record);
    CHECK(tls_stream_open(&client, crypto, span_of(record, len), room, &got) == TLS_EVENT_NONE);
    len = tls_stream_seal(&server, crypto, span_text("x"), record);
    CHECK(tls_stream_open(&client, crypto, span_of(record, len), room, &got) == TLS_EVENT_BAD);
    ends_of(tls_suite_find(0x1301), &server, &client);
    CHECK(tls_stream_init_client(&client, crypto, &keys));
    len =
        tls_record_seal(&server.record, crypto, TLS_HANDSHAKE, span_of(huge, sizeof(huge)), record);
    CHECK(tls_stream_open(&client, crypto, span_of(record, len), room, &got) == TLS_EVENT_BAD);
    ends_of(tls_suite_find(0x1301), &server, &client);
    len = tls_record_seal(&server.record, crypto, TLS_HANDSHAKE, all, record);
    CHECK(tls_stream_open(&client, crypto, span_of(record, len), room, &got) == TLS_EVENT_BAD);
}

static const struct {
    enum tls_content type;
    const char *content;
    size_t len;
    enum tls_event event[2]; /* TLS 1.3, 1.2 */
    uint8_t alert[2];
} rows[] = {
    {TLS_ALERT, "\1\0", 2, {TLS_EVENT_CLOSED, TLS_EVENT_CLOSED}, {255, 255}},
    {TLS_ALERT, "\2\50", 2, {TLS_EVENT_ALERT, TLS_EVENT_ALERT}, {255, 255}},
    {TLS_ALERT, "\1\50", 2, {TLS_EVENT_ALERT, TLS_EVENT_NONE}, {255, 255}},
    {TLS_ALERT, "\1\132", 2, {TLS_EVENT_NONE, TLS_EVENT_NONE}, {255, 255}},
    {TLS_ALERT, "\1", 1, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {50, 50}},
    {TLS_ALERT, "", 0, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {50, 50}},
    {TLS_ALERT, "\1\0\1\0", 4, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {50, 50}},
    {TLS_HANDSHAKE, "", 0, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 10}},
    {TLS_HANDSHAKE, "\1\0\0\0", 4, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 100}},
    {TLS_HANDSHAKE, "\30\0\0\1\2", 5, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {47, 10}},
    {TLS_HANDSHAKE, "\30\0\0\1\0\30", 6, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 10}},
    {TLS_HANDSHAKE, "\30\0\0\2\0", 5, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 10}},
    {TLS_CHANGE_CIPHER_SPEC, "\1", 1, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 10}},
    {TLS_APPLICATION_DATA, "", 0, {TLS_EVENT_NONE, TLS_EVENT_NONE}, {255, 255}},
    {99, "x", 1, {TLS_EVENT_BAD, TLS_EVENT_BAD}, {10, 10}},
};

static void each_record_of_tls_itself(void)
{
    struct tls_stream here, there;
    struct span got;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int old = 0; old < 2; old++) {
            ends_of(tls_suite_at(old ? 3 : 0), &here, &there);
            enum tls_event event =
                pass(&here, &there, rows[i].type, span_of(rows[i].content, rows[i].len), &got);

            CHECK(event == rows[i].event[old]);
            CHECK(there.alert == rows[i].alert[old]);
            CHECK(got.len == 0);
        }
}

static void records_that_bring_nothing_come_to_an_end(void)
{
    struct tls_stream here, there;
    struct span got;

    ends_of(tls_suite_at(0), &here, &there);
    for (int i = 0; i < TLS_IDLE_MAX; i++)
        CHECK(pass(&here, &there, TLS_APPLICATION_DATA, span_of("", 0), &got) == TLS_EVENT_NONE);
    CHECK(pass(&here, &there, TLS_APPLICATION_DATA, span_of("", 0), &got) == TLS_EVENT_BAD);
}

static void the_end_is_said_once(void)
{
    uint8_t sealed[TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct span got;
    size_t len;

    ends_of(tls_suite_at(0), &here, &there);
    len = tls_stream_end(&here, crypto, sealed);
    CHECK(len > 0);
    CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) == TLS_EVENT_CLOSED);
    CHECK(tls_stream_end(&here, crypto, sealed) == 0);
    CHECK(tls_stream_seal(&here, crypto, span_text("x"), sealed) == 0);
}

static void a_worn_key_is_replaced(void)
{
    uint8_t sealed[16 + TLS_STREAM_ROOM];
    struct tls_stream here, there;

    ends_of(tls_suite_at(0), &here, &there);
    here.record.write.way.sequence = TLS_RECORDS_A_KEY - 1;
    CHECK(tls_stream_seal(&here, crypto, span_text("x"), sealed) > tls_record_length(sealed));
    CHECK(here.record.write.way.sequence == 1);
    ends_of(tls_suite_at(3), &here, &there);
    here.record.write.way.sequence = TLS_RECORDS_A_KEY - 1;
    CHECK(tls_stream_seal(&here, crypto, span_text("x"), sealed) == 0);
}

/* More connections than there are contexts, in turn. */
static void many_connections_share_contexts(void)
{
    enum { MANY = 500 };
    struct tls_stream *ends = calloc(2 * MANY, sizeof(*ends));
    uint8_t sealed[16 + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    struct span got;

    for (int i = 0; i < MANY; i++)
        ends_of(tls_suite_at((uint32_t)i % 3), &ends[2 * i], &ends[2 * i + 1]);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < MANY; i++) {
            size_t len = tls_stream_seal(&ends[2 * i], crypto, span_text("x"), sealed);

            CHECK(tls_stream_open(&ends[2 * i + 1], crypto, span_of(sealed, len), room, &got) ==
                  TLS_EVENT_DATA);
            tls_stream_taken(&ends[2 * i + 1]);
        }
    free(ends);
}

static unsigned taken;
static int held; /* of what was taken, what was not given back */

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    taken++;
    held++;
    return malloc(size);
}

static void *change(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    taken++;
    held += !memory;
    return realloc(memory, size);
}

static void give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    held -= memory != NULL;
    free(memory);
}

/* New keys, data, KeyUpdate, forged ones. */
static void use(const struct kind *kind)
{
    uint8_t sealed[64 + TLS_STREAM_ROOM], room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct span got;
    size_t len;

    ends_of_kind(kind, &here, &there);
    there.update = kind->suite->tls13;
    len = tls_stream_seal(&here, crypto, span_text("x"), sealed);
    CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) == TLS_EVENT_DATA);
    tls_stream_taken(&there);
    CHECK(tls_stream_open(&there, crypto, span_of(sealed, len), room, &got) == TLS_EVENT_BAD);
    CHECK(tls_stream_seal(&there, crypto, span_text("answer"), sealed) > 0);
    CHECK(tls_stream_end(&there, crypto, sealed) > 0);
}

/* A worker takes no memory for a record with an AEAD. */
static void no_memory_is_taken_for_records(void)
{
    struct kind kinds[KINDS];
    unsigned before = taken;

    CHECK(before > 0);
    for (uint32_t i = 0, count = all_kinds(kinds); i < count; i++)
        if (!kinds[i].suite->mac)
            use(&kinds[i]);
    CHECK(taken == before);
}

/* With CBC libcrypto takes some, and keeps none for the connection. */
static void no_memory_is_kept_for_records(void)
{
    enum { ROUNDS = 300 };
    struct kind kinds[KINDS];
    uint32_t count = all_kinds(kinds);
    int before = 0;

    for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2)
            before = held;
        for (uint32_t i = 0; i < count; i++)
            if (kinds[i].suite->mac)
                use(&kinds[i]);
    }
    /* In a context that was used once lies the last record's MAC. */
    CHECK(held <= before && held > 0);
}

static void no_record_begins_so(void)
{
    uint8_t header[TLS_HEADER] = {23, 3, 3, 0x40, 0x00};

    CHECK(tls_record_length(header) == TLS_HEADER + TLS_PLAIN_MAX);
    header[3] = 0x41;
    header[4] = TLS_SEALED_MAX & 0xff;
    CHECK(tls_record_length(header) == TLS_RECORD_MAX);
    header[4]++;
    CHECK(tls_record_length(header) == 0);
    header[3] = header[4] = 0;
    header[0] = 24;
    CHECK(tls_record_length(header) == 0);
    header[0] = 22;
    header[1] = 2;
    CHECK(tls_record_length(header) == 0);
}

/* RFC 8446 section 5.2: 256 octets more than what is in it, where TLS 1.2 with CBC may have more. */
static void a_record_of_tls13_is_no_longer_than_that(void)
{
    static uint8_t record[TLS_RECORD_MAX] = {23, 3, 3, 0x41, 0x01}, room[TLS_SEALED_MAX];
    struct tls_stream here, there;
    struct span got;

    ends_of(tls_suite_at(0), &here, &there);
    CHECK(tls_stream_open(&there, crypto, span_of(record, TLS_HEADER + TLS13_SEALED_MAX + 1), room,
                          &got) == TLS_EVENT_BAD);
    CHECK(there.alert == TLS_ALERT_RECORD_OVERFLOW);
    record[4] = 0;
    CHECK(tls_stream_open(&there, crypto, span_of(record, TLS_HEADER + TLS13_SEALED_MAX), room,
                          &got) == TLS_EVENT_BAD);
    CHECK(there.alert == TLS_ALERT_BAD_RECORD_MAC);
}

int main(void)
{
    CRYPTO_set_mem_functions(take, change, give);
    crypto = tls_crypto_new();
    check_begin();
    CHECK_CASE(keys_are_those_of_rfc8448);
    CHECK_CASE(records_are_those_of_rfc8448);
    CHECK_CASE(suites_are_of_their_versions);
    CHECK_CASE(each_suite_carries_each_size);
    CHECK_CASE(no_changed_record_is_opened);
    CHECK_CASE(keys_change_both_ways);
    CHECK_CASE(a_key_update_may_come_in_pieces);
    CHECK_CASE(a_client_passes_over_tickets);
    CHECK_CASE(each_record_of_tls_itself);
    CHECK_CASE(records_that_bring_nothing_come_to_an_end);
    CHECK_CASE(the_end_is_said_once);
    CHECK_CASE(a_worn_key_is_replaced);
    CHECK_CASE(many_connections_share_contexts);
    CHECK_CASE(no_memory_is_taken_for_records);
    CHECK_CASE(no_memory_is_kept_for_records);
    CHECK_CASE(no_record_begins_so);
    CHECK_CASE(a_record_of_tls13_is_no_longer_than_that);
    tls_crypto_free(crypto);
    return check_end();
}
