/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "control/config/config_settings.h"
#include "tests/harness/check.h"

#define HASH                                                                                       \
    "$6$saltsaltsaltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"                              \
    "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
#define WITH(listeners)                                                                            \
    "hostname: MX.b\xc3\xbc"                                                                       \
    "cher.example\n"                                                                               \
    "engine: {interface: eth0}\n"                                                                  \
    "network: {addresses: [198.18.0.2/24]}\n"                                                      \
    "listeners: [" listeners "{port: 110, protocol: pop3}]\n"                                      \
    "store: {path: mail}\n"                                                                        \
    "smtp: {command_timeout: 7s, errors: 3}\n"
#define TOP WITH("{port: 25, protocol: smtp}, ")
/* No local domain is left. */
#define POP3 WITH("")

static uint64_t id_of(void *context, struct span key)
{
    uint64_t *calls = context;

    (*calls)++;
    return span_equal(key, span_text("nobody@a.test")) ? 0 : 100 + key.len;
}

static uint64_t tenant_of(void *context, struct span name)
{
    return 1000 + name.len;
}

static struct config *config_of(const char *text)
{
    static struct config_errors errors;
    struct config *config = config_read(span_text(text), "a.yaml", &errors);

    CHECK_TEXT(writer_span(&errors.text), "");
    return config;
}

static void settings_and_directory_come_of_the_configuration(void)
{
    struct config *config =
        config_of(TOP "domains: [{name: a.test, tenant: acme, quarantine_score: 1.5, catch_all: "
                      "alice@a.test}, "
                      "{name: \"B\xc3\xbc"
                      "cher.example\", class: refused}]\n"
                      "accounts: [{address: Alice@A.test, password: \"" HASH
                      "\"}, {address: '\"b b\"@a.test', password: \"" HASH "\"}]\n");
    struct directory *directory = directory_new(64);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 7,
                                            .directory = directory,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};
    struct settings *s = config_settings(&source);
    const struct directory_entry *e, *domain;

    if (!CHECK(s != NULL))
        return;
    CHECK_TEXT(span_text(s->hostname), "mx.xn--bcher-kva.example");
    CHECK(s->version == 7 && s->listener_count == 2 && s->listeners[1].protocol == LISTENER_POP3);
    CHECK(s->command_timeout_ms == 7000 && s->errors_max == 3 && s->message_size_max == 50 << 20);
    CHECK(s->sample == 64 && s->directory == directory && s->recipients_max == 100);
    CHECK(calls == 2 && directory_count(directory) == 8);
    rcu_register_thread();
    domain = directory_find(directory, DIRECTORY_DOMAIN, span_text("a.test"));
    CHECK(domain && domain->class == DIRECTORY_LOCAL && domain->detail_separator == '+' &&
          !domain->case_sensitive && domain->account_count == 1);
    e = directory_find(directory, DIRECTORY_DOMAIN, span_text("xn--bcher-kva.example"));
    CHECK(e && e->class == DIRECTORY_REFUSED && e->domain != domain->domain);
    e = directory_find(directory, DIRECTORY_ADDRESS, span_text("alice@a.test"));
    CHECK(e && e->account_count == 1 && e->domain == domain->domain && e->accounts[0].id == 112);
    CHECK(e->accounts[0].quarantine_score == 1500 && e->accounts[0].reject_score == 15000);
    CHECK_TEXT(e->accounts[0].address, "Alice@a.test");
    CHECK_TEXT(e->accounts[0].tenant, "acme");
    CHECK(e->tenant == 1004 && domain->tenant == 1004);
    e = directory_find(directory, DIRECTORY_DOMAIN, span_text("xn--bcher-kva.example"));
    CHECK(e && e->tenant == 1007);
    CHECK(directory_find(directory, DIRECTORY_ADDRESS, span_text("b b@a.test")) != NULL);
    rcu_unregister_thread();
    free(s);
    config_free(config);

    /* A reload: what is gone is swept, ids stay. */
    config = config_of(
        POP3 "domains: [{name: c.test, class: refused}, {name: a.test, class: refused}]\n");
    source.config = config;
    source.version = 8;
    source.profile = true;
    s = config_settings(&source);
    CHECK(s && s->sample == 1);
    directory_sweep(directory, 8);
    CHECK(directory_count(directory) == 2);
    rcu_register_thread();
    CHECK(!directory_find(directory, DIRECTORY_ADDRESS, span_text("alice@a.test")));
    rcu_unregister_thread();
    free(s);
    config_free(config);
    directory_free(directory);
}

static void check_entry(struct directory *d, const char *key, const uint64_t *ids, uint32_t count)
{
    const struct directory_entry *e;

    rcu_register_thread();
    e = directory_find(d, DIRECTORY_ADDRESS, span_text(key));
    if (!e)
        e = directory_find(d, DIRECTORY_DOMAIN, span_text(key));
    CHECK(e && e->account_count == count);
    for (uint32_t i = 0; e && i < count && i < e->account_count; i++)
        if (!CHECK(e->accounts[i].id == ids[i]))
            CHECK_TEXT(span_text(key), "");
    rcu_unregister_thread();
}

