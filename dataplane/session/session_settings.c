/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_settings.h"

#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_tls.h"
#include "proto/sasl/sasl_server.h"

/* Octets of a line without its LF: RFC 5322 section 2.1.1. */
enum { SUBMISSION_LINE_MAX = 999 };

/* Octets of a command of IMAP outside of its literals: RFC 7162 section 4 asks for 8192 at least.
 */
enum { IMAP_LINE_MAX = 49152, IMAP_LITERAL_MAX = 32768 };

/* The names of what can be offered on a connection that has these. */
static struct span name_mechanisms(struct sessions *ss, uint32_t has)
{
    struct writer names = writer_of(ss->mechanisms[has], sizeof(ss->mechanisms[has]));

    sasl_mechanism_put(&names, sasl_mechanisms_possible(ss->settings.mechanisms, has));
    return writer_span(&names);
}

static void take_submission(struct sessions *ss)
{
    ss->submission_options = ss->smtp_options;
    ss->submission_options.mechanisms = ss->pop3_options.mechanisms = ss->imap_options.mechanisms =
        name_mechanisms(ss, 0);
    ss->submission_options.cleartext = ss->settings.submission_cleartext;
    ss->submission_options.command_line_max = SASL_LINE_MAX;
    ss->submission_options.text_line_max = SUBMISSION_LINE_MAX;
    ss->submission_starttls = ss->submission_options;
    ss->submission_starttls.starttls = true;
}

static void take_secure(struct sessions *ss)
{
    for (uint32_t has = 0; has < SASL_CONNECTIONS; has++) {
        struct span names = name_mechanisms(ss, has);

        ss->submission_secure[has] = ss->submission_options;
        ss->submission_secure[has].cleartext = true;
        ss->submission_secure[has].mechanisms = names;
        ss->submission_secure[has].requiretls = ss->smtp_secure.requiretls;
        ss->pop3_secure[has] = ss->pop3_options;
        ss->pop3_secure[has].login = true;
        ss->pop3_secure[has].mechanisms = names;
        ss->imap_secure[has] = ss->imap_options;
        ss->imap_secure[has].login = true;
        ss->imap_secure[has].mechanisms = names;
    }
}

static void take_imap(struct sessions *ss)
{
    ss->imap_options = (struct imap_server_options){
        .hostname = span_text(ss->settings.hostname),
        .logins_max = (uint16_t)ss->settings.imap_failures_max,
        .errors_max = (uint16_t)ss->settings.errors_max,
        .login = ss->settings.imap_cleartext,
        .limits = {.line = IMAP_LINE_MAX,
                   .literal = IMAP_LITERAL_MAX,
                   .command = IMAP_SERVER_COMMAND_MAX,
                   .append = ss->settings.message_size_max,
                   .nonsync = UINT64_MAX},
    };
}

void session_settings_take(struct sessions *ss, const struct settings *published)
{
    ss->settings = *published;
    ss->rules = published->rules;
    ss->smtp_options = (struct smtp_server_options){
        .hostname = span_text(ss->settings.hostname),
        .size_max = ss->settings.message_size_max,
        .text_line_max = SMTP_TEXT_LINE_MAX,
        .command_line_max = SMTP_COMMAND_LINE_MAX,
        .messages_max = ss->settings.messages_max,
        .recipients_max = (uint8_t)ss->settings.recipients_max,
        .errors_max = (uint16_t)ss->settings.errors_max,
        .idle_max = (uint16_t)ss->settings.idle_max,
    };
    ss->pop3_options = (struct pop3_server_options){
        .hostname = span_text(ss->settings.hostname),
        .logins_max = (uint16_t)ss->settings.pop3_failures_max,
        .errors_max = (uint16_t)ss->settings.errors_max,
        .login = ss->settings.pop3_cleartext,
        .login_delay = ss->settings.pop3_login_delay_s,
    };
    take_imap(ss);
    take_submission(ss);
    ss->smtp_starttls = ss->smtp_secure = ss->smtp_options;
    ss->smtp_starttls.starttls = true;
    /* Who may not read a message in the clear here (RFC 8689 section 4.4). */
    ss->smtp_secure.requiretls = !ss->settings.pop3_cleartext;
    ss->pop3_stls = ss->pop3_options;
    ss->pop3_stls.stls = true;
    ss->imap_starttls = ss->imap_options;
    ss->imap_starttls.starttls = true;
    take_secure(ss);
    if (ss->draining)
        return;
    tcp_unlisten(ss->options.tcp);
    for (uint32_t i = 0; i < ss->settings.listener_count; i++)
        tcp_listen(ss->options.tcp, ss->settings.listeners[i].port,
                   ss->settings.listeners[i].protocol | (uint32_t)ss->settings.listeners[i].tls
                                                            << SESSION_TAG_TLS);
}

const struct smtp_server_options *session_settings_smtp(const struct sessions *ss,
                                                        const struct session *s)
{
    bool submission = s->protocol == LISTENER_SUBMISSION;

    if (s->tls)
        return submission ? &ss->submission_secure[session_auth_has(s)] : &ss->smtp_secure;
    if (session_tls_offered(s))
        return submission ? &ss->submission_starttls : &ss->smtp_starttls;
    return submission ? &ss->submission_options : &ss->smtp_options;
}
