/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/config/config.h"
#include "control/config/config_option.h"
#include "dataplane/handoff/settings.h"
#include "tests/harness/check.h"

#define HASH                                                                                       \
    "$6$saltsaltsaltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"                              \
    "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"

static struct config_errors errors;

/* The least that is a configuration; `%s` is replaced. */
#define LEAST                                                                                      \
    "hostname: mx.example.test\n"                                                                  \
    "engine: {interface: eth0}\n"                                                                  \
    "network: {addresses: [198.18.0.2/24]}\n"                                                      \
    "listeners:\n"                                                                                 \
    "  - {port: 110, protocol: pop3}\n"                                                            \
    "store: {path: mail}\n"

#define LEAST_TAP                                                                                  \
    "role: tap\n"                                                                                  \
    "hostname: tap.example.test\n"                                                                 \
    "tap: {ports: [{interface: eth1}]}\n"

/* A local domain with one account. */
#define ADDRESSES                                                                                  \
    LEAST "domains: [{name: b.test, catch_all: a@b.test}]\n"                                       \
          "accounts: [{address: a@b.test, password: \"" HASH "\"}]\n"

static struct config *read_text(const char *text)
{
    struct span guarded = guard_copy(span_text(text), true);
    struct config *config = config_read(guarded, "/etc/wp/a.yaml", &errors);

    guard_free(guarded);
    return config;
}

static void defaults_are_of_the_table(void)
{
    struct config *c = read_text(LEAST);

    CHECK(errors.count == 0);
    CHECK_TEXT(writer_span(&errors.text), "");
    if (!CHECK(c != NULL))
        return;
    CHECK_TEXT(span_text(c->hostname), "mx.example.test");
    CHECK(c->engine.workers == 1 && c->engine.pmd == CONFIG_PMD_AF_PACKET && c->engine.nap == 50);
    CHECK(c->engine.idle == CONFIG_IDLE_ADAPTIVE && c->engine.memory == 256 << 20);
    CHECK(c->engine.tso == CONFIG_OFFLOAD_AUTO && c->engine.large_receive == CONFIG_OFFLOAD_AUTO);
    CHECK(c->engine.mbufs == 0 && c->engine.checksum_offload && c->engine.eal_count == 0);
    CHECK(c->engine.receive_window == 1 << 20 && c->engine.device[0] == 0);
    CHECK(c->smtp.message_size == 50 << 20 && c->smtp.recipients == 100 && c->smtp.errors == 10);
    CHECK(c->smtp.command_timeout == 300000000 && c->smtp.end_timeout == 60000000);
    CHECK(c->pop3.idle_timeout == 600000000 && !c->pop3.allow_cleartext && c->pop3.failures == 3);
    CHECK(c->store.sync && c->store.quota == 0);
    CHECK_TEXT(span_text(c->store.path), "/etc/wp/mail");
    CHECK_TEXT(span_text(c->records.path), "-");
    CHECK_TEXT(span_text(c->ctl_socket), "/run/wirepost/ctl.sock");
    CHECK(c->log_level == 2 && c->profile_sample == 64 && c->domains_count == 0);
    CHECK(c->listeners_count == 1 && c->listeners[0].port == 110 && c->listeners[0].line == 5);
    config_free(c);
}

static void a_tap_needs_its_ports_alone(void)
{
    struct config *c = read_text(LEAST_TAP);
    struct config *same = read_text(LEAST_TAP);
    struct config *other = read_text("role: tap\nhostname: tap.example.test\n"
                                     "tap: {ports: [{interface: eth2}]}\n");

    CHECK_TEXT(writer_span(&errors.text), "");
    if (CHECK(c && same && other)) {
        CHECK(c->role == CONFIG_ROLE_TAP && c->tap.ports_count == 1 && c->tap.flows == 65536);
        CHECK_TEXT(span_text(c->tap.ports[0].interface), "eth1");
        CHECK(c->listeners_count == 0 && c->store.path[0] == 0 && c->tap.extract[0] == 0);
        CHECK(c->tap.idle == 600000000 && c->tap.statistics == 60000000);
        CHECK(config_fixed_difference(c, same) == NULL);
        CHECK_TEXT(span_text(config_fixed_difference(c, other)), "tap.ports");
    }
    config_free(c);
    config_free(same);
    config_free(other);
}

