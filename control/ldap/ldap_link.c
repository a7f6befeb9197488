/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_link.h"

#include <lber.h>
#include <ldap.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/ldap/ldap_wait.h"
#include "proto/base/peer_text.h"

enum { TEXT_MAX = 200, REFERENCES_MAX = 64 };

struct ldap_link {
    LDAP *ld;
    struct ldap_wait wait;
    uint32_t timeout_ms;
    uint64_t until_ms; /* monotonic */
    bool slow;
};

struct ldap_link_entry {
    LDAP *ld;
    LDAPMessage *message;
};

/* What codes mean whatever was asked; those that are not here are of the configuration. */
static enum ldap_outcome outcome_of(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return LDAP_OUTCOME_OK;
    case LDAP_NO_SUCH_OBJECT:
        return LDAP_OUTCOME_ABSENT;
    case LDAP_OPERATIONS_ERROR:
    case LDAP_PROTOCOL_ERROR:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_LOOP_DETECT:
    case LDAP_OTHER:
    case LDAP_SERVER_DOWN:
    case LDAP_LOCAL_ERROR:
    case LDAP_ENCODING_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_TIMEOUT:
    case LDAP_NO_MEMORY:
    case LDAP_CONNECT_ERROR:
        return LDAP_OUTCOME_AWAY;
    default:
        return LDAP_OUTCOME_REFUSED;
    }
}

enum ldap_outcome ldap_link_outcome(int code, bool bind)
{
    switch (bind ? code : LDAP_SUCCESS) {
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INAPPROPRIATE_AUTH:   /* an entry without a password */
    case LDAP_INVALID_DN_SYNTAX:    /* a name that can be nobody's */
    case LDAP_CONSTRAINT_VIOLATION: /* locked, says a policy of passwords */
    case LDAP_UNWILLING_TO_PERFORM: /* so say some of an account that is switched off */
    case LDAP_INSUFFICIENT_ACCESS:  /* may not prove itself */
        return LDAP_OUTCOME_WRONG;
    default:
        return outcome_of(code);
    }
}

/* A line about what went wrong; the server's words are foreign. */
static void explain(struct ldap_link *link, const char *what, int code, const char *text,
                    struct writer *why)
{
    writer_printf(why, "%s: %s", what, ldap_err2string(code));
    if (text && text[0] && writer_room(why) > TEXT_MAX + 4) {
        writer_text(why, " (");
        peer_text(why, span_text(text), TEXT_MAX, PEER_TEXT_UTF8);
        writer_byte(why, ')');
    }
}

static void explain_own(struct ldap_link *link, const char *what, int code, struct writer *why)
{
    char *text = NULL;

    ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    explain(link, what, code, text, why);
    ldap_memfree(text);
}

static struct timeval timeval_of(uint64_t ms)
{
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

static bool set_options(struct ldap_link *link, const struct ldap_link_options *o)
{
    LDAP *ld = link->ld;
    const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_HARD, never = LDAP_DEREF_NEVER;
    const int client = 0, idle = 60, interval = 15, probes = 4,
              least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const unsigned patience = o->timeout_ms;
    struct timeval connect = timeval_of(o->connect_ms), wait = timeval_of(o->timeout_ms);
    ber_len_t result_max = LDAP_LINK_RESULT_MAX;
    Sockbuf *socket = NULL;
    int fails = 0;

    /* Whatever ldap.conf of the machine says. */
    fails |= ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    fails |= ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    fails |= ldap_set_option(ld, LDAP_OPT_DEREF, &never);
    fails |= ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &connect);
    fails |= ldap_set_option(ld, LDAP_OPT_TIMEOUT, &wait);
    fails |= ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
    fails |= ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);
    fails |= ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
    fails |= ldap_set_option(ld, LDAP_OPT_TCP_USER_TIMEOUT, &patience);
    fails |= ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    fails |= ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least);
    fails |= ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, o->ca);
    fails |= ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, NULL);
    fails |= ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
    fails |= ldap_get_option(ld, LDAP_OPT_SOCKBUF, &socket);
    return fails == LDAP_OPT_SUCCESS && socket &&
           ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &result_max) > 0 &&
           ldap_wait_add(socket, &link->wait);
}

bool ldap_link_prepare(void)
{
    LDAP *ld = NULL;

    if (ldap_initialize(&ld, "ldap://localhost") != LDAP_SUCCESS)
        return false;
    ldap_destroy(ld);
    return true;
}

struct ldap_link *ldap_link_open(const struct ldap_link_options *options,
                                 enum ldap_outcome *outcome_out, struct writer *why)
{
    struct ldap_link *link = calloc(1, sizeof(*link));
    int code = LDAP_NO_MEMORY;

