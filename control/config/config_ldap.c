/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "control/ldap/ldap_template.h"

/* The directories of LDAP: what was left out gets what its schema has, and filters, templates and
 * URIs are read once, so that no question can find them wrong. */

enum { DEFAULTS = 4 };

struct schema {
    char address_filter[128], login_filter[128];
    char addresses[DEFAULTS][32], members[DEFAULTS][32], passwords[DEFAULTS][32],
        disabled[DEFAULTS][48], forwards[DEFAULTS][32];
    char quota[32], unique[32];
};

static const struct schema schemas[] = {
    [CONFIG_LDAP_OPENLDAP] = {.address_filter =
                                  "(|(mail=%s)(mailAlternateAddress=%s)(mailLocalAddress=%s))",
                              .login_filter = "(|(mail=%s)(uid=%s))",
                              .addresses = {"mail"},
                              .members = {"member", "uniqueMember", "rfc822MailMember"},
                              .passwords = {"userPassword", "authPassword"},
                              .disabled = {"accountStatus=disabled", "nsAccountLock=TRUE",
                                           "pwdAccountLockedTime=000001010000Z"},
                              .forwards = {"mailForwardingAddress"},
                              .quota = "mailQuota",
                              .unique = "entryUUID"},
    [CONFIG_LDAP_ACTIVE_DIRECTORY] =
        {.address_filter = "(|(proxyAddresses=smtp:%s)(mail=%s))",
         .login_filter =
             "(&(objectClass=user)(|(userPrincipalName=%s)(sAMAccountName=%s)(mail=%s)))",
         .addresses = {"proxyAddresses", "mail"},
         .members = {"member"},
         .passwords = {"userPassword"},
         .disabled = {"userAccountControl&2"},
         .quota = "",
         .unique = "objectGUID"},
};

struct checking {
    struct config *config;
    struct config_ldap *ldap;
    const char *path;
    struct config_errors *errors;
    bool no_memory;
};

static void refuse(struct checking *c, const char *option, const char *why)
{
    config_error(c->errors, c->path, c->ldap->line, "ldap[].%s: %s", option, why);
}

static char *copy(struct checking *c, struct span text)
{
    char *to = config_memory_take(c->config->memory, text.len + 1);

    c->no_memory |= !to;
    return to ? memcpy(to, text.data, text.len) : NULL;
}

static void fill_text(struct checking *c, char **field, const char *text)
{
    char *filled = (*field)[0] ? NULL : copy(c, span_text(text));

    if (filled)
        *field = filled;
}

static void fill_texts(struct checking *c, char ***field, uint32_t *count, const char *texts,
                       size_t size)
{
    if (*count)
        return;
    *field = config_memory_take(c->config->memory, DEFAULTS * sizeof(**field));
    c->no_memory |= !*field;
    for (; *field && *count < DEFAULTS && texts[*count * size]; ++*count) {
        (*field)[*count] = copy(c, span_text(texts + *count * size));
        if (c->no_memory)
            return;
    }
}

static void fill(struct checking *c)
{
    struct config_ldap *l = c->ldap;
    const struct schema *s = &schemas[l->schema];

    fill_text(c, &l->address_filter, s->address_filter);
    fill_text(c, &l->login_filter, s->login_filter);
    fill_text(c, &l->quota, s->quota);
    fill_text(c, &l->unique, s->unique);
    if (strcmp(l->unique, "none") == 0)
        l->unique[0] = 0;
    fill_texts(c, &l->addresses, &l->addresses_count, s->addresses[0], sizeof(s->addresses[0]));
    fill_texts(c, &l->members, &l->members_count, s->members[0], sizeof(s->members[0]));
    fill_texts(c, &l->forwards, &l->forwards_count, s->forwards[0], sizeof(s->forwards[0]));
    fill_texts(c, &l->disabled, &l->disabled_count, s->disabled[0], sizeof(s->disabled[0]));
    if (l->authentication == CONFIG_LDAP_READ)
        fill_texts(c, &l->passwords, &l->passwords_count, s->passwords[0], sizeof(s->passwords[0]));
}

static bool lists(const struct config_ldap *l, uint32_t count, struct span name)
{
    for (uint32_t i = 0; i < count; i++)
        if (span_equal_nocase(span_text(l->attributes[i]), name))
            return true;
    return false;
}

static void list_one(struct checking *c, uint32_t *count, const char *text)
{
    struct span name = span_of(text, strcspn(text, "=&"));

    if (name.len == 0 || lists(c->ldap, *count, name))
        return;
    c->ldap->attributes[*count] = copy(c, name);
    *count += c->ldap->attributes[*count] != NULL;
}

static void list_some(struct checking *c, uint32_t *count, char *const *texts, uint32_t texts_count)
{
    for (uint32_t i = 0; i < texts_count; i++)
        list_one(c, count, texts[i]);
}

/* All attributes that are asked for, so that servers send no others. */
static void list_attributes(struct checking *c)
{
    struct config_ldap *l = c->ldap;
    uint32_t count = 0, most = l->addresses_count + l->members_count + l->send_as_count +
                               l->passwords_count + l->disabled_count + l->forwards_count +
                               l->forward_only_count + 2;

    l->attributes = config_memory_take(c->config->memory, (most + 1) * sizeof(*l->attributes));
    c->no_memory |= !l->attributes;
    if (c->no_memory)
        return;
    list_some(c, &count, l->addresses, l->addresses_count);
    list_some(c, &count, l->members, l->members_count);
    list_some(c, &count, l->send_as, l->send_as_count);
    list_some(c, &count, l->passwords, l->passwords_count);
    list_some(c, &count, l->disabled, l->disabled_count);
    list_some(c, &count, l->forwards, l->forwards_count);
    list_some(c, &count, l->forward_only, l->forward_only_count);
    list_one(c, &count, l->quota);
    list_one(c, &count, l->unique);
}