static void every_default_is_a_value(void)
{
    struct config *c = read_text(LEAST);

    for (uint32_t i = 0; c && i < config_option_count; i++) {
        const struct config_option *o = &config_options[i];
        struct config_reading reading = {.memory = c->memory};
        uint64_t field[4];

        CHECK(strlen(o->text) > 0);
        if (o->fallback && !config_value(o, span_text(o->fallback), &reading, field))
            CHECK_TEXT(span_text(o->path), "has a default of its type");
    }
    config_free(c);
}

static void all_options_are_read(void)
{
    struct config *c =
        read_text("hostname: mx.example.test\n"
                  "engine:\n"
                  "  workers: 2\n"
                  "  pmd: eal\n"
                  "  device: \"net_memif0,role=client\"\n"
                  "  eal: [\"--no-telemetry\", -v]\n"
                  "  idle: busy\n"
                  "  nap: 1ms\n"
                  "  mbufs: 4096\n"
                  "  checksum_offload: false\n"
                  "  tso: off\n"
                  "  large_receive: off\n"
                  "  control_cpus: 0-1,4\n"
                  "network:\n"
                  "  addresses: [198.18.0.2/24, \"2001:2::2/64\"]\n"
                  "  gateways: [198.18.0.1, \"2001:2::1\"]\n"
                  "  vlan: 7\n"
                  "listeners: [{port: 25, protocol: smtp}, {port: 110, protocol: pop3}]\n"
                  "smtp: {message_size: 1GiB, data_timeout: 10s}\n"
                  "pop3: {allow_cleartext: true}\n"
                  "store: {path: /var/mail, sync: false, quota: 2GiB}\n"
                  "rules: {files: [a.yaml, /b.yaml], cache: cache}\n"
                  "domains:\n"
                  "  - {name: Example.TEST, quarantine_score: 2.5, reject_score: off, catch_all: "
                  "alice@example.test}\n"
                  "  - {name: \"b\xc3\xbc"
                  "cher.example\", class: refused}\n"
                  "accounts:\n"
                  "  - {address: Alice@example.test, password: \"" HASH "\"}\n"
                  "records: {path: \"\"}\n"
                  "log: {level: debug}\n");

    CHECK_TEXT(writer_span(&errors.text), "");
    if (!CHECK(c != NULL))
        return;
    CHECK(c->engine.workers == 2 && c->engine.pmd == CONFIG_PMD_EAL &&
          c->engine.idle == CONFIG_IDLE_BUSY);
    CHECK(c->engine.nap == 1000 && c->engine.mbufs == 4096 && !c->engine.checksum_offload);
    CHECK(c->engine.tso == CONFIG_OFFLOAD_OFF && c->engine.large_receive == CONFIG_OFFLOAD_OFF);
    CHECK(c->engine.eal_count == 2);
    CHECK_TEXT(span_text(c->engine.eal[1]), "-v");
    CHECK_TEXT(span_text(c->engine.device), "net_memif0,role=client");
    CHECK(c->network.addresses_count == 2 && c->network.addresses[0].prefix == 24);
    CHECK(c->network.addresses[1].prefix == 64 &&
          !ip_address_is_v4(&c->network.addresses[1].address));
    CHECK(c->network.gateways_count == 2 && ip_address_is_v4(&c->network.gateways[0]));
    CHECK(c->network.vlan == 7 && c->listeners_count == 2);
    CHECK(c->listeners[1].port == 110 && c->listeners[1].protocol == LISTENER_POP3);
    CHECK(c->smtp.message_size == 1 << 30 && c->smtp.data_timeout == 10000000);
    CHECK(!c->store.sync && c->store.quota == INT64_C(2) << 30);
    CHECK(c->rules.files_count == 2);
    CHECK_TEXT(span_text(c->rules.files[0]), "/etc/wp/a.yaml");
    CHECK_TEXT(span_text(c->rules.files[1]), "/b.yaml");
    CHECK(c->domains_count == 2 && c->domains[0].quarantine_score == 2500);
    CHECK(c->domains[0].reject_score == CONFIG_SCORE_OFF &&
          c->domains[1].class == DIRECTORY_REFUSED);
    CHECK(c->accounts_count == 1 && c->accounts[0].domain == 0 && c->accounts[0].line == 27);
    CHECK(c->records.path[0] == 0 && c->log_level == 3);
    config_free(c);
}