    if (link)
        code = ldap_initialize(&link->ld, options->uri);
    if (code == LDAP_SUCCESS && !set_options(link, options))
        code = LDAP_LOCAL_ERROR;
    if (link)
        link->wait.until_ms = clock_monotonic_ms() + options->connect_ms;
    if (code == LDAP_SUCCESS)
        code = ldap_connect(link->ld);
    if (code == LDAP_SUCCESS && options->start_tls)
        code = ldap_start_tls_s(link->ld, NULL, NULL);
    if (code == LDAP_SUCCESS) {
        link->timeout_ms = options->timeout_ms;
        link->until_ms = UINT64_MAX;
        return link;
    }
    *outcome_out =
        outcome_of(code) == LDAP_OUTCOME_REFUSED ? LDAP_OUTCOME_REFUSED : LDAP_OUTCOME_AWAY;
    if (link && link->ld)
        explain_own(link, options->uri, code, why);
    else
        writer_printf(why, "%s: %s", options->uri, ldap_err2string(code));
    ldap_link_close(link);
    return NULL;
}

void ldap_link_close(struct ldap_link *link)
{
    if (link && link->ld)
        ldap_unbind_ext(link->ld, NULL, NULL);
    free(link);
}

/* When an operation that begins now has to be over. */
static uint64_t begin(struct ldap_link *link)
{
    uint64_t at = clock_monotonic_ms() + link->timeout_ms;

    link->wait.until_ms = at < link->until_ms ? at : link->until_ms;
    return link->wait.until_ms;
}

/* The next message of an operation until the time is over. NULL: none came, and `code_out` says
 * why. */
static LDAPMessage *receive(struct ldap_link *link, int id, int all, uint64_t until_ms,
                            int *code_out)
{
    uint64_t now = clock_monotonic_ms();
    struct timeval left = timeval_of(now < until_ms ? until_ms - now : 0);
    LDAPMessage *message = NULL;
    int kind = ldap_result(link->ld, id, all, &left, &message);

    if (kind > 0)
        return message;
    ldap_msgfree(message);
    *code_out = LDAP_TIMEOUT;
    link->slow = kind == 0;
    if (kind < 0)
        ldap_get_option(link->ld, LDAP_OPT_RESULT_CODE, code_out);
    else
        ldap_abandon_ext(link->ld, id, NULL, NULL);
    /* An error that libldap does not name is still one. */
    if (*code_out == LDAP_SUCCESS)
        *code_out = LDAP_SERVER_DOWN;
    return NULL;
}

/* The code of the message that ends an operation, which it frees. */
static int code_of(struct ldap_link *link, LDAPMessage *message, const char *what,
                   struct writer *why)
{
    char *text = NULL;
    int code = LDAP_SUCCESS;
    int parsed = ldap_parse_result(link->ld, message, &code, NULL, &text, NULL, NULL, 1);

    if (parsed != LDAP_SUCCESS)
        code = parsed;
    if (code != LDAP_SUCCESS && code != LDAP_COMPARE_TRUE && code != LDAP_COMPARE_FALSE)
        explain(link, what, code, text, why);
    ldap_memfree(text);
    return code;
}

/* Waits for the one message that answers an operation which was sent with `code`. */
static int finish(struct ldap_link *link, int code, int id, const char *what, struct writer *why)
{
    LDAPMessage *message = NULL;

    if (code == LDAP_SUCCESS)
        message = receive(link, id, LDAP_MSG_ALL, link->wait.until_ms, &code);
    if (message)
        return code_of(link, message, what, why);
    explain_own(link, what, code, why);
    return code;
}

enum ldap_outcome ldap_link_bind(struct ldap_link *link, const char *name, struct span password,
                                 struct writer *why)
{
    struct berval secret = {.bv_len = password.len, .bv_val = (char *)(uintptr_t)password.data};
    int id = 0, code;

    if (password.len == 0)
        return LDAP_OUTCOME_WRONG;
    begin(link);
    code = ldap_sasl_bind(link->ld, name, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id);
    return ldap_link_outcome(finish(link, code, id, "bind", why), true);
}

enum ldap_outcome ldap_link_compare(struct ldap_link *link, const char *name, const char *attribute,
                                    struct span value, struct writer *why)
{
    struct berval asserted = {.bv_len = value.len, .bv_val = (char *)(uintptr_t)value.data};
    int id = 0, code;