/* attributedescription = keystring / numericoid (RFC 4512 section 2.5), here without options. */
static bool is_attribute(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-.", ascii_lower(s.data[i]), 38))
            return false;
    return s.len > 0;
}

/* sign = attribute "=" ( "*" / value ) / attribute "&" bits */
static void check_signs(struct checking *c, const char *option, char *const *signs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *behind = signs[i] + strcspn(signs[i], "=&");
        size_t digits = behind[0] == '&' ? strspn(behind + 1, "0123456789") : 0;

        if (!behind[0] || !behind[1] || behind == signs[i] ||
            (behind[0] == '&' && (behind[1 + digits] || digits > 18)))
            refuse(c, option,
                   "expected \"attribute=value\", \"attribute=*\" or \"attribute&bits\"");
    }
}

static void check_attributes(struct checking *c)
{
    struct config_ldap *l = c->ldap;
    bool fits = is_attribute(span_text(l->compare));

    for (char **a = l->attributes; *a; a++)
        fits &= is_attribute(span_text(*a));
    if (!fits)
        refuse(c, "addresses, members, send_as, forwards, passwords, compare, quota, unique",
               "expected names of attributes");
    check_signs(c, "disabled", l->disabled, l->disabled_count);
    check_signs(c, "forward_only", l->forward_only, l->forward_only_count);
}

/* ldap[s]:// host [":" port] [ "/" ], or ldapi:// and a path with "%2F" for each "/". */
static bool is_uri(const char *uri)
{
    static const char *const schemes[] = {"ldap://", "ldaps://", "ldapi://"};
    const char *rest = NULL;
    size_t n;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0)
            rest = uri + strlen(schemes[i]);
    if (!rest)
        return false;
    n = strcspn(rest, "/ ?#,\"<>\\");
    return n > 0 && (!rest[n] || (rest[n] == '/' && !rest[n + 1]));
}

static void check_template(struct checking *c, const char *option, const char *text,
                           enum ldap_template_kind kind)
{
    const char *why = text[0] ? ldap_template_check(span_text(text), kind) : NULL;

    if (why)
        refuse(c, option, why);
}

static void check_domains(struct checking *c)
{
    struct config_ldap *l = c->ldap;

    l->domain_keys =
        config_memory_take(c->config->memory, (l->domains_count + 1) * sizeof(*l->domain_keys));
    c->no_memory |= !l->domain_keys;
    for (uint32_t i = 0; i < l->domains_count && !c->no_memory; i++) {
        uint8_t key[DIRECTORY_SENDER_KEY];
        struct writer w = writer_of(key, sizeof(key));
        char *kept;

        config_domain_key(&w, span_text(l->domains[i]));
        kept = copy(c, writer_span(&w));
        l->domain_keys[i] = span_of(kept, kept ? w.len : 0);
    }
}

static void check_one(struct checking *c)
{
    struct config_ldap *l = c->ldap;

    fill(c);
    list_attributes(c);
    if (c->no_memory)
        return;
    check_attributes(c);
    check_domains(c);
    for (uint32_t i = 0; i < l->servers_count; i++)
        if (!is_uri(l->servers[i]))
            refuse(c, "servers",
                   "expected URIs such as ldaps://host or ldap://host:389, without a "
                   "name or filter behind them");
    check_template(c, "base", l->base, LDAP_TEMPLATE_DN);
    check_template(c, "login_dn", l->login_dn, LDAP_TEMPLATE_DN);
    check_template(c, "address_filter", l->address_filter, LDAP_TEMPLATE_FILTER);
    check_template(c, "login_filter", l->login_filter, LDAP_TEMPLATE_FILTER);
    if (!l->bind_dn[0] != !l->bind_password[0])
        refuse(c, "bind_dn, bind_password",
               "expected both or none: to servers a name without a "
               "password is nobody");
}

bool config_check_ldap(struct config *config, const char *path, struct config_errors *errors)
{
    struct checking c = {.config = config, .path = path, .errors = errors};

    for (uint32_t i = 0; i < config->ldap_count && !c.no_memory; i++) {
        c.ldap = &config->ldap[i];
        check_one(&c);
    }
    return !c.no_memory;
}

void config_warn_ldap(const struct config *config, struct writer *out)
{
    bool asked = false;

    for (uint32_t i = 0; i < config->directory.backends_count; i++)
        asked |= strcmp(config->directory.backends[i], "ldap") == 0;
    if (config->ldap_count && !asked)
        writer_text(out, "ldap: nobody asks it, since directory.backends has no ldap\n");
    for (uint32_t i = 0; i < config->ldap_count; i++) {
        const struct config_ldap *l = &config->ldap[i];
        bool clear = false;

        for (uint32_t k = 0; k < l->servers_count; k++)
            clear |= strncmp(l->servers[k], "ldap://", 7) == 0;
        if (clear && l->tls == CONFIG_LDAP_CLEAR)
            writer_printf(out,
                          "ldap[].tls, line %u: without it passwords and what the directory says "
                          "can be read and changed by everybody on the way\n",
                          l->line);
    }
}