/* One fault each, put behind or in place of the least there is; all that is told must begin so. */
static const struct {
    const char *text, *told;
} faults[] = {
    {LEAST "workers: 1\n", ":7: workers: unknown option; expected one of hostname, role, engine,"},
    {"hostname: a.test\nengine: {interface: a}\nnetwork: {addresses: [198.18.0.2/24]}\n"
     "listeners:\n- {port: 110, protocol: pop3}\n- {port: 25, protocol: smtp}\nstore: {path: a}\n",
     ":6: domains: expected one of class local, since a listener speaks smtp"},
    {"hostname: a.test\nengine: {interface: a}\nnetwork: {addresses: [198.18.0.2/24]}\n"
     "listeners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n"
     "domains: [{name: b.test, class: refused}]\n",
     ":4: domains: expected one of class local, since a listener speaks smtp"},
    {LEAST "smtp: {message_sise: 1MiB}\n",
     ":7: smtp.message_sise: unknown option; expected one of message_size,"},
    {LEAST "domains:\n  - name: a.test\n    clas: local\n",
     ":9: domains[].clas: unknown option; expected one of name, class,"},
    {LEAST "? [a, b]\n: 1\n", ":7: (no text): unknown option"},
    {LEAST "hostname: b.test\n", ":7: hostname: stands twice; expected once"},
    {LEAST "smtp:\n  errors: 1\n  errors: 2\n", ":9: smtp.errors: stands twice"},
    {LEAST "smtp: {message_size: 50 MiB}\n", ":7: smtp.message_size: expected a size from "
                                             "64KiB to 2GiB, such as 50MiB; found \"50 MiB\""},
    {LEAST "smtp: {message_size: 50MB}\n", ":7: smtp.message_size: expected a size"},
    {LEAST "smtp: {message_size: 99999999999999999999}\n",
     ":7: smtp.message_size: expected a size"},
    {LEAST "smtp: {message_size: 9999999TiB}\n", ":7: smtp.message_size: expected a size"},
    {LEAST "smtp: {message_size: 1KiB}\n", ":7: smtp.message_size: expected a size"},
    {LEAST "smtp: {end_timeout: 241s}\n", ":7: smtp.end_timeout: expected a duration from 1s "
                                          "to 4m, such as 50us or 5m; found \"241s\""},
    {LEAST "smtp: {end_timeout: 60}\n", ":7: smtp.end_timeout: expected a duration"},
    {LEAST "smtp: {recipients: 101}\n",
     ":7: smtp.recipients: expected a number from 1 to 100; found \"101\""},
    {LEAST "smtp: {recipients: ten}\n", ":7: smtp.recipients: expected a number"},
    {LEAST "smtp: {recipients: [1]}\n",
     ":7: smtp.recipients: expected a number from 1 to 100; found a sequence"},
    {LEAST "smtp: {recipients: {a: 1}}\n",
     ":7: smtp.recipients: expected a number from 1 to 100; found a mapping"},
    {LEAST "smtp: 5\n", ":7: smtp: expected a mapping of options"},
    {LEAST "pop3: {allow_cleartext: yes}\n",
     ":7: pop3.allow_cleartext: expected true or false; found \"yes\""},
    {LEAST "log: {level: loud}\n",
     ":7: log.level: expected error, warning, info or debug; found \"loud\""},
    {LEAST "rules: {files: a.yaml}\n", ":7: rules.files: expected a sequence of 0 to 64 items"},
    {LEAST "rules: {files: [a.yaml,\n  \"\"]}\n", ":8: rules.files: expected a sequence"},
    {LEAST "domains: [{name: a..b}]\n",
     ":7: domains[].name: expected a domain name; found \"a..b\""},
    {LEAST "domains: [{name: \"[198.18.0.1]\"}]\n", ":7: domains[].name: expected a domain name"},
    {LEAST "domains:\n- {name: a.test}\n- {class: local}\n",
     ":9: domains[].name: expected a domain name; it is missing"},
    {LEAST "domains:\n- {name: a.test}\n- {name: A.test}\n",
     ":9: domains[].name: expected each once; a.test stands in line 8 already"},
    {LEAST "domains: [{name: a.test, quarantine_score: 5.0001}]\n",
     ":7: domains[].quarantine_score: expected a score from -1000 to 1000, or off; found "
     "\"5.0001\""},
    {LEAST "imap: {special_use: {sent: inbox}}\n",
     ": imap.special_use.sent: expected neither INBOX nor Quarantine"},
    {LEAST "imap: {special_use: {junk: a//b}}\n",
     ": imap.special_use.junk: Name is empty or has an empty level"},
    {LEAST "imap: {special_use: {trash: Sent}}\n",
     ": imap.special_use.trash: expected another name than sent's"},
    {LEAST "domains: [{name: a.test, quarantine_score: 20}]\n",
     ":7: domains[].quarantine_score: expected at most the reject_score"},
    {LEAST "accounts: [{address: a@b.test, password: \"" HASH "\"}]\n",
     ":7: accounts[].address: expected a domain that is listed as local; b.test is not"},
    {LEAST "domains: [{name: b.test, class: refused}]\naccounts: [{address: a@b.test, "
           "password: \"" HASH "\"}]\n",
     ":8: accounts[].address: expected a domain that is listed as local"},
    {LEAST "domains: [{name: b.test}]\naccounts:\n- {address: a@b.test, password: \"" HASH
           "\"}\n- {address: A@B.test, password: \"" HASH "\"}\n",
     ":10: accounts[].address: expected each once; a@b.test stands in line 9 already"},
    {LEAST "domains: [{name: b.test}]\naccounts: [{address: a@b.test, password: secretsecret1}]\n",
     ":8: accounts[].password: expected a password hash as crypt(5) has it; found \"...\""},
    {LEAST "domains: [{name: b.test}]\naccounts: [{address: b.test, password: \"" HASH "\"}]\n",
     ":8: accounts[].address: expected a mail address with a domain name; found \"b.test\""},
    {LEAST "domains: [{name: b.test, class: relay}]\n",
     ":7: domains[].class: expected local or refused; found \"relay\""},
    {LEAST "domains: [{name: b.test, detail_separator: a}]\n",
     ":7: domains[].detail_separator: expected one of + - _ . = # ~ or nothing"},
    {LEAST "domains: [{name: b.test, detail_separator: '--'}]\n",
     ":7: domains[].detail_separator: expected a text of at most 1 bytes"},
    {LEAST "domains:\n- {name: b.test, catch_all: a@b.test}\n",
     ":8: domains[].catch_all: expected an account or an alias; a@b.test is neither"},
    {LEAST "domains:\n- {name: a.test, class: refused}\n- {name: b.test}\naccounts: [{address: "
           "Abuse@b.test, password: \"" HASH "\"}]\n",
     ":9: domains[].name: expected an account, an alias or a catch_all for postmaster@b.test; "
     "there is none\n"},
    {LEAST "domains: [{name: b.test}]\naccounts: [{address: postmaster@b.test, password: "
           "\"" HASH "\"}]\n",
     ":7: domains[].name: expected an account, an alias or a catch_all for abuse@b.test"},
    {ADDRESSES "aliases:\n- {address: A@b.test, members: [a@b.test]}\n",
     ":10: aliases[].address: expected each once; a@b.test stands in line 8 already"},
    {ADDRESSES "aliases:\n- {address: x@c.test, members: [a@b.test]}\n",
     ":10: aliases[].address: expected a domain that is listed as local; c.test is not"},
    {ADDRESSES "aliases:\n- {address: x@b.test, members: [a@c.test]}\n",
     ":10: aliases[].members: expected addresses in a domain that is listed as local; a@c.test "
     "is in none"},
    {ADDRESSES "aliases:\n- {address: x@b.test, members: [a@b.test, c@b.test]}\n",
     ":10: aliases[].members: expected accounts or aliases; c@b.test is neither"},
    {ADDRESSES "aliases:\n- {address: x@b.test, members: []}\n",
     ":10: aliases[].members, aliases[].forward: expected at least one; x@b.test leads nowhere"},
    {ADDRESSES "aliases:\n- {address: x@b.test, forward: [y@B.test]}\n",
     ":10: aliases[].forward: expected addresses on other servers; the domain of y@B.test is one "
     "of "
     "`domains`"},
    {ADDRESSES "aliases:\n- {address: x@b.test, forward: [\xc3\xbc@far.test]}\n",
     ":10: aliases[].forward: expected addresses of at most 254 octets with local parts in ASCII"},
    {LEAST "submission: {canonical: [{address: nobody, to: x@y.test}]}\n",
     ":7: submission.canonical[].address: expected an address, or \"@\" and a domain"},
    {LEAST "submission: {canonical: [{address: a@b.test, to: '@y.test'}]}\n",
     ":7: submission.canonical[].to: expected an address with a local part in ASCII"},
    {LEAST "submission: {canonical: [{address: '@b.test', to: x@y.test}, {address: '@B.test', to: "
           "z@y.test, applies_to: sender}]}\n",
     ":7: submission.canonical[].address: expected each once for senders and once for recipients; "
     "@b.test stands there twice"},
    {LEAST "submission: {masquerade: {domains: ['!']}}\n",
     ": submission.masquerade.domains: expected domains, with or without \"!\" in front; ! is "
     "none"},
    {LEAST "submission: {canonical_classes: [header]}\n",
     ": submission.canonical_classes: expected envelope_sender, envelope_recipient, header_sender "
     "or "
     "header_recipient; found \"header\""},
    {ADDRESSES "aliases:\n- {address: x@b.test, members: [a@b.test, X@b.test]}\n",
     ":10: aliases[].members: expected accounts in the end; x@b.test leads back to itself"},
    {ADDRESSES "aliases:\n- {address: x@b.test, members: [y@b.test]}\n"
               "- {address: y@b.test, members: [a@b.test, z@b.test]}\n"
               "- {address: z@b.test, members: [x@b.test]}\n",
     ":10: aliases[].members: expected accounts in the end; x@b.test leads back to itself\n"
     "/etc/wp/a.yaml:11: aliases[].members: expected accounts in the end; y@b.test leads back "
     "to itself\n"
     "/etc/wp/a.yaml:12: "},
    {LEAST "hostname: [\n", ":8: expected YAML: "},
    {LEAST "---\nhostname: b\n", ":8: expected one YAML document; found a second"},
    {LEAST "log: {level: \xff}\n", ": expected YAML: "},
    {LEAST "log: {level: \"a\\nb\"}\n",
     ":7: log.level: expected error, warning, info or debug; found \"a?b\""},
    {"- a\n", ":1: the file: expected a mapping of options"},
    {"", ":1: hostname: expected a domain name; it is missing"},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2]}\nlisteners: "
     "[{port: 1, protocol: smtp}]\nstore: {path: a}\n",
     ":3: network.addresses: expected a sequence of 1 to 64 items, each an address and its "
     "prefix length, such as 198.18.0.2/24; found \"198.18.0.2\""},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: "
     "[198.18.0.2/33]}\nlisteners: [{port: 1, protocol: smtp}]\nstore: {path: a}\n",
     ":3: network.addresses: "},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: "
     "[127.0.0.1/8]}\nlisteners: [{port: 1, protocol: smtp}]\nstore: {path: a}\n",
     ":3: network.addresses: expected addresses that a host may have; found 127.0.0.1"},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2/24], "
     "gateways: [198.18.1.1]}\nlisteners: [{port: 1, protocol: smtp}]\nstore: {path: a}\n",
     ":3: network.gateways: expected a neighbour inside the prefix of one of our addresses; "
     "found 198.18.1.1"},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2/24], "
     "gateways: [198.18.1]}\nlisteners: [{port: 1, protocol: smtp}]\nstore: {path: a}\n",
     ":3: network.gateways: expected a sequence of 0 to 64 items, each an IPv4 or IPv6 "
     "address; found \"198.18.1\""},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: []\nstore: {path: a}\n",
     ":4: listeners: expected a sequence of 1 to 16 items; found 0"},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: [{port: 0, protocol: smtp}]\nstore: {path: a}\n",
     ":4: listeners[].port: expected a port from 1 to 65535; found \"0\""},
    {"hostname: a.test\nengine: {interface: e}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners:\n- {port: 25, protocol: smtp}\n- {port: 25, protocol: "
     "pop3}\nstore: {path: a}\n",
     ":6: listeners[].port: expected each once; 25 stands in line 5 already"},
    {"hostname: a.test\nengine: {workers: 1}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n",
     ":2: engine.interface: expected the name of a kernel interface; it is missing"},
    {"hostname: a.test\nengine: {pmd: eal}\nnetwork: {addresses: [198.18.0.2/24]}\nlisteners: "
     "[{port: 25, protocol: smtp}]\nstore: {path: a}\n",
     ":2: engine.device: expected a device as DPDK names it, since pmd is eal; it is missing"},
    {"hostname: a.test\nengine: {interface: \"e,x=1\"}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n",
     ":2: engine.interface: expected a name of letters, digits"},
    {"hostname: a.test\nengine: {interface: e, control_cpus: 3-1}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n",
     ":2: engine.control_cpus: expected CPU numbers and ranges"},
    {"hostname: a.test\nengine: {interface: e, directory: 16}\nnetwork: {addresses: "
     "[198.18.0.2/24]}\nlisteners: [{port: 25, protocol: smtp}]\nstore: {path: a}\n"
     "domains: [{name: a.1},{name: a.2},{name: a.3},{name: a.4},{name: a.5},{name: a.6},{name: "
     "a.7},{name: a.8},{name: a.9},"
     "{name: b.1},{name: b.2},{name: b.3},{name: b.4},{name: b.5},{name: b.6},{name: "
     "b.7},{name: b.8}]\n",
     ":2: engine.directory: expected room for all domains and addresses, 20 in all"},
    {LEAST "tap: {ports: [{interface: eth1}]}\n", ":7: tap: expected nothing, since role is serve"},
    {LEAST_TAP "store: {path: mail}\n", ":4: store: expected nothing, since role is tap"},
    {LEAST_TAP "engine: {pmd: af_xdp}\n", ":4: engine.pmd: expected nothing, since role is tap"},
    {LEAST_TAP "records: {privacy: {content: hash}}\n",
     ":4: records.privacy: expected nothing, since role is tap"},
    {"role: tap\nhostname: a.test\n",
     ":1: tap.ports: expected a sequence of 1 to 4 items; it is missing"},
    {"role: tap\nhostname: a.test\ntap: {ports: [{pmd: eal}]}\n",
     ":3: tap.ports[].device: expected a device as DPDK names it, since pmd is eal; it is missing"},
    {"role: tap\nhostname: a.test\ntap:\n  ports:\n  - {interface: a}\n  - {interface: a}\n",
     ":6: tap.ports[].interface: expected each once; the same stands in line 5 already"},
    {"role: tap\nhostname: a.test\ntap: {ports: [{pmd: af_xdp}]}\n",
     ":3: tap.ports[].interface: expected the name of a kernel interface; it is missing"},
};