    if (value.len == 0)
        return LDAP_OUTCOME_WRONG;
    begin(link);
    code = ldap_compare_ext(link->ld, name, attribute, &asserted, NULL, NULL, &id);
    code = finish(link, code, id, "compare", why);
    if (code == LDAP_COMPARE_TRUE)
        return LDAP_OUTCOME_OK;
    /* An entry without the attribute cannot be logged in to. */
    if (code == LDAP_COMPARE_FALSE || code == LDAP_NO_SUCH_ATTRIBUTE)
        return LDAP_OUTCOME_WRONG;
    /* Success is no answer to a comparison. */
    return code == LDAP_SUCCESS ? LDAP_OUTCOME_REFUSED : outcome_of(code);
}

/* The end of a search. `entries`: how many came. */
static enum ldap_outcome searched(const struct ldap_link_search *search, int code, uint32_t entries)
{
    if (code == LDAP_NO_SUCH_OBJECT && search->subtree)
        return LDAP_OUTCOME_REFUSED;
    if (code == LDAP_SUCCESS)
        return entries ? LDAP_OUTCOME_OK : LDAP_OUTCOME_ABSENT;
    return outcome_of(code);
}

static void take_one(struct ldap_link *link, LDAPMessage *message, ldap_link_take *take,
                     void *context)
{
    struct ldap_link_entry entry = {.ld = link->ld, .message = message};

    take(context, &entry);
    ldap_msgfree(message);
}

enum ldap_outcome ldap_link_search(struct ldap_link *link, const struct ldap_link_search *search,
                                   ldap_link_take *take, void *context, struct writer *why)
{
    struct timeval limit = timeval_of(link->timeout_ms < 1000 ? 1000 : link->timeout_ms);
    uint64_t until_ms = begin(link);
    uint32_t entries = 0, references = 0;
    LDAPMessage *message;
    int id = 0, code;

    code = ldap_search_ext(link->ld, search->base,
                           search->subtree ? LDAP_SCOPE_SUBTREE : LDAP_SCOPE_BASE, search->filter,
                           (char **)(uintptr_t)search->attributes, 0, NULL, NULL, &limit,
                           (int)search->entries_max, &id);
    while (code == LDAP_SUCCESS) {
        message = receive(link, id, LDAP_MSG_ONE, until_ms, &code);
        if (!message)
            break;
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT)
            return searched(search, code_of(link, message, "search", why), entries);
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY && entries < search->entries_max) {
            take_one(link, message, take, context);
            entries++;
            continue;
        }
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY || ++references > REFERENCES_MAX) {
            ldap_abandon_ext(link->ld, id, NULL, NULL);
            code = LDAP_SIZELIMIT_EXCEEDED;
        }
        ldap_msgfree(message);
    }
    explain_own(link, "search", code, why);
    return outcome_of(code);
}

static void take_nothing(void *context, const struct ldap_link_entry *entry)
{
}

enum ldap_outcome ldap_link_ping(struct ldap_link *link, struct writer *why)
{
    static const char *const nothing[] = {"1.1", NULL}; /* RFC 4511 section 4.5.1.8 */
    const struct ldap_link_search root = {
        .base = "", .filter = "(objectClass=*)", .attributes = nothing, .entries_max = 1};
    enum ldap_outcome outcome = ldap_link_search(link, &root, take_nothing, NULL, why);

    /* It need not let us read it. */
    return outcome == LDAP_OUTCOME_AWAY ? LDAP_OUTCOME_AWAY : LDAP_OUTCOME_OK;
}

void ldap_link_limit(struct ldap_link *link, uint64_t until_ms)
{
    link->until_ms = until_ms;
}

bool ldap_link_slow(const struct ldap_link *link)
{
    return link->slow;
}

struct span ldap_link_entry_name(const struct ldap_link_entry *entry)
{
    struct berval name = {0};

    if (ldap_get_dn_ber(entry->ld, entry->message, NULL, &name) != LDAP_SUCCESS)
        return span_of(NULL, 0);
    return span_of(name.bv_val, name.bv_len);
}

void ldap_link_entry_values(const struct ldap_link_entry *entry,
                            void (*each)(void *context, struct span attribute, struct span value),
                            void *context)
{
    struct berval name = {0}, *values = NULL;
    BerElement *ber = NULL;

    /* The name comes first; behind it an attribute with its values at a time, in the message's own
     * memory. */
    if (ldap_get_dn_ber(entry->ld, entry->message, &ber, &name) != LDAP_SUCCESS)
        return;
    while (ldap_get_attribute_ber(entry->ld, entry->message, ber, &name, &values) == LDAP_SUCCESS &&
           name.bv_val) {
        for (size_t i = 0; values && values[i].bv_val; i++)
            each(context, span_of(name.bv_val, name.bv_len),
                 span_of(values[i].bv_val, values[i].bv_len));
        ber_memfree(values);
        values = NULL;
    }
    ber_free(ber, 0);
}
