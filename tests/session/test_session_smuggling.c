/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/*
 * What some server somewhere takes for the end of a message: FORM(name, bytes, what is named). Each
 * in DATA and in a chunk of BDAT, with a message to be smuggled behind it.
 */
#define FORMS                                                                                      \
    FORM(lf_dot_lf, "\n.\n", "bare LF")                                                            \
    FORM(lf_dot_crlf, "\n.\r\n", "bare LF")                                                        \
    FORM(crlf_dot_lf, "\r\n.\n", "bare LF")                                                        \
    FORM(lf_lf_dot_crlf, "\n\n.\r\n", "bare LF")                                                   \
    FORM(lf_dot_cr, "\n.\r", "bare LF")                                                            \
    FORM(lf_cr_dot_lf_cr, "\n\r.\n\r", "bare LF")                                                  \
    FORM(crlf_lf_dot_crlf, "\r\n\n.\r\n", "bare LF")                                               \
    FORM(cr_dot_cr, "\r.\r", "bare CR")                                                            \
    FORM(cr_dot_lf, "\r.\n", "bare CR")                                                            \
    FORM(cr_dot_crlf, "\r.\r\n", "bare CR")                                                        \
    FORM(crlf_dot_cr, "\r\n.\rX", "bare CR")                                                       \
    FORM(crcrlf_dot_crcrlf, "\r\r\n.\r\r\n", "bare CR")                                            \
    FORM(crlf_dot_crcrlf, "\r\n.\r\r\n", "bare CR")                                                \
    FORM(crcrlf_dot_crlf, "\r\r\n.\r\n", "bare CR")                                                \
    FORM(crlf_cr_dot_crlf, "\r\n\r.\r\n", "bare CR")                                               \
    FORM(cr_nul_lf_dot_crlf, "\r\0\n.\r\n", "bare CR")                                             \
    FORM(crlf_dot_cr_nul_lf, "\r\n.\r\0\n", "bare CR")                                             \
    FORM(crlf_nul_dot_crlf, "\r\n\0.\r\n", "NUL")                                                  \
    FORM(crlf_dot_nul_crlf, "\r\n.\0\r\n", "NUL")                                                  \
    FORM(nul_crlf_dot_crlf, "\0\r\n.\r\n", "NUL")

#define SMUGGLED                                                                                   \
    "MAIL FROM:<forged@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nforged\r\n.\r\nQUIT\r\n"

static void begin(struct world *w)
{
    world_connect(w, 25);
    world_say(w, "EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\n");
    CHECK(world_expect(w, "220*250 *250 2.1.0*250 2.1.5*"));
}

/* The form is named, nothing behind it is read, and the connection ends. */
static void refused(struct world *w, struct span bytes, const char *reply)
{
    world_say_bytes(w, bytes);
    CHECK(world_expect(w, reply) && w->closed);
    CHECK(w->message_count == 0 && w->message_records == 1 && w->records[0].message.code == 550);
    CHECK(world_free(w));
}

static void check_form(struct span form, const char *what)
{
    uint8_t memory[512];
    char reply[64];
    struct writer text = writer_of(memory, sizeof(memory));
    struct writer expected = writer_of((uint8_t *)reply, sizeof(reply) - 1);
    struct world *w = world_new(NULL, NULL);

    writer_printf(&expected, "550 5.5.2 %s is refused*\r\n", what);
    reply[expected.len] = 0;
    begin(w);
    world_say(w, "DATA\r\n");
    CHECK(world_expect(w, "354 *"));
    writer_text(&text, "a");
    writer_span_put(&text, form);
    writer_text(&text, SMUGGLED);
    refused(w, writer_span(&text), reply);

    w = world_new(NULL, NULL);
    begin(w);
    text.len = 0;
    writer_printf(&text, "BDAT %zu LAST\r\na", 1 + form.len + sizeof(SMUGGLED) - 1);
    writer_span_put(&text, form);
    writer_text(&text, SMUGGLED);
    refused(w, writer_span(&text), reply);
}

#define FORM(name, bytes, what)                                                                    \
    static void name(void)                                                                         \
    {                                                                                              \
        check_form(span_of((const uint8_t *)bytes, sizeof(bytes) - 1), what);                      \
    }
FORMS
#undef FORM

/* In a command line nothing but CRLF is an end either. */
static void commands_end_in_crlf_alone(void)
{
    static const struct {
        struct span line;
        const char *reply;
    } rows[] = {
        {{(const uint8_t *)"NOOP\nQUIT\r\n", 11}, "550 5.5.2 bare LF is refused*"},
        {{(const uint8_t *)"NOOP\rQUIT\r\n", 11}, "550 5.5.2 bare CR is refused*"},
        {{(const uint8_t *)"NOOP\0\r\nQUIT\r\n", 13}, "550 5.5.2 NUL is refused*"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_new(NULL, NULL);

        begin(w);
        world_say_bytes(w, rows[i].line);
        CHECK(world_expect(w, rows[i].reply) && w->closed);
        CHECK(world_free(w));
    }
}

/* What is a line end to Unicode or to printers is none here: a dot beside it is text. */
static void other_separators_are_text(void)
{
    static const char *const forms[] = {
        "\x85.\x85",         "\v.\v",        "\f.\f", "\xe2\x80\xa8.\xe2\x80\xa8",
        "\r\n.\xc2\x85\r\n", "\r\n.\x1a\r\n"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct world *w = world_new(NULL, NULL);

        begin(w);
        world_say(w, "DATA\r\na");
        world_say(w, forms[i]);
        CHECK(world_expect(w, "354 *"));
        world_say(w, SMUGGLED);
        CHECK(world_expect(w, "250 2.0.0 accepted*221 *") && w->message_count == 1);
        CHECK(world_free(w));
    }
}

int main(void)
{
    check_begin();
#define FORM(name, bytes, what) CHECK_CASE(name);
    FORMS
#undef FORM
    CHECK_CASE(commands_end_in_crlf_alone);
    CHECK_CASE(other_separators_are_text);
    return check_end();
}