static void faults_are_told_with_their_line(void)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct config *c = read_text(faults[i].text);
        char told[512];

        CHECK(c == NULL && errors.count > 0);
        snprintf(told, sizeof(told), "/etc/wp/a.yaml%s", faults[i].told);
        CHECK_TEXT(span_head(writer_span(&errors.text), strlen(told)), told);
        config_free(c);
    }
}

static void all_faults_are_told(void)
{
    CHECK(read_text("hostname: mx\nengine: {workers: 0}\nlisteners: [{port: 70000}]\n") == NULL);
    /* workers, addresses, port, protocol, path. The interface is looked at when the rest is sound.
     */
    CHECK(errors.count == 5);
}

static void many_faults_stay_bounded(void)
{
    size_t n = 20000, len = 0;
    char *text = malloc(n * 12);

    for (size_t i = 0; i < n; i++)
        len += (size_t)sprintf(text + len, "x%zu: 1\n", i);
    CHECK(config_read(span_of(text, len), "a", &errors) == NULL);
    CHECK(errors.count >= n && errors.text.len <= CONFIG_ERRORS_TEXT);
    free(text);
}

static void nesting_and_aliases_stay_bounded(void)
{
    char *text = malloc(5001);

    memset(text, '[', 5000);
    text[5000] = 0;
    CHECK(config_read(span_text(text), "a", &errors) == NULL && errors.count > 0);
    free(text);
    CHECK(read_text(LEAST "domains: &d\n - *d\n") == NULL && errors.count > 0);
    CHECK(read_text(LEAST "rules: {files: &d [a, *d]}\n") == NULL && errors.count > 0);
}

