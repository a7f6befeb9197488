/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/detect/detect.h"

enum { WORD_MAX = 32, TAG_MAX = 32 };

const char *detect_name(enum detect_protocol protocol)
{
    static const char *const names[] = {
        [DETECT_UNDECIDED] = "unknown", [DETECT_SMTP] = "smtp", [DETECT_POP3] = "pop3",
        [DETECT_IMAP] = "imap",         [DETECT_TLS] = "tls",   [DETECT_OTHER] = "unknown",
    };

    return names[protocol <= DETECT_OTHER ? protocol : DETECT_OTHER];
}

static bool begins(struct span s, const char *with)
{
    struct span head = span_text(with);

    return span_equal_nocase(span_head(s, head.len), head);
}

/* More bytes may make `s` begin so. */
static bool may_begin(struct span s, const char *with)
{
    struct span head = span_text(with);

    return s.len < head.len && span_equal_nocase(s, span_head(head, s.len));
}

static bool contains(struct span s, const char *what)
{
    size_t len = strlen(what);

    for (; s.len >= len; s = span_skip(s, 1))
        if (begins(s, what))
            return true;
    return false;
}

/* The first word, behind which something stands; empty: it is not whole yet, or too long for one.
 */
static struct span first_word(struct span s)
{
    for (size_t i = 0; i < s.len && i < WORD_MAX; i++)
        if (s.data[i] == ' ' || s.data[i] == '\r' || s.data[i] == '\n')
            return span_head(s, i);
    return span_of(s.data, 0);
}

static bool is_one_of(struct span word, const char *const *words)
{
    for (; *words; words++)
        if (word.len && span_equal_nocase(word, span_text(*words)))
            return true;
    return false;
}

/* Handshake, of a version that there is (RFC 8446 section 5.1). */
static bool is_tls(struct span s)
{
    return s.len >= 3 && s.data[0] == 0x16 && s.data[1] == 3 && s.data[2] <= 4;
}

static bool may_be_tls(struct span s)
{
    return s.len < 3 && (s.len < 1 || s.data[0] == 0x16) && (s.len < 2 || s.data[1] == 3);
}

/* tag SP command                                                    ; RFC 9051 section 9 */
static bool is_imap_command(struct span s)
{
    static const char *const commands[] = {
        "CAPABILITY", "LOGIN",  "AUTHENTICATE", "STARTTLS",  "ID",  "NOOP",  "LOGOUT", "SELECT",
        "EXAMINE",    "ENABLE", "COMPRESS",     "NAMESPACE", "UID", "FETCH", "IDLE",   NULL};
    struct span tag = first_word(s);

    return tag.len && tag.len <= TAG_MAX && s.data[tag.len] == ' ' &&
           is_one_of(first_word(span_skip(s, tag.len + 1)), commands);
}

static enum detect_protocol of_client(struct span s)
{
    static const char *const smtp[] = {"EHLO", "HELO", "LHLO", NULL};
    static const char *const pop3[] = {"CAPA", "APOP", "STLS", "UIDL", "RETR", "STAT", NULL};

    if (is_tls(s))
        return DETECT_TLS;
    if (is_one_of(first_word(s), smtp) || begins(s, "MAIL FROM:"))
        return DETECT_SMTP;
    if (is_one_of(first_word(s), pop3))
        return DETECT_POP3;
    if (is_imap_command(s))
        return DETECT_IMAP;
    return s.len >= DETECT_MAX ? DETECT_OTHER : DETECT_UNDECIDED;
}

/* A banner that FTP, NNTP and others could have too. */
static enum detect_protocol of_banner(struct span client, struct span server)
{
    static const char *const verbs[] = {"QUIT", "NOOP",    "RSET",     "HELP", "VRFY",
                                        "EXPN", "AUTH",    "STARTTLS", "MAIL", "RCPT",
                                        "DATA", "XCLIENT", NULL};
    struct span word = first_word(client);

    if (contains(server, "SMTP"))
        return DETECT_SMTP;
    if (contains(server, "FTP") || (word.len && !is_one_of(word, verbs)))
        return DETECT_OTHER;
    return word.len ? DETECT_SMTP : DETECT_UNDECIDED;
}

static enum detect_protocol of_server(struct span client, struct span server)
{
    static const char *const signs[] = {"220",  "250",  "421",       "554",   "+OK",
                                        "-ERR", "* OK", "* PREAUTH", "* BYE", NULL};
    bool may = may_be_tls(server);

    if (is_tls(server))
        return DETECT_TLS;
    if (begins(server, "* OK") || begins(server, "* PREAUTH") || begins(server, "* BYE"))
        return DETECT_IMAP;
    /* What answers an array or a string of RESP says the same. */
    if (begins(server, "+OK") || begins(server, "-ERR"))
        return client.len && (client.data[0] == '*' || client.data[0] == '$') ? DETECT_OTHER
                                                                              : DETECT_POP3;
    if (begins(server, "220") || begins(server, "250") || begins(server, "421") ||
        begins(server, "554"))
        return of_banner(client, server);
    for (size_t i = 0; signs[i]; i++)
        may = may || may_begin(server, signs[i]);
    return may ? DETECT_UNDECIDED : DETECT_OTHER;
}

enum detect_protocol detect(struct span client, struct span server)
{
    enum detect_protocol said = client.len ? of_client(client) : DETECT_UNDECIDED;
    enum detect_protocol answered = server.len ? of_server(client, server) : DETECT_UNDECIDED;

    if (said != DETECT_UNDECIDED && said != DETECT_OTHER)
        return said;
    /* A client may talk nonsense for long: the server's first line says what it was said to. */
    if (answered == DETECT_UNDECIDED &&
        (server.len >= DETECT_MAX || (said == DETECT_OTHER && span_find(server, '\n') >= 0)))
        return DETECT_OTHER;
    return answered;
}

enum detect_protocol detect_last(struct span client, uint16_t server_port)
{
    static const char *const shared[] = {"QUIT", "NOOP", "RSET", NULL};

    if (!is_one_of(first_word(client), shared))
        return DETECT_OTHER;
    return server_port == 25 || server_port == 587 ? DETECT_SMTP
           : server_port == 110                    ? DETECT_POP3
                                                   : DETECT_OTHER;
}

bool detect_prelude(struct span client, size_t *len_out)
{
    enum { LINE_MAX = 107, SIGNATURE = 12, FIXED = 16 };
    static const uint8_t signature[SIGNATURE] = "\r\n\r\n\0\r\nQUIT\n";
    struct span head = span_head(client, SIGNATURE), line = span_head(client, LINE_MAX);
    ptrdiff_t end = span_find(line, '\n');

    *len_out = 0;
    if (client.len && span_equal(head, span_of(signature, head.len))) {
        if (client.len < FIXED)
            return false;
        *len_out = FIXED + ((size_t)client.data[14] << 8 | client.data[15]);
        return true;
    }
    if (client.len && may_begin(client, "PROXY "))
        return false;
    if (!begins(client, "PROXY "))
        return true;
    if (end >= 0)
        *len_out = (size_t)end + 1;
    return end >= 0 || client.len >= LINE_MAX;
}
