/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_trace.h"

#include "proto/base/peer_text.h"

enum {
    HELO_LIMIT = 255,
    PATH_LIMIT = 256,
    HOST_LIMIT = 255,
    ID_LIMIT = 64,
    LINE_LIMIT = 78, /* RFC 5322 section 2.1.1 */
    SECONDS_A_DAY = 86400,
};

/*
 * The civil date of a day counted from 1970-01-01, by 400-year cycles of 146097 days that begin on
 * a first of March, so that the leap day is the last of its year.
 */
static void civil_date(uint64_t days, unsigned *year_out, unsigned *month_out, unsigned *day_out)
{
    uint64_t since_0000_03_01 = days + 719468;
    unsigned of_cycle = (unsigned)(since_0000_03_01 % 146097);
    unsigned year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    unsigned of_year = of_cycle - (365 * year + year / 4 - year / 100);
    unsigned march_based = (5 * of_year + 2) / 153;

    *day_out = of_year - (153 * march_based + 2) / 5 + 1;
    *month_out = march_based < 10 ? march_based + 3 : march_based - 9;
    *year_out = (unsigned)(since_0000_03_01 / 146097 * 400) + year + (*month_out <= 2);
}

/*
 * date-time = [ day-of-week "," ] date time [CFWS]                    ; RFC 5322 section 3.3
 * date      = day month year
 * time      = hour ":" minute [ ":" second ] FWS ( "+" / "-" ) 4DIGIT
 */
void smtp_trace_date(struct writer *w, uint64_t wall_seconds)
{
    static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t days = wall_seconds / SECONDS_A_DAY;
    unsigned of_day = (unsigned)(wall_seconds % SECONDS_A_DAY);
    unsigned year, month, day;

    civil_date(days, &year, &month, &day);
    writer_span_put(w, span_of(day_names + 3 * (days % 7), 3));
    writer_text(w, ", ");
    writer_number(w, day);
    writer_byte(w, ' ');
    writer_span_put(w, span_of(month_names + 3 * (month - 1), 3));
    writer_byte(w, ' ');
    writer_digits(w, year, 4);
    writer_byte(w, ' ');
    writer_digits(w, of_day / 3600, 2);
    writer_byte(w, ':');
    writer_digits(w, of_day / 60 % 60, 2);
    writer_byte(w, ':');
    writer_digits(w, of_day % 60, 2);
    writer_text(w, " +0000");
}

static void put_peer(struct writer *w, const char *before, struct span text, size_t limit,
                     const char *behind)
{
    writer_text(w, before);
    peer_text(w, text, limit, PEER_TEXT_ASCII);
    writer_text(w, behind);
}

static void put_path(struct writer *w, const char *before, struct span path, bool utf8,
                     const char *behind)
{
    writer_text(w, before);
    peer_text(w, path, PATH_LIMIT, utf8 ? PEER_TEXT_UTF8 : PEER_TEXT_ASCII);
    writer_text(w, behind);
}

/* With = "with" FWS Protocol; the names of RFC 3848 and of RFC 6531 section 4.3. */
static const char *protocol(const struct smtp_trace *t)
{
    static const char *const names[2][2][2] = {
        {{"ESMTP", "ESMTPS"}, {"ESMTPA", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPS"}, {"UTF8SMTPA", "UTF8SMTPSA"}}};

    return t->esmtp ? names[t->smtputf8][t->authenticated][t->tls_suite.len > 0] : "SMTP";
}

/* With, then the version as a comment, then ID. */
static void put_with(struct writer *w, const struct smtp_trace *t)
{
    writer_text(w, "with ");
    writer_text(w, protocol(t));
    if (t->tls_version.len) {
        writer_text(w, " (");
        writer_span_put(w, t->tls_version);
        writer_byte(w, ')');
    }
    put_peer(w, " id ", t->id, ID_LIMIT, "");
}

/* TCP-info = address-literal / ( Domain FWS address-literal ) */
static void put_tcp_info(struct writer *w, const struct smtp_trace *t)
{
    writer_byte(w, '(');
    if (t->client_name.len)
        put_peer(w, "", t->client_name, HOST_LIMIT, " ");
    writer_text(w, ip_address_is_v4(&t->client) ? "[" : "[IPv6:");
    ip_address_put(w, &t->client);
    writer_text(w, "])");
}

/* A field of Received that is being folded. */
struct folder {
    struct writer *w;
    size_t column;
};

/* Appends one clause, on a new line when it does not fit behind the last. */
static void put_clause(struct folder *f, struct span clause)
{
    if (f->column + 1 + clause.len > LINE_LIMIT) {
        writer_text(f->w, "\r\n\t");
        f->column = 8;
    } else {
        writer_byte(f->w, ' ');
        f->column++;
    }
    writer_span_put(f->w, clause);
    f->column += clause.len;
}

/*
 * Time-stamp-line = "Received:" FWS Stamp CRLF                         ; RFC 5321 section 4.4
 * Stamp           = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
 * From-domain     = "FROM" FWS Extended-Domain
 * Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" ) / ( address-literal FWS "(" TCP-info
 * ")" ) Opt-info        = [Via] [With] [ID] [For] [Additional-Registered-Clauses]
 * tls-cipher-clause = CFWS "tls" FWS tls-cipher                        ; RFC 8314 section 4.3
 */
static void put_received(struct writer *w, const struct smtp_trace *t)
{
    uint8_t text[HOST_LIMIT + 128];
    struct writer clause = writer_of(text, sizeof(text));
    struct folder f = {.w = w, .column = sizeof("Received:") - 1};

    writer_text(w, "Received:");
    if (!t->hidden) {
        put_peer(&clause, "from ", t->helo, HELO_LIMIT, "");
        put_clause(&f, writer_span(&clause));
        clause.len = 0;
        put_tcp_info(&clause, t);
        put_clause(&f, writer_span(&clause));
        clause.len = 0;
    }
    put_peer(&clause, "by ", t->hostname, HOST_LIMIT, "");
    put_clause(&f, writer_span(&clause));

    clause.len = 0;
    put_with(&clause, t);
    if (t->only_recipient) {
        put_clause(&f, writer_span(&clause));
        clause.len = 0;
        put_path(&clause, "for <", t->recipient, t->smtputf8, ">");
    }
    if (t->tls_suite.len) {
        put_clause(&f, writer_span(&clause));
        clause.len = 0;
        writer_text(&clause, "tls ");
        writer_span_put(&clause, t->tls_suite);
    }
    writer_byte(&clause, ';');
    put_clause(&f, writer_span(&clause));

    clause.len = 0;
    smtp_trace_date(&clause, t->wall_seconds);
    put_clause(&f, writer_span(&clause));
    writer_text(w, "\r\n");
}

/*
 * Return-path-line = "Return-Path:" FWS Reverse-path CRLF              ; RFC 5321 section 4.4
 * Delivered-To     = "Delivered-To:" FWS Mailbox CRLF                  ; RFC 9228 section 3
 */
void smtp_trace_put(struct writer *w, const struct smtp_trace *t)
{
    if (t->mailbox.len && !t->forwarded)
        put_path(w, "Return-Path: <", t->sender, t->smtputf8, ">\r\n");
    /* Our own name for it, whatever the message is: a loop is found by it. */
    if (t->mailbox.len)
        put_path(w, "Delivered-To: ", t->mailbox, true, "\r\n");
    writer_span_put(w, t->results);
    put_received(w, t);
}