/* A chain of so many aliases, the last of which leads to the account. */
static char *chain(uint32_t length)
{
    static char text[8192];
    size_t n = (size_t)sprintf(text, "%saliases:\n", ADDRESSES);

    for (uint32_t i = 1; i < length; i++)
        n +=
            (size_t)sprintf(text + n, "- {address: x%u@b.test, members: [x%u@b.test]}\n", i, i + 1);
    sprintf(text + n, "- {address: x%u@b.test, members: [a@b.test]}\n", length);
    return text;
}

static void aliases_have_a_depth(void)
{
    char *text = chain(16);
    struct config *c = read_text(text);

    CHECK(c && c->aliases[0].accounts.count == 1 && c->aliases[0].accounts.at[0] == 0);
    config_free(c);
    text = chain(17);
    CHECK(read_text(text) == NULL && errors.count == 1);
    CHECK_TEXT(
        writer_span(&errors.text),
        "/etc/wp/a.yaml:10: aliases[].members: expected accounts in the end; x1@b.test leads "
        "through more than 16 aliases\n");
}

static void aliases_have_a_size(void)
{
    static char text[65536];

    for (uint32_t accounts = 100; accounts <= 101; accounts++) {
        size_t n = (size_t)sprintf(
            text, "%sdomains: [{name: b.test, catch_all: a0@b.test}]\naccounts:\n", LEAST);
        struct config *c;

        for (uint32_t i = 0; i < accounts; i++)
            n += (size_t)sprintf(text + n, "- {address: a%u@b.test, password: \"%s\"}\n", i, HASH);
        n += (size_t)sprintf(text + n,
                             "aliases:\n- {address: x@b.test, members: [y@b.test, a%u@b.test]}\n"
                             "- address: y@b.test\n  members: [a0@b.test",
                             accounts - 1);
        for (uint32_t i = 1; i < 100; i++)
            n += (size_t)sprintf(text + n, ", a%u@b.test", i);
        sprintf(text + n, "]\n");
        c = read_text(text);
        if (accounts == 100)
            CHECK(c && c->aliases[0].accounts.count == 100 && c->aliases[0].accounts.at[99] == 99);
        else
            CHECK(!c && memmem(errors.bytes, errors.text.len,
                               "at most 100 accounts in the end; x@b", 36));
        config_free(c);
    }
}

