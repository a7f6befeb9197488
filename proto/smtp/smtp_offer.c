/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_offer.h"

/*
 * ehlo-ok-rsp = "250-" Domain CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF
 * ehlo-line   = "HELP" and whatever else is not in section 4.5.1         ; RFC 5321 section 4.1.1.1
 * auth-line   = "AUTH" 1*( SP sasl-mech )                                ; RFC 4954 section 3
 * ehlo-line   = "LIMITS" *( SP Limit-name "=" Limit-value )            ; RFC 9422 section 3
 */
static void put_offer(struct writer *w, const struct smtp_server_options *options, bool xclient,
                      bool auth)
{
    writer_text(w, "250-");
    writer_span_put(w, options->hostname);
    writer_text(w, "\r\n250-PIPELINING\r\n250-SIZE ");
    writer_number(w, options->size_max);
    writer_text(w,
                "\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n250-PRDR\r\n"
                "250-HELP\r\n250-LIMITS MAILMAX=");
    writer_number(w, options->messages_max);
    writer_text(w, " RCPTMAX=");
    writer_number(w, options->recipients_max);
    if (auth) {
        writer_text(w, "\r\n250-AUTH");
        writer_span_put(w, options->mechanisms);
    }
    if (options->starttls)
        writer_text(w, "\r\n250-STARTTLS");
    if (options->requiretls)
        writer_text(w, "\r\n250-REQUIRETLS");
    if (xclient)
        writer_text(w, "\r\n250-" SMTP_XCLIENT_OFFER);
    writer_text(w, "\r\n250 ENHANCEDSTATUSCODES\r\n");
}

void smtp_offer_reply(struct writer *w, const struct smtp_server_options *options, bool xclient,
                      bool auth, enum smtp_reply_id id, struct span own_text)
{
    const struct smtp_reply *row = smtp_reply_row(id);

    if (id == SMTP_REPLY_EHLO) {
        put_offer(w, options, xclient, auth);
    } else if (id == SMTP_REPLY_READY || id == SMTP_REPLY_HELO) {
        writer_number(w, row->code);
        writer_byte(w, ' ');
        writer_span_put(w, options->hostname);
        writer_text(w, row->text[0] ? " " : "");
        writer_text(w, row->text);
        writer_text(w, "\r\n");
    } else {
        smtp_reply_put(w, id, own_text);
    }
}
