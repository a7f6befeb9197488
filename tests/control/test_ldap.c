/* SPDX-License-Identifier: BSD-3-Clause */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/ldap/ldap_link.h"
#include "control/ldap/ldap_person.h"
#include "control/ldap/ldap_template.h"
#include "tests/harness/check.h"

static const char sha256_keys[] = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
                                  "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                                  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

/* A configuration whose LDAP directories are these lines, each item's indented by two. */
static struct config *read_config(const char *items, struct config_errors *errors)
{
    char text[4096];
    struct writer w = writer_of(text, sizeof(text));

    writer_text(&w, "hostname: mx.example.com\n"
                    "engine: {interface: eth0}\n"
                    "network: {addresses: [198.18.0.2/24]}\n"
                    "listeners: [{port: 110, protocol: pop3}]\n"
                    "store: {path: /tmp/x}\n"
                    "ldap:\n");
    writer_text(&w, items);
    return config_read(writer_span(&w), "test.yaml", errors);
}

static struct config *config_of(const char *items)
{
    struct config_errors *errors = malloc(sizeof(*errors));
    struct config *config = read_config(items, errors);

    if (!config)
        fprintf(stderr, "%.*s", (int)errors->text.len, errors->bytes);
    CHECK(config != NULL);
    free(errors);
    return config;
}

#define OPENLDAP "  - {servers: [\"ldap://a\"], base: \"dc=example,dc=com\"}\n"
#define FORWARDS                                                                                   \
    "  - {servers: [\"ldap://a\"], base: \"dc=example,dc=com\", forward_only: "                    \
    "[deliveryMode=nolocal]}\n"
#define ACTIVE                                                                                     \
    "  - {servers: [\"ldaps://a\"], base: \"dc=example,dc=com\", schema: active_directory}\n"
#define READS                                                                                      \
    "  - {servers: [\"ldaps://a\"], base: \"dc=x\", authentication: read, send_as: [mayUse]}\n"

/* ---- templates ---- */