static void aliases_are_expanded_to_accounts(void)
{
    struct config *config = config_of(
        TOP
        "domains:\n- {name: a.test, catch_all: all@a.test, detail_separator: '-'}\n"
        "- {name: strict.test, case_sensitive: true, catch_all: Boo@strict.test, detail_separator: "
        "'', reject_score: 7}\n"
        "accounts:\n- {address: al@a.test, password: \"" HASH "\"}\n"
        "- {address: Bo@strict.test, password: \"" HASH "\"}\n"
        "- {address: Boo@strict.test, password: \"" HASH "\"}\n"
        "aliases:\n- {address: All@A.test, members: [team@strict.test, AL@a.test, bob@a.test]}\n"
        "- {address: bob@a.test, members: [Bo@Strict.test]}\n"
        "- {address: team@strict.test, members: [bob@a.test, al@a.test, bob@a.test]}\n");
    struct directory *directory = directory_new(64);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 1,
                                            .directory = directory,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};
    const uint64_t al = 109, bo = 114;
    const struct directory_entry *e;

    if (!CHECK(config != NULL))
        return;
    free(config_settings(&source));
    CHECK(calls == 3);
    check_entry(directory, "al@a.test", &al, 1);
    check_entry(directory, "Bo@strict.test", &bo, 1);
    check_entry(directory, "bob@a.test", &bo, 1);
    check_entry(directory, "team@strict.test", (uint64_t[]){bo, al}, 2);
    check_entry(directory, "all@a.test", (uint64_t[]){bo, al}, 2);
    check_entry(directory, "a.test", (uint64_t[]){bo, al}, 2);
    check_entry(directory, "strict.test", (uint64_t[]){115}, 1);
    rcu_register_thread();
    e = directory_find(directory, DIRECTORY_DOMAIN, span_text("strict.test"));
    CHECK(e && e->case_sensitive && e->detail_separator == 0);
    e = directory_find(directory, DIRECTORY_DOMAIN, span_text("a.test"));
    CHECK(e && !e->case_sensitive && e->detail_separator == '-');
    /* The account's own domain says what its mail is judged by. */
    CHECK(e && e->accounts[0].reject_score == 7000 && e->accounts[1].reject_score == 15000);
    CHECK(!directory_find(directory, DIRECTORY_ADDRESS, span_text("bo@strict.test")));
    rcu_unregister_thread();
    config_free(config);
    directory_free(directory);
}

static void forwards_go_to_the_queue(void)
{
    struct config *config = config_of(
        TOP "domains:\n- {name: a.test, catch_all: far@a.test}\n"
            "accounts:\n- {address: Al@a.test, password: \"" HASH
            "\", forward: [Al@B\u00FCcher.example], keep_copy: false}\n"
            "aliases:\n- {address: Far@a.test, forward: [x@far.test, x@FAR.test, X@far.test]}\n"
            "- {address: all@a.test, members: [far@a.test, al@a.test], forward: [x@far.test]}\n");
    struct directory *directory = directory_new(64);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 1,
                                            .directory = directory,
                                            .queue = 9,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};
    const struct directory_entry *e;

    if (!CHECK(config != NULL))
        return;
    free(config_settings(&source));
    check_entry(directory, "al@a.test", (uint64_t[]){109, 9}, 2);
    check_entry(directory, "far@a.test", (uint64_t[]){9, 9}, 2);
    check_entry(directory, "a.test", (uint64_t[]){9, 9}, 2);
    check_entry(directory, "all@a.test", (uint64_t[]){109, 9, 9, 9}, 4);
    rcu_register_thread();
    e = directory_find(directory, DIRECTORY_ADDRESS, span_text("all@a.test"));
    if (CHECK(e && e->account_count == 4)) {
        CHECK(e->accounts[0].no_copy && !e->accounts[1].no_copy);
        CHECK_TEXT(e->accounts[1].forward, "Al@xn--bcher-kva.example");
        CHECK_TEXT(e->accounts[1].address, "Al@a.test");
        CHECK_TEXT(e->accounts[2].forward, "x@far.test");
        CHECK_TEXT(e->accounts[2].address, "all@a.test");
        CHECK_TEXT(e->accounts[3].forward, "X@far.test");
        CHECK(e->accounts[3].reject_score == 15000);
    }
    e = directory_find(directory, DIRECTORY_DOMAIN, span_text("a.test"));
    CHECK_TEXT(e->accounts[0].address, "Far@a.test");
    rcu_unregister_thread();
    config_free(config);
    directory_free(directory);
}