static void cpu_lists(void)
{
    uint64_t bits[16];

    CHECK(config_cpus("0-1,4", bits) && bits[0] == 0x13);
    CHECK(config_cpus("1023", bits) && bits[15] == UINT64_C(1) << 63);
    CHECK(!config_cpus("", bits) && !config_cpus("1024", bits) && !config_cpus("1,", bits));
    CHECK(!config_cpus("1-", bits) && !config_cpus("2-1", bits) && !config_cpus("a", bits) &&
          !config_cpus("1;2", bits));
}

static void files_are_read(void)
{
    char path[] = "/tmp/wirepost-control-config-XXXXXX";
    int fd = mkstemp(path);
    struct config *c;

    CHECK(write(fd, LEAST, strlen(LEAST)) == (ssize_t)strlen(LEAST));
    close(fd);
    c = config_load(path, &errors);
    CHECK(c != NULL && errors.count == 0);
    config_free(c);
    unlink(path);
    CHECK(config_load(path, &errors) == NULL && errors.count == 1);
    CHECK(memmem(errors.bytes, errors.text.len, "cannot be read: No such file", 28) != NULL);
    CHECK(config_load("/tmp", &errors) == NULL && errors.count == 1);
}

int main(void)
{
    check_begin();
    CHECK_CASE(defaults_are_of_the_table);
    CHECK_CASE(a_tap_needs_its_ports_alone);
    CHECK_CASE(every_default_is_a_value);
    CHECK_CASE(all_options_are_read);
    CHECK_CASE(faults_are_told_with_their_line);
    CHECK_CASE(all_faults_are_told);
    CHECK_CASE(many_faults_stay_bounded);
    CHECK_CASE(nesting_and_aliases_stay_bounded);
    CHECK_CASE(aliases_have_a_depth);
    CHECK_CASE(aliases_have_a_size);
    CHECK_CASE(cpu_lists);
    CHECK_CASE(files_are_read);
    return check_end();
}