static bool expands(const char *text, const char *name, const char *expected)
{
    uint8_t bytes[LDAP_TEMPLATE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    return ldap_template_expand(&w, span_text(text), span_text(name)) &&
           span_equal(writer_span(&w), span_text(expected));
}

static void names_are_put_in(void)
{
    CHECK(expands("(mail=%s)", "alice@example.com", "(mail=alice@example.com)"));
    CHECK(expands("(&(uid=%u)(o=%d))", "alice@example.com", "(&(uid=alice)(o=example.com))"));
    CHECK(expands("(uid=%u)", "alice", "(uid=alice)"));
    CHECK(expands("(cn=100%%)", "alice", "(cn=100%)"));
    CHECK(expands("uid=%u,dc=x", "a@b@c.example", "uid=a@b,dc=x"));
    CHECK(!expands("(o=%d)", "alice", "(o=)"));
    CHECK(!expands("(mail=%s)", "", "(mail=)"));
    CHECK(!expands("(mail=%s)", "@example.com", "(mail=@example.com)"));
}

/* RFC 4515 section 3 and RFC 4514 section 2.4 have the same form for an octet. */
static void nothing_put_in_is_more_than_a_value(void)
{
    uint8_t bytes[LDAP_TEMPLATE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    CHECK(expands("(uid=%s)", "*)(uid=*", "(uid=\\2a\\29\\28uid\\3d\\2a)"));
    CHECK(expands("(uid=%s)", "a\\b", "(uid=a\\5cb)"));
    CHECK(expands("uid=%s,dc=x", "a,dc=y+cn=z\"<>;#",
                  "uid=a\\2cdc\\3dy\\2bcn\\3dz\\22\\3c\\3e\\3b\\23,dc=x"));
    CHECK(expands("uid=%s,dc=x", " a ", "uid=\\20a\\20,dc=x"));
    CHECK(expands("(cn=%s)", "\xc3\xa9", "(cn=\\c3\\a9)"));
    CHECK(ldap_template_expand(&w, span_text("(uid=%s)"), span_of("a\0b", 3)));
    CHECK_TEXT(writer_span(&w), "(uid=a\\00b)");
}

/* What libldap makes of an escaped value is the value: asked of its own reader of names. */
static void libldap_reads_names_back(void)
{
    char bytes[LDAP_TEMPLATE_MAX];

    for (unsigned c = 1; c < 128; c++) {
        char name[] = {'a', (char)c, 'b', 0};
        struct writer w = writer_of(bytes, sizeof(bytes) - 1);
        LDAPDN dn = NULL;

        CHECK(ldap_template_expand(&w, span_text("uid=%s,dc=x"), span_text(name)));
        bytes[w.len] = 0;
        CHECK(ldap_str2dn(bytes, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS);
        CHECK(dn && dn[0] && dn[1] && !dn[2] && dn[0][0] && !dn[0][1]);
        CHECK(span_equal(span_of(dn[0][0]->la_value.bv_val, dn[0][0]->la_value.bv_len),
                         span_text(name)));
        ldap_dnfree(dn);
    }
}

static void names_have_a_bound(void)
{
    char name[LDAP_TEMPLATE_NAME_MAX + 2];
    uint8_t bytes[LDAP_TEMPLATE_MAX], few[16];
    struct writer w = writer_of(bytes, sizeof(bytes)), small = writer_of(few, sizeof(few));

    memset(name, 'a', sizeof(name));
    CHECK(ldap_template_expand(&w, span_text("(uid=%s)"), span_of(name, LDAP_TEMPLATE_NAME_MAX)));
    CHECK(!ldap_template_expand(&w, span_text("(uid=%s)"),
                                span_of(name, LDAP_TEMPLATE_NAME_MAX + 1)));
    CHECK(!ldap_template_expand(&small, span_text("(uid=%s)"), span_text("alice@example.com")));
}

static bool sound(const char *filter)
{
    return ldap_template_check(span_text(filter), LDAP_TEMPLATE_FILTER) == NULL;
}

/* RFC 4515 section 4 */
static void filters_are_those_of_the_rfc(void)
{
    static const char *const good[] = {"(cn=Babs Jensen)",
                                       "(!(cn=Tim Howes))",
                                       "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
                                       "(o=univ*of*mich*)",
                                       "(seeAlso=)",
                                       "(cn:caseExactMatch:=Fred)",
                                       "(cn:=Betty)",
                                       "(sn:dn:2.4.6.8.10:=Barney)",
                                       "(o:dn:=Ace)",
                                       "(:1.2.3:=Wilma)",
                                       "(:DN:2.4.6.8.10:=Dino)",
                                       "(o=Parens R Us \\28for all\\29)",
                                       "(cn=*\\2A*)",
                                       "(filename=C:\\5cMyFile)",
                                       "(bin=\\00\\00\\00\\04)",
                                       "(sn=Lu\\c4\\8di\\c4\\87)",
                                       "(1.3.6.1.4.1.1466.0=\\04\\02\\48\\69)",
                                       "(a>=1)",
                                       "(a<=1)",
                                       "(a~=1)",
                                       "(&)",
                                       "(|)",
                                       "(mail=%s)"};
    static const char *const bad[] = {"",
                                      "mail=x",
                                      "(mail=x",
                                      "(mail=x))",
                                      "(mail=x)(uid=x)",
                                      "()",
                                      "(&",
                                      "(!)",
                                      "(!(a=b)(c=d))",
                                      "(mail)",
                                      "(=x)",
                                      "(mail=x\\)",
                                      "(mail=x\\2)",
                                      "(mail=x\\zz)",
                                      "(a b=c)",
                                      "(mail=a(b)",
                                      "(&(a=b)c)",
                                      "x(a=b)",
                                      "(mail=%x)",
                                      "(mail=%",
                                      "((a=b))",
                                      "(a*=b)",
                                      "(&(&(&(&(&(&(&(&(&(&(&(&(&(&(&(&(&(a=b)))))))))))))))))"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!CHECK(sound(good[i])))
            printf("# %s\n", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!CHECK(!sound(bad[i])))
            printf("# %s\n", bad[i]);
    CHECK(ldap_template_check(span_text("uid=%u,dc=x"), LDAP_TEMPLATE_DN) == NULL);
    CHECK(ldap_template_check(span_text("uid=%n,dc=x"), LDAP_TEMPLATE_DN) != NULL);
}

/* ---- entries ---- */

struct pair {
    const char *attribute, *value;
};

/* Reads the pairs forwards and backwards: both have to say the same. */
static struct ldap_person *person_of(const struct config *config, const struct pair *pairs)
{
    const struct ldap_map map = {.config = &config->ldap[0]};
    struct ldap_person *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    size_t n = 0;

    ldap_person_init(a, &map);
    ldap_person_init(b, &map);
    for (; pairs[n].attribute; n++)
        ldap_person_value(a, span_text(pairs[n].attribute), span_text(pairs[n].value));
    while (n--)
        ldap_person_value(b, span_text(pairs[n].attribute), span_text(pairs[n].value));
    CHECK(span_equal(a->key, b->key) && span_equal(a->mailbox, b->mailbox));
    CHECK(a->disabled == b->disabled && a->quota == b->quota && a->group == b->group);
    CHECK(strcmp(a->hash, b->hash) == 0 && a->bad == b->bad);
    free(b);
    return a;
}

static void an_openldap_entry(void)
{
    static const struct pair pairs[] = {{"mail;lang-en", "Alice@Example.COM"},
                                        {"mailQuota", "1048576S"},
                                        {"cn", "ignored"},
                                        {"accountStatus", "active"},
                                        {NULL, NULL}};
    struct config *config = config_of(OPENLDAP);
    struct ldap_person *p = person_of(config, pairs);

    CHECK_TEXT(p->key, "alice@example.com");
    CHECK_TEXT(p->mailbox, "Alice@example.com");
    CHECK(p->has_quota && p->quota == 1048576 && !p->disabled && !p->group && p->bad == 0);
    free(p);
    config_free(config);
}

static void forwards_have_a_meaning(void)
{
    static const struct pair pairs[] = {{"mail", "alice@example.com"},
                                        {"mailForwardingAddress", "smtp:Al@B\xc3\xbc"
                                                                  "cher.example"},
                                        {"mailForwardingAddress", "\xc3\xbc@far.example"},
                                        {"mailForwardingAddress", "nothing"},
                                        {"deliveryMode", "NoLocal"},
                                        {NULL, NULL}};
    struct config *config = config_of(FORWARDS);
    struct ldap_person *p = person_of(config, pairs);

    if (CHECK(p->forward_count == 1 && p->forward_only && p->bad == 2))
        CHECK_TEXT(p->forwards[0], "Al@xn--bcher-kva.example");
    free(p);
    config_free(config);
}

/* SMTP: is the primary address whatever stands beside it; other schemes are no mail. */
static void an_active_directory_entry(void)
{
    static const struct pair pairs[] = {{"proxyAddresses", "smtp:aaa@example.com"},
                                        {"proxyAddresses", "SMTP:alice@example.com"},
                                        {"proxyAddresses", "X500:/o=x/cn=alice"},
                                        {"proxyAddresses", "sip:sip@example.com"},
                                        {"mail", "a.first@example.com"},
                                        {"userAccountControl", "512"},
                                        {NULL, NULL}};
    static const struct pair off[] = {{"mail", "bob@example.com"},
                                      {"proxyAddresses", "smtp:also@example.com"},
                                      {"userAccountControl", "514"},
                                      {NULL, NULL}};
    struct config *config = config_of(ACTIVE);
    struct ldap_person *p = person_of(config, pairs);

    CHECK_TEXT(p->key, "alice@example.com");
    CHECK(!p->disabled && p->bad == 0);
    free(p);
    p = person_of(config, off);
    CHECK_TEXT(p->key, "bob@example.com");
    CHECK(p->disabled);
    free(p);
    config_free(config);
}

static void of_several_values_the_least_counts(void)
{
    static const struct pair pairs[] = {
        {"mail", "carol@example.com"}, {"mail", "alice@example.com"}, {"mail", "bob@example.com"},
        {"mailQuota", "2M"},           {"mailQuota", "1M"},           {NULL, NULL}};
    struct config *config = config_of(OPENLDAP);
    struct ldap_person *p = person_of(config, pairs);

    CHECK_TEXT(p->key, "alice@example.com");
    CHECK(p->quota == 1 << 20);
    free(p);
    config_free(config);
}

static void values_that_are_none_are_left_out(void)
{
    static const struct pair pairs[] = {{"mail", "no address"},
                                        {"mail", ""},
                                        {"mail", "a@b@c"},
                                        {"mail", "x@[198.18.0.1]"},
                                        {"mail", "a@example.com\r\nRCPT TO:<b@example.com>"},
                                        {"mailQuota", "much"},
                                        {"mailQuota", "99999999999999999999"},
                                        {NULL, NULL}};
    struct config *config = config_of(OPENLDAP);
    struct ldap_person *p = person_of(config, pairs);

    CHECK(p->key.len == 0 && !p->has_quota && p->bad == 7);
    free(p);
    config_free(config);
}

/* A flag that cannot be read may be a lock. */
/* Text in either case is the same (RFC 4530), octets are as they are. */
static void what_never_changes_is_read(void)
{
    static const struct pair uuid[] = {{"entryUUID", "A0A0A0A0-0000-103E-8000-000000000001"},
                                       {"entryUUID", ""},
                                       {"objectGUID", "0123"},
                                       {NULL, NULL}};
    static const uint8_t guid[16] = {'A', 0, 0xff, 'B'};
    struct config *config = config_of(
        OPENLDAP ACTIVE "  - {servers: [\"ldap://a\"], base: \"dc=example\", unique: none}\n");
    const struct ldap_map active = {.config = &config->ldap[1]},
                          without = {.config = &config->ldap[2]};
    struct ldap_person *p = person_of(config, uuid);

    CHECK_TEXT(p->unique, "a0a0a0a0-0000-103e-8000-000000000001");
    CHECK(p->bad == 1);
    ldap_person_init(p, &active);
    ldap_person_value(p, span_text("objectGUID"), span_of(guid, sizeof(guid)));
    CHECK(span_equal(p->unique, span_of(guid, sizeof(guid))));
    ldap_person_init(p, &without);
    ldap_person_value(p, span_text("entryUUID"), span_text(uuid[0].value));
    CHECK(p->unique.len == 0 && p->bad == 0);
    free(p);
    config_free(config);
}

static void accounts_are_switched_off(void)
{
    static const struct pair status[] = {{"accountstatus", "Disabled"}, {NULL, NULL}};
    static const struct pair locked[] = {{"pwdAccountLockedTime", "000001010000Z"}, {NULL, NULL}};
    static const struct pair odd[] = {{"userAccountControl", "0x202"}, {NULL, NULL}};
    static const struct pair normal[] = {{"userAccountControl", "66048"}, {NULL, NULL}};
    struct config *openldap = config_of(OPENLDAP), *active = config_of(ACTIVE);
    struct ldap_person *p;

    p = person_of(openldap, status);
    CHECK(p->disabled);
    free(p);
    p = person_of(openldap, locked);
    CHECK(p->disabled);
    free(p);
    p = person_of(active, odd);
    CHECK(p->disabled && p->bad == 1);
    free(p);
    p = person_of(active, normal);
    CHECK(!p->disabled);
    free(p);
    config_free(openldap);
    config_free(active);
}

/* {SSHA} is the server's; a text that would keep crypt(3) busy is nobody's. */
static void passwords_are_those_that_we_can_check(void)
{
    static const struct pair good[] = {{"userPassword", "{CRYPT}$6$salt$hash"},
                                       {"authPassword", sha256_keys},
                                       {"mayUse", "Office@Example.com"},
                                       {"mayUse", "@Shop.Example"},
                                       {"mayUse", "@"},
                                       {NULL, NULL}};
    static const struct pair bad[] = {{"userPassword", "{SSHA}abcdef"},
                                      {"userPassword", "open sesame"},
                                      {"userPassword", "{CRYPT}$6$rounds=999999999$salt$hash"},
                                      {"userPassword", "$2b$31$abcdefghijklmnopqrstuv"},
                                      {"userPassword", "$y$jHT$salt$hash"},
                                      {"authPassword", "SCRAM-SHA-256$4096:x$y:z"},
                                      {NULL, NULL}};
    struct config *config = config_of(READS);
    struct ldap_person *p = person_of(config, good);

    CHECK(strcmp(p->hash, "$6$salt$hash") == 0);
    CHECK(strcmp(p->scram[SCRAM_SHA256], sha256_keys) == 0 && !p->scram[SCRAM_SHA1][0]);
    CHECK(p->sender_count == 2 && p->bad == 1);
    CHECK_TEXT(p->senders[0], "office@example.com");
    CHECK_TEXT(p->senders[1], "@shop.example");
    free(p);
    p = person_of(config, bad);
    CHECK(!p->hash[0] && !p->scram[SCRAM_SHA256][0] && p->bad == 6);
    free(p);
    config_free(config);
}

static void a_group_has_bounds(void)
{
    struct config *config = config_of(OPENLDAP);
    const struct ldap_map map = {.config = &config->ldap[0]};
    struct ldap_person *p = malloc(sizeof(*p));
    char member[64];

    ldap_person_init(p, &map);
    for (int i = 0; i <= LDAP_PERSON_MEMBERS_MAX; i++) {
        CHECK(!p->crowded);
        snprintf(member, sizeof(member), "uid=%d,dc=example,dc=com", i);
        ldap_person_value(p, span_text("member;range=0-1499"), span_text(member));
    }
    CHECK(p->group && p->crowded && p->member_count == LDAP_PERSON_MEMBERS_MAX);
    CHECK_TEXT(p->members[7], "uid=7,dc=example,dc=com");
    free(p);
    config_free(config);
}

static void quotas_have_units(void)
{
    static const struct {
        const char *text;
        uint64_t octets;
    } good[] = {
        {"0", 0},     {"1000", 1000},   {"1000S", 1000},           {"1000S,50C", 1000},
        {"5k", 5120}, {"5MB", 5 << 20}, {"2G", UINT64_C(2) << 30}, {"1t", UINT64_C(1) << 40}};
    static const char *const bad[] = {
        "", "x", "-1", "5 M", "5X", "5MBB", "18446744073709551616", "9999999999T"};
    uint64_t octets;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(ldap_person_quota(span_text(good[i].text), &octets) && octets == good[i].octets);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!ldap_person_quota(span_text(bad[i]), &octets));
}

static void values_are_read_to_their_end_and_no_further(void)
{
    static const struct pair pairs[] = {{"mail", "alice@example.com"},
                                        {"mail", "SMTP:"},
                                        {"mailQuota", "12"},
                                        {"mailQuota", "12M"},
                                        {"member", "cn=x"},
                                        {"accountStatus", "disabled"},
                                        {"userPassword", "{CRYPT}"},
                                        {"userPassword", "{CRYPT}$6$rounds="},
                                        {"userPassword", "$2b$12"},
                                        {"userPassword", "$y$j"},
                                        {NULL, NULL}};
    struct config *config =
        config_of("  - {servers: [\"ldaps://a\"], base: \"dc=x\", authentication: read}\n");
    const struct ldap_map map = {.config = &config->ldap[0]};
    struct ldap_person *p = malloc(sizeof(*p));

    for (const struct pair *at = pairs; at->attribute; at++)
        for (size_t n = 0; n <= strlen(at->value); n++) {
            struct span value = guard_copy(span_of(at->value, n), true);
            struct span attribute = guard_copy(span_text(at->attribute), true);

            ldap_person_init(p, &map);
            ldap_person_value(p, attribute, value);
            guard_free(value);
            guard_free(attribute);
        }
    free(p);
    config_free(config);
}

/* ---- configuration ---- */

static void check_names(const char *item, const char *what)
{
    struct config_errors *errors = malloc(sizeof(*errors));
    struct config *config = read_config(item, errors);
    char text[CONFIG_ERRORS_TEXT + 1];

    snprintf(text, sizeof(text), "%.*s", (int)errors->text.len, errors->bytes);
    CHECK(!config);
    if (!CHECK(strstr(text, what) != NULL))
        printf("# %s: %s\n", what, text);
    config_free(config);
    free(errors);
}

static void mistakes_are_named(void)
{
    check_names("  - {base: x}\n", "ldap[].servers");
    check_names("  - {servers: [\"ldap://a\"]}\n", "ldap[].base");
    check_names("  - {servers: [\"http://a\"], base: x}\n", "ldap[].servers: expected URIs");
    check_names("  - {servers: [\"ldap://a/dc=x??sub\"], base: x}\n", "ldap[].servers");
    check_names("  - {servers: [\"ldap://a\"], base: x, address_filter: \"(mail=%s\"}\n",
                "test.yaml:7: ldap[].address_filter");
    check_names("  - {servers: [\"ldap://a\"], base: x, login_filter: \"(uid=%n)\"}\n",
                "ldap[].login_filter");
    check_names("  - {servers: [\"ldap://a\"], base: \"ou=%z\"}\n", "ldap[].base");
    check_names("  - {servers: [\"ldap://a\"], base: x, bind_dn: \"cn=x\"}\n", "bind_password");
    check_names("  - {servers: [\"ldap://a\"], base: x, disabled: [\"locked\"]}\n",
                "ldap[].disabled");
    check_names("  - {servers: [\"ldap://a\"], base: x, disabled: [\"flags&x\"]}\n",
                "ldap[].disabled");
    check_names("  - {servers: [\"ldap://a\"], base: x, addresses: [\"ma il\"]}\n",
                "names of attributes");
    check_names("  - {servers: [\"ldap://a\"], base: x, schema: exchange}\n", "ldap[].schema");
}

static void what_is_left_out_has_the_schemas(void)
{
    struct config *config =
        config_of("  - {servers: [\"ldap://a\"], base: x, quota: myQuota}\n" ACTIVE);
    struct config *copy = config_copy_ldap(config);
    const struct config_ldap *l = &config->ldap[0], *c;

    CHECK(strcmp(l->addresses[0], "mail") == 0 && l->members_count == 3);
    CHECK(strcmp(l->quota, "myQuota") == 0 && l->passwords_count == 0);
    config_free(config);
    c = &copy->ldap[1];
    CHECK(copy->ldap_count == 2 && strcmp(c->servers[0], "ldaps://a") == 0);
    CHECK(strcmp(c->addresses[0], "proxyAddresses") == 0 && c->quota[0] == 0);
    CHECK(strcmp(c->attributes[0], "proxyAddresses") == 0 && strcmp(c->attributes[1], "mail") == 0);
    config_free(copy);
}

/* ---- results ---- */

static void results_are_told_apart(void)
{
    CHECK(ldap_link_outcome(LDAP_SUCCESS, false) == LDAP_OUTCOME_OK);
    CHECK(ldap_link_outcome(LDAP_NO_SUCH_OBJECT, false) == LDAP_OUTCOME_ABSENT);
    CHECK(ldap_link_outcome(LDAP_INVALID_CREDENTIALS, true) == LDAP_OUTCOME_WRONG);
    CHECK(ldap_link_outcome(LDAP_NO_SUCH_OBJECT, true) == LDAP_OUTCOME_WRONG);
    CHECK(ldap_link_outcome(LDAP_INAPPROPRIATE_AUTH, true) == LDAP_OUTCOME_WRONG);
    CHECK(ldap_link_outcome(LDAP_INVALID_CREDENTIALS, false) == LDAP_OUTCOME_REFUSED);
    CHECK(ldap_link_outcome(LDAP_INSUFFICIENT_ACCESS, false) == LDAP_OUTCOME_REFUSED);
    CHECK(ldap_link_outcome(LDAP_SIZELIMIT_EXCEEDED, false) == LDAP_OUTCOME_REFUSED);
    CHECK(ldap_link_outcome(LDAP_REFERRAL, false) == LDAP_OUTCOME_REFUSED);
    CHECK(ldap_link_outcome(LDAP_CONFIDENTIALITY_REQUIRED, true) == LDAP_OUTCOME_REFUSED);
    for (int bind = 0; bind < 2; bind++) {
        CHECK(ldap_link_outcome(LDAP_SERVER_DOWN, bind) == LDAP_OUTCOME_AWAY);
        CHECK(ldap_link_outcome(LDAP_TIMEOUT, bind) == LDAP_OUTCOME_AWAY);
        CHECK(ldap_link_outcome(LDAP_BUSY, bind) == LDAP_OUTCOME_AWAY);
        CHECK(ldap_link_outcome(LDAP_UNAVAILABLE, bind) == LDAP_OUTCOME_AWAY);
        CHECK(ldap_link_outcome(LDAP_TIMELIMIT_EXCEEDED, bind) == LDAP_OUTCOME_AWAY);
        CHECK(ldap_link_outcome(LDAP_NO_MEMORY, bind) == LDAP_OUTCOME_AWAY);
    }
    /* No code says that there is nobody but the one that means it. */
    for (int code = -32; code < 256; code++)
        CHECK((ldap_link_outcome(code, false) == LDAP_OUTCOME_ABSENT) ==
              (code == LDAP_NO_SUCH_OBJECT));
}

int main(void)
{
    check_begin();
    CHECK_CASE(names_are_put_in);
    CHECK_CASE(nothing_put_in_is_more_than_a_value);
    CHECK_CASE(libldap_reads_names_back);
    CHECK_CASE(names_have_a_bound);
    CHECK_CASE(filters_are_those_of_the_rfc);
    CHECK_CASE(an_openldap_entry);
    CHECK_CASE(an_active_directory_entry);
    CHECK_CASE(forwards_have_a_meaning);
    CHECK_CASE(of_several_values_the_least_counts);
    CHECK_CASE(values_that_are_none_are_left_out);
    CHECK_CASE(what_never_changes_is_read);
    CHECK_CASE(accounts_are_switched_off);
    CHECK_CASE(passwords_are_those_that_we_can_check);
    CHECK_CASE(a_group_has_bounds);
    CHECK_CASE(quotas_have_units);
    CHECK_CASE(values_are_read_to_their_end_and_no_further);
    CHECK_CASE(mistakes_are_named);
    CHECK_CASE(what_is_left_out_has_the_schemas);
    CHECK_CASE(results_are_told_apart);
    return check_end();
}