static bool mapped(const struct settings *s, enum address_map_class where, const char *from,
                   const char *to)
{
    uint8_t text[ADDRESS_MAP_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct address a;

    return address_mailbox(span_text(from), ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK &&
           address_map(s->submission_maps, where, &a, &w) &&
           span_equal(writer_span(&w), span_text(to));
}

/* They outlive the configuration. */
static void maps_go_with_the_settings(void)
{
    struct config *config = config_of(
        POP3 "submission:\n"
             "  canonical: [{address: Anna@old.test, to: A.Berg@new.test},\n"
             "    {address: '@B\u00FCcher.test', to: '@new.test', applies_to: sender},\n"
             "    {address: '@b\u00FCcher.test', to: '@other.test', applies_to: recipient}]\n"
             "  masquerade: {domains: ['!Keep.host.test', host.test], except: [Root]}\n");
    struct directory *directory = directory_new(64);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 1,
                                            .directory = directory,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};
    struct settings *s = config ? config_settings(&source) : NULL;

    config_free(config);
    if (!CHECK(s && s->submission_maps))
        return;
    CHECK(mapped(s, ADDRESS_MAP_HEADER_SENDER, "anna@OLD.test", "A.Berg@new.test"));
    CHECK(mapped(s, ADDRESS_MAP_ENVELOPE_RECIPIENT, "anna@old.test", "A.Berg@new.test"));
    CHECK(mapped(s, ADDRESS_MAP_ENVELOPE_SENDER, "x@xn--bcher-kva.test", "x@new.test"));
    CHECK(mapped(s, ADDRESS_MAP_HEADER_RECIPIENT, "x@xn--bcher-kva.test", "x@other.test"));
    CHECK(mapped(s, ADDRESS_MAP_HEADER_RECIPIENT, "x@a.host.test", "x@host.test"));
    CHECK(!mapped(s, ADDRESS_MAP_ENVELOPE_RECIPIENT, "x@a.host.test", "x@host.test"));
    CHECK(!mapped(s, ADDRESS_MAP_HEADER_SENDER, "x@a.keep.host.test", "x@host.test"));
    CHECK(!mapped(s, ADDRESS_MAP_HEADER_SENDER, "ROOT@a.host.test", "ROOT@host.test"));
    free(s);
    directory_free(directory);
}

static void every_domain_has_its_postmaster(void)
{
    struct config *config =
        config_of("hostname: mx.a.test\nengine: {interface: e}\n"
                  "network: {addresses: [198.18.0.2/24, '2001:2::2/64']}\n"
                  "listeners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n"
                  "domains:\n- {name: old.test, class: refused}\n- {name: a.test}\n"
                  "- {name: bb.test, case_sensitive: true, catch_all: Me@bb.test}\n"
                  "accounts:\n- {address: PostMaster@a.test, password: \"" HASH "\"}\n"
                  "- {address: Me@bb.test, password: \"" HASH "\"}\n"
                  "aliases: [{address: Abuse@a.test, members: [Me@bb.test]}]\n");
    struct directory *directory = directory_new(64);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 1,
                                            .directory = directory,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};
    static const char *const of_a[] = {"postmaster", "postmaster@[198.18.0.2]",
                                       "postmaster@[ipv6:2001:2::2]", "postmaster@a.test"};
    const uint64_t postmaster = 117, me = 110;

    if (!CHECK(config != NULL))
        return;
    free(config_settings(&source));
    for (int i = 0; i < 4; i++)
        check_entry(directory, of_a[i], &postmaster, 1);
    check_entry(directory, "abuse@a.test", &me, 1);
    check_entry(directory, "postmaster@bb.test", &me, 1);
    check_entry(directory, "abuse@bb.test", &me, 1);
    CHECK(directory_count(directory) == 3 + 3 + 2 + 3);
    rcu_register_thread();
    for (int i = 0; i < 4; i++)
        CHECK(directory_find(directory, DIRECTORY_ADDRESS, span_text(of_a[i]))->exempt);
    CHECK(directory_find(directory, DIRECTORY_ADDRESS, span_text("abuse@bb.test"))->exempt);
    CHECK(!directory_find(directory, DIRECTORY_ADDRESS, span_text("Me@bb.test"))->exempt);
    rcu_unregister_thread();
    config_free(config);
    directory_free(directory);
}

static void no_settings_without_ids_or_room(void)
{
    struct config *config =
        config_of(TOP "domains: [{name: a.test, catch_all: nobody@a.test}]\naccounts: [{address: "
                      "nobody@a.test, password: \"" HASH "\"}]\n");
    struct directory *directory = directory_new(64), *small = directory_new(1);
    uint64_t calls = 0;
    struct config_settings_source source = {.config = config,
                                            .version = 1,
                                            .directory = directory,
                                            .account_id = id_of,
                                            .tenant_id = tenant_of,
                                            .context = &calls};

    CHECK(config_settings(&source) == NULL && calls == 1);
    config_free(config);
    config = config_of(POP3 "domains: [{name: a.test, class: refused}, {name: b.test, class: "
                            "refused}, {name: c.test, class: refused}]\n");
    source.config = config;
    source.directory = small;
    CHECK(config_settings(&source) == NULL);
    config_free(config);
    directory_free(directory);
    directory_free(small);
}

int main(void)
{
    check_begin();
    CHECK_CASE(settings_and_directory_come_of_the_configuration);
    CHECK_CASE(aliases_are_expanded_to_accounts);
    CHECK_CASE(maps_go_with_the_settings);
    CHECK_CASE(forwards_go_to_the_queue);
    CHECK_CASE(every_domain_has_its_postmaster);
    CHECK_CASE(no_settings_without_ids_or_room);
    return check_end();
}
