/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/mail/mail_decode.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* BINARY: parts behind their transfer encoding. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static struct mail_scene m;
static struct imap_session *s;

static void begin_bytes(struct span message)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    mail_scene_append_bytes(&m, s, "a APPEND INBOX {1}\r\n", message);
    CHECK(m.last.stored_out);
    SAYS("a EXAMINE INBOX", "* FLAGS*");
}

static void begin(const char *message)
{
    begin_bytes(span_text(message));
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static const char parts[] = "MIME-Version: 1.0\r\n"
                            "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n\r\n"
                            "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                            "caf=C3=A9 =\r\nau lait\r\n\r\n"
                            "--b\r\nContent-Type: application/x-nul\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\nQQBC\r\n"
                            "--b\r\nContent-Transfer-Encoding: x-unknown\r\n\r\nabc\r\n"
                            "--b\r\n\r\nplain\r\n"
                            "--b--\r\n";

static void parts_are_decoded(void)
{
    begin(parts);
    SAYS("a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])",
         "* 1 FETCH (BINARY[1] {5}\r\nhello BINARY.SIZE[1] 5)\r\na OK done\r\n");
    SAYS("a FETCH 1 (BINARY.SIZE[2] BINARY[2])",
         "* 1 FETCH (BINARY.SIZE[2] 15 BINARY[2] {15}\r\ncaf\xc3\xa9 au lait\r\n)\r\na OK done\r\n");
    SAYS("a FETCH 1 (BINARY.SIZE[5] BINARY[5])",
         "* 1 FETCH (BINARY.SIZE[5] 5 BINARY[5] {5}\r\nplain)\r\na OK done\r\n");
    /* Only the own encoding counts. */
    SAYS("a FETCH 1 BINARY.SIZE[]", "* 1 FETCH (BINARY.SIZE[] 348)*");
    SAYS("a FETCH 1 BINARY[]<0.17>",
         "* 1 FETCH (BINARY[]<0> {17}\r\nMIME-Version: 1.0)\r\na OK done\r\n");
    end();
}

static void a_range_is_of_what_is_decoded(void)
{
    begin(parts);
    SAYS("a FETCH 1 BINARY[1]<1.3>", "* 1 FETCH (BINARY[1]<1> {3}\r\nell)\r\na OK done\r\n");
    SAYS("a FETCH 1 BINARY[1]<4.9>", "* 1 FETCH (BINARY[1]<4> {1}\r\no)\r\na OK done\r\n");
    SAYS("a FETCH 1 BINARY[1]<5.9>", "* 1 FETCH (BINARY[1]<5> {0}\r\n)\r\na OK done\r\n");
    SAYS("a FETCH 1 BINARY[5]<1.2>", "* 1 FETCH (BINARY[5]<1> {2}\r\nla)\r\na OK done\r\n");
    SAYS("a FETCH 1 BINARY[1]<9223372036854775807.9223372036854775807>",
         "* 1 FETCH (BINARY[1]<9223372036854775807> {0}\r\n)\r\na OK done\r\n");
    end();
}

static bool said(const char *bytes, size_t len)
{
    return CHECK(m.answer_len == len) && CHECK(memcmp(m.answer, bytes, len) == 0);
}
#define SAID(text) said(text, sizeof(text) - 1)

static void nul_is_in_a_literal8_alone(void)
{
    begin(parts);
    mail_scene_run(&m, s, "a FETCH 1 BINARY[3]");
    SAID("* 1 FETCH (BINARY[3] ~{3}\r\nA\0B)\r\na OK done\r\n");
    /* Of what is sent. */
    SAYS("a FETCH 1 BINARY[3]<0.1>", "* 1 FETCH (BINARY[3]<0> {1}\r\nA)\r\na OK done\r\n");
    mail_scene_run(&m, s, "a FETCH 1 BINARY[3]<1.1>");
    SAID("* 1 FETCH (BINARY[3]<1> ~{1}\r\n\0)\r\na OK done\r\n");
    end();
}

static void what_cannot_be_decoded_is_left_out(void)
{
    begin(parts);
    SAYS("a FETCH 1 BINARY[4]",
         "* 1 FETCH (UID 1)\r\na NO [UNKNOWN-CTE] some encoding is unknown\r\n");
    SAYS("a FETCH 1 (BINARY.SIZE[4] BINARY[1] BINARY[4])",
         "* 1 FETCH (BINARY[1] {5}\r\nhello)\r\na NO [UNKNOWN-CTE] some encoding is unknown\r\n");
    SAYS("a UID FETCH 1 BINARY.SIZE[4]",
         "* 1 FETCH (UID 1)\r\na NO [UNKNOWN-CTE] some encoding is unknown\r\n");
    SAYS("a FETCH 1 (FLAGS BINARY.SIZE[9] BINARY[9])",
         "* 1 FETCH (FLAGS (\\Recent) BINARY.SIZE[9] 0 BINARY[9] \"\")\r\na OK done\r\n");
    end();
}

/* A binary part with NUL: whole by BINARY, elsewhere 0x80 stands in its place. */
static void a_binary_message_is_kept_whole(void)
{
    static const char message[] = "Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\nA\0B\n";
    static const char head[] = "Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    char expected[200];

    begin_bytes(span_of(message, sizeof(message) - 1));
    mail_scene_run(&m, s, "a FETCH 1 BINARY[1]");
    SAID("* 1 FETCH (BINARY[1] ~{4}\r\nA\0B\n)\r\na OK done\r\n");
    SAYS("a FETCH 1 BODY[TEXT]", "* 1 FETCH (BODY[TEXT] {4}\r\nA\x80" "B\n)\r\na OK done\r\n");
    SAYS("a FETCH 1 BODY[TEXT]<1.2>", "* 1 FETCH (BODY[TEXT]<1> {2}\r\n\x80" "B)\r\na OK done\r\n");
    snprintf(expected, sizeof(expected), "* 1 FETCH (RFC822 {%zu}\r\n%sA\x80" "B\n)\r\na OK done\r\n",
             sizeof(message) - 1, head);
    SAYS("a FETCH 1 RFC822", expected);
    end();
}

static void nul_needs_a_binary_part(void)
{
    begin(parts);
    mail_scene_nul(&m, s, "a APPEND INBOX ~{1}\r\n",
                   span_of("Subject: x\r\n\r\nA\0B", sizeof("Subject: x\r\n\r\nA\0B") - 1));
    CHECK_TEXT(span_text(m.answer), "a NO [UNKNOWN-CTE] NUL in a message without a binary part\r\n");
    end();
}

enum { LARGE = 3000000 };

static uint8_t octet(size_t i)
{
    return (uint8_t)((i * 2654435761u) >> 13);
}

/* Encoded in lines of 76, behind a header. */
static struct span large_message(void)
{
    static const char head[] = "Content-Type: application/octet-stream\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\n";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct writer w = writer_of(malloc(2 * LARGE), 2 * LARGE);

    writer_text(&w, head);
    for (size_t i = 0; i < LARGE; i += 3) {
        uint32_t bits = (uint32_t)octet(i) << 16 | (uint32_t)octet(i + 1) << 8 | octet(i + 2);

        for (int shift = 18; shift >= 0; shift -= 6)
            writer_byte(&w, (uint8_t)digits[bits >> shift & 63]);
        if (i % 57 == 54)
            writer_text(&w, "\r\n");
    }
    writer_text(&w, "\r\n");
    return writer_span(&w);
}

/* Longer than a step, than a chunk and than what is decoded at once. */
static void a_large_part_is_decoded_piece_by_piece(void)
{
    static const char head[] = "* 1 FETCH (BINARY[1]<2500001> ~{400000}\r\n";
    struct span message = large_message();
    bool same = true;

    begin_bytes(message);
    SAYS("a FETCH 1 BINARY.SIZE[1]", "* 1 FETCH (BINARY.SIZE[1] 3000000)\r\na OK done\r\n");
    mail_scene_run(&m, s, "a FETCH 1 BINARY[1]<2500001.400000>");
    CHECK(memcmp(m.answer, head, sizeof(head) - 1) == 0);
    if (CHECK(m.answer_len == sizeof(head) - 1 + 400000 + strlen(")\r\na OK done\r\n")))
        for (size_t i = 0; i < 400000; i++)
            same = same && (uint8_t)m.answer[sizeof(head) - 1 + i] == octet(2500001 + i);
    CHECK(same);
    _Static_assert(sizeof(struct mail_decode) <= MAIL_DECODE_ROOM + 512, "what a part takes");
    end();
    free((void *)(uintptr_t)message.data);
}

/* Broken encodings: the size that is said is the one that is sent, whatever they are. */
static void sizes_are_those_that_are_sent(void)
{
    static const char *const bodies[] = {"",        "=",       "====",     "aGVsbG8",  "aGVsb=G8=aGVs",
                                         "a",       "aG-Vs_",  "aGVs\r\n\r\nbG8=\r\ntext behind\r\n",
                                         "=C3=A9=", "=\r\n=x", "a \r\n \t", "=4 =41=4"};
    static const char *const encodings[] = {"base64", "quoted-printable", "7bit", "binary"};

    for (size_t e = 0; e < 4; e++)
        for (size_t b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++) {
            char message[400];
            unsigned long size = 1, sent = 2;
            const char *at;

            snprintf(message, sizeof(message), "Content-Transfer-Encoding: %s\r\n\r\n%s",
                     encodings[e], bodies[b]);
            begin(message);
            mail_scene_run(&m, s, "a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])");
            at = strstr(m.answer, "SIZE[1] ");
            size = at ? strtoul(at + 8, NULL, 10) : 0;
            at = strchr(m.answer, '{');
            sent = at ? strtoul(at + 1, NULL, 10) : 1;
            if (!CHECK(size == sent))
                printf("# %s: %s: %s\n", encodings[e], bodies[b], m.answer);
            end();
        }
}

int main(void)
{
    check_begin();
    CHECK_CASE(parts_are_decoded);
    CHECK_CASE(a_range_is_of_what_is_decoded);
    CHECK_CASE(nul_is_in_a_literal8_alone);
    CHECK_CASE(what_cannot_be_decoded_is_left_out);
    CHECK_CASE(a_binary_message_is_kept_whole);
    CHECK_CASE(nul_needs_a_binary_part);
    CHECK_CASE(a_large_part_is_decoded_piece_by_piece);
    CHECK_CASE(sizes_are_those_that_are_sent);
    return check_end();
}
