/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/rulefile/rule_cache.h"
#include "tests/harness/check.h"
#include "tests/rules/rule_fixture.h"

static char error_text[8192];
static struct writer errors;

static bool read_text(struct rule_file *f, const char *text)
{
    errors = writer_of(error_text, sizeof error_text);
    return rule_file_parse(f, "f.yaml", span_text(text), &errors);
}

/* The text is refused with exactly these lines. */
static void refused(const char *text, const char *lines)
{
    struct rule_file *f = rule_file_new();

    CHECK(!read_text(f, text));
    CHECK_TEXT(writer_span(&errors), lines);
    rule_file_free(f);
}

static void whole_rule(void)
{
    struct rule_file *f = rule_file_new();
    const struct rule *rules;
    size_t count;

    CHECK(read_text(f, "# rules\n"
                       "rules:\n"
                       "  - patterns:\n"
                       "      - literal: one\n"
                       "        flags: [caseless, dotall]\n"
                       "      - {regex: 'two.*', scope: header.X-Spam, flags: [multiline]}\n"
                       "    id: full-1.0_x\n"
                       "    description: All keys\n"
                       "    scope: body\n"
                       "    match: all\n"
                       "    score: -2.25\n"
                       "    action: defer\n"
                       "    text: Come back later\n"
                       "    shadow: true\n"
                       "    enabled: false\n"
                       "  - {id: short, scope: raw, patterns: [{literal: x}]}\n"));
    CHECK_TEXT(writer_span(&errors), "");
    rules = rule_file_rules(f, &count);
    if (CHECK(count == 2)) {
        CHECK_TEXT(rules[0].id, "full-1.0_x");
        CHECK_TEXT(rules[0].description, "All keys");
        CHECK_TEXT(rules[0].text, "Come back later");
        CHECK(rules[0].logic == RULE_ALL && rules[0].score == -2250 && rules[0].shadow);
        CHECK(rules[0].action == RULE_ACTION_DEFER && !rules[0].enabled);
        CHECK(rules[0].source.line == 3 && rules[0].pattern_count == 2);
        CHECK_TEXT(rules[0].source.file, "f.yaml");
        CHECK(rules[0].patterns[0].literal && rules[0].patterns[0].scope == RULE_SCOPE_BODY);
        CHECK(rules[0].patterns[0].flags == (RULE_CASELESS | RULE_DOTALL));
        CHECK(!rules[0].patterns[1].literal && rules[0].patterns[1].scope == RULE_SCOPE_HEADER);
        CHECK_TEXT(rules[0].patterns[1].header, "X-Spam");
        CHECK(rules[0].patterns[1].source.line == 6);
        CHECK(rules[1].logic == RULE_ANY && rules[1].action == RULE_ACTION_NONE);
        CHECK(rules[1].enabled && !rules[1].shadow && rules[1].score == 0);
    }
    rule_file_free(f);
}

static void not_yaml(void)
{
    refused("", "f.yaml:1: expected rules: a list of them\n");
    refused("- a\n", "f.yaml:1: expected rules: a list of them\n");
    refused("rules: 5\n", "f.yaml:1: expected a list of rules, not '5'\n");
    refused("rulez: []\n", "f.yaml:1: expected one of rules, not 'rulez'\n");
    refused("rules: [a]\n", "f.yaml:1: expected a rule, not 'a'\n");
    refused("rules: []\n---\nrules: []\n",
            "f.yaml:2: expected the end of the file, not another document\n");
    refused("rules:\n  - {id: a\n  - b\n", "f.yaml:4: expected YAML: while parsing a flow mapping, "
                                           "did not find expected ',' or '}'\n");
    refused("rules: [\xff]\n",
            "f.yaml: expected UTF-8 text: invalid leading UTF-8 octet at byte 8\n");
}

static void unknown_tenants_and_domains_are_named(void)
{
    static char text[1000];
    struct rule_file *f = rule_file_new();
    const struct span known[] = {span_text("acme"), span_text("default")};
    const struct span domains[] = {span_text("xn--strae-oqa.test")};

    errors = writer_of(text, sizeof text);
    rule_file_known(f, &(struct rule_names_known){known, 2},
                    &(struct rule_names_known){domains, 1});
    CHECK(!rule_file_parse(
        f, "f.yaml",
        span_text("rules:\n"
                  "- {id: a, patterns: [{literal: x, scope: helo}], tenants: acme}\n"
                  "- id: b\n"
                  "  patterns: [{literal: x, scope: helo}]\n"
                  "  except_tenants:\n"
                  "  - default\n"
                  "  - Acme\n"
                  "- {id: c, patterns: [{literal: x, scope: helo}], tenants: no}\n"
                  "- {id: d, patterns: [{literal: x, scope: helo}], tenants: "
                  "acme, except_tenants: acme}\n"
                  "- {id: e, patterns: [{literal: x, scope: helo}], domains: STRA\xc3\x9f"
                  "E.test}\n"
                  "- {id: f, patterns: [{literal: x, scope: helo}], except_domains: b.test}\n"),
        &errors));
    CHECK_TEXT(writer_span(&errors),
               "f.yaml:7: rule 'b': expected a tenant that a domain has, not 'Acme'\n"
               "f.yaml:8: rule 'c': expected a tenant that a domain has, not 'no'\n"
               "f.yaml:9: rule 'd': expected tenants or except_tenants, not both\n"
               "f.yaml:11: rule 'f': expected a domain that the configuration has, not 'b.test'\n");
    rule_file_free(f);
}

static void wrong_keys_and_values(void)
{
    refused(
        "rules:\n"
        "- id: x\n"
        "  scoop: body\n"
        "  scope: bodi\n"
        "  match: some\n"
        "  score: many\n"
        "  action: drop\n"
        "  shadow: yes\n"
        "  id: y\n"
        "  text: [a]\n"
        "  patterns: [{literal: a}]\n",
        "f.yaml:3: rule 'x': expected one of id, description, scope, match, patterns, when, "
        "score, action, text, tag, domains, except_domains, tenants, except_tenants, "
        "shadow, enabled, not 'scoop'\n"
        "f.yaml:4: rule 'x': expected a scope (client.ip, client.name, helo, envelope.mail_from, auth.spf, "
        "envelope.rcpt_to, header, body, html, attachment, attachment.name, content.type, raw, "
        "anomaly, header.NAME, subject), not 'bodi'\n"
        "f.yaml:5: rule 'x': expected any or all, not 'some'\n"
        "f.yaml:6: rule 'x': expected a score from -1000 to 1000 with at most three decimals, "
        "not 'many'\n"
        "f.yaml:7: rule 'x': expected an action (none, tag, accept, quarantine, discard, "
        "defer, reject), "
        "not 'drop'\n"
        "f.yaml:8: rule 'x': expected true or false, not 'yes'\n"
        "f.yaml:9: rule 'x': expected each key once, not 'id'\n"
        "f.yaml:10: rule 'x': expected a text, not a list\n");
}

static void wrong_patterns(void)
{
    refused("rules:\n"
            "- id: x\n"
            "  patterns:\n"
            "  - {literal: a}\n"
            "  - {scope: body}\n"
            "  - {scope: body, literal: a, regex: b}\n"
            "  - {scope: body, regex: a, flags: caseless}\n"
            "  - {scope: body, regex: a, flags: [caseless, loud]}\n"
            "  - {scope: body, regexp: a}\n"
            "  - word\n"
            "- {id: y, scope: body}\n"
            "- {id: z, scope: body, patterns: []}\n",
            "f.yaml:4: rule 'x': expected a scope here or in the rule\n"
            "f.yaml:5: rule 'x': expected one of literal, regex, number, repeats\n"
            "f.yaml:6: rule 'x': expected one of literal, regex, number, repeats\n"
            "f.yaml:7: rule 'x': expected a list of caseless, dotall, multiline, not 'caseless'\n"
            "f.yaml:8: rule 'x': expected caseless, dotall or multiline, not 'loud'\n"
            "f.yaml:9: rule 'x': expected one of name, literal, regex, scope, flags, number, "
            "repeats, above, below, within, not 'regexp'\n"
            "f.yaml:9: rule 'x': expected one of literal, regex, number, repeats\n"
            "f.yaml:10: rule 'x': expected a pattern with one of literal, regex, number, repeats, "
            "not 'word'\n"
            "f.yaml:11: rule 'y': expected patterns: a list of them\n"
            "f.yaml:12: rule 'z': expected 1 to 256 patterns\n");
}

static void wrong_texts(void)
{
    refused("rules:\n"
            "- {id: x, scope: body, patterns: [{literal: a}], action: reject}\n"
            "- {id: y, scope: body, patterns: [{literal: a}], action: tag, text: no}\n"
            "- {id: z, scope: body, patterns: [{literal: a}], action: defer, text: \"a\\r\\nb\"}\n"
            "- {scope: body, patterns: [{literal: a}]}\n"
            "- {id: a b, scope: body, patterns: [{literal: ''}]}\n"
            "- {id: h, scope: 'header.a:b', patterns: [{regex: \"a\\0b\"}]}\n",
            "f.yaml:2: rule 'x': expected a text of 1 to 200 printable ASCII characters to answer "
            "with\n"
            "f.yaml:3: rule 'y': text is only for the actions reject and defer\n"
            "f.yaml:4: rule 'z': expected a text of 1 to 200 printable ASCII characters to answer "
            "with\n"
            "f.yaml:5: rule '': expected an id of 1 to 64 letters, digits, '-', '_' or '.'\n"
            "f.yaml:6: rule 'a b': expected an id of 1 to 64 letters, digits, '-', '_' or '.'\n"
            "f.yaml:6: rule 'a b': expected a pattern of 1 to 8192 bytes\n"
            "f.yaml:7: rule 'h': expected a regex without NUL; write \\x00\n"
            "f.yaml:7: rule 'h': expected a header field's name of at most 64 printable characters "
            "without ':'\n");
}

static void ids_are_unique(void)
{
    struct rule_file *f = rule_file_new();

    CHECK(read_text(f, "rules:\n- {id: x, scope: body, patterns: [{literal: a}]}\n"));
    errors = writer_of(error_text, sizeof error_text);
    CHECK(!rule_file_parse(f, "g.yaml",
                           span_text("rules:\n"
                                     "- {id: y, scope: body, patterns: [{literal: a}]}\n"
                                     "- {id: x, scope: body, patterns: [{literal: a}]}\n"),
                           &errors));
    CHECK_TEXT(writer_span(&errors),
               "g.yaml:3: rule 'x': expected an id of its own; f.yaml:2 has it too\n");
    rule_file_free(f);
}

static int32_t score_of(const char *text)
{
    char yaml[200];
    struct rule_file *f = rule_file_new();
    int32_t score = INT32_MIN;
    size_t count;

    snprintf(yaml, sizeof yaml,
             "rules: [{id: x, scope: body, patterns: [{literal: a}], score: %s}]", text);
    if (read_text(f, yaml))
        score = rule_file_rules(f, &count)[0].score;
    rule_file_free(f);
    return score;
}

static void scores(void)
{
    static const char *const bad[] = {"1001", "-1000.001", "1.", ".5", "1.2345", "'1 '",  "1e3",
                                      "+1",   "--1",       "''", "-",  "10000",  "1.2.3", "0x1"};

    CHECK(score_of("0") == 0 && score_of("5") == 5000 && score_of("-5") == -5000);
    CHECK(score_of("0.001") == 1 && score_of("-0.5") == -500 && score_of("12.34") == 12340);
    CHECK(score_of("1000") == 1000000 && score_of("-1000.000") == -1000000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(score_of(bad[i]) == INT32_MIN);
}

static void aliases_are_bounded(void)
{
    struct rule_file *f = rule_file_new();
    size_t room = 2 << 20;
    char *text = malloc(room);
    struct writer w = writer_of(text, room);

    writer_text(&w, "rules:\n- {id: a, scope: body, patterns: &p [&q {literal: x}");
    for (int i = 1; i < RULE_PATTERNS_MAX; i++)
        writer_text(&w, ", *q");
    writer_text(&w, "]}\n");
    for (int i = 1; i <= RULE_FILE_PATTERNS / RULE_PATTERNS_MAX; i++)
        writer_printf(&w, "- {id: a%d, scope: body, patterns: *p}\n", i);
    errors = writer_of(error_text, sizeof error_text);
    CHECK(!rule_file_parse(f, "f.yaml", writer_span(&w), &errors));
    CHECK_TEXT(writer_span(&errors),
               "f.yaml:258: rule 'a256': more rules or patterns than can be held\n");
    rule_file_free(f);
    free(text);
    refused("rules: &a [*a]\n", "f.yaml:1: expected a rule, not a list\n");
    refused(
        "rules: [&a {id: *a, scope: *a, patterns: [*a], flags: *a}]\n",
        "f.yaml:1: expected an id, not a mapping\n"
        "f.yaml:1: expected a scope (client.ip, client.name, helo, envelope.mail_from, auth.spf, "
        "envelope.rcpt_to, "
        "header, "
        "body, html, attachment, attachment.name, content.type, raw, anomaly, header.NAME, "
        "subject), "
        "not "
        "a mapping\n"
        "f.yaml:1: expected one of id, description, scope, match, patterns, when, score, action, "
        "text, tag, domains, except_domains, tenants, except_tenants, "
        "shadow, enabled, not 'flags'\n"
        "f.yaml:1: expected one of name, literal, regex, scope, flags, number, repeats, above, "
        "below, within, not 'id'\n"
        "f.yaml:1: expected a scope (client.ip, client.name, helo, envelope.mail_from, auth.spf, "
        "envelope.rcpt_to, "
        "header, "
        "body, html, attachment, attachment.name, content.type, raw, anomaly, header.NAME, "
        "subject), "
        "not "
        "a mapping\n"
        "f.yaml:1: expected one of name, literal, regex, scope, flags, number, repeats, above, "
        "below, within, not 'patterns'\n"
        "f.yaml:1: expected a list of caseless, dotall, multiline, not a mapping\n"
        "f.yaml:1: expected one of literal, regex, number, repeats\n");
}

static void missing_file(void)
{
    struct rule_file *f = rule_file_new();

    errors = writer_of(error_text, sizeof error_text);
    CHECK(!rule_file_read(f, "/nonexistent/rules.yaml", &errors));
    CHECK_TEXT(writer_span(&errors), "/nonexistent/rules.yaml: No such file or directory\n");
    errors = writer_of(error_text, sizeof error_text);
    CHECK(!rule_file_read(f, "/", &errors));
    CHECK_TEXT(writer_span(&errors), "/: Is a directory\n");
    rule_file_free(f);
}

static size_t file_count(const char *directory)
{
    DIR *list = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    while (list && (entry = readdir(list)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (list)
        closedir(list);
    return count;
}

/* Overwrites each file of the directory with `text`, or only changes modes when it is NULL. */
static void spoil(const char *directory, const char *text, mode_t mode)
{
    DIR *list = opendir(directory);
    const struct dirent *entry;

    while (list && (entry = readdir(list)) != NULL) {
        int fd;

        if (entry->d_name[0] == '.')
            continue;
        fd = openat(dirfd(list), entry->d_name, O_WRONLY);
        CHECK(fchmod(fd, mode) == 0);
        if (text)
            CHECK(ftruncate(fd, 0) == 0 && write(fd, text, strlen(text)) > 0);
        close(fd);
    }
    if (list)
        closedir(list);
}

static bool cached(struct rule_cache *cache, const char *literal)
{
    struct rule_pattern p = {.text = span_text(literal), .scope = RULE_SCOPE_BODY, .literal = true};
    struct rule rule = {.id = span_text("r"), .patterns = &p, .pattern_count = 1, .enabled = true};
    struct rule_set *set = NULL;

    errors = writer_of(error_text, sizeof error_text);
    CHECK(rule_cache_compile(cache, &rule, 1, &RULE_LIMITS_DEFAULT, &errors, &set) == RULE_OK);
    CHECK(set != NULL);
    rule_set_free(set);
    return cache->loaded;
}

static void cache_directory(void)
{
    char directory[] = "/tmp/wirepost-test-rule-cache-XXXXXX";
    char command[100];
    char text[] = "word-a";
    struct rule_cache cache = {.directory = mkdtemp(directory)};

    CHECK(!cached(&cache, text) && cache.saved && cache.error == 0);
    CHECK(cached(&cache, text) && !cache.saved);
    /* Damaged, or writable by others: compiled and written anew. */
    spoil(directory, "damaged", 0600);
    CHECK(!cached(&cache, text) && cache.saved);
    CHECK(cached(&cache, text));
    spoil(directory, NULL, 0622);
    CHECK(!cached(&cache, text) && cache.saved);
    CHECK(cached(&cache, text));
    CHECK(file_count(directory) == 1);
    for (; text[5] < 'a' + 2 * RULE_CACHE_KEPT; text[5]++)
        cached(&cache, text);
    CHECK(file_count(directory) == RULE_CACHE_KEPT);
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK(system(command) == 0);
    CHECK(!cached(&cache, text) && !cache.saved && cache.error == ENOENT);
}

int main(void)
{
    check_begin();
    CHECK_CASE(whole_rule);
    CHECK_CASE(not_yaml);
    CHECK_CASE(unknown_tenants_and_domains_are_named);
    CHECK_CASE(wrong_keys_and_values);
    CHECK_CASE(wrong_patterns);
    CHECK_CASE(wrong_texts);
    CHECK_CASE(ids_are_unique);
    CHECK_CASE(scores);
    CHECK_CASE(aliases_are_bounded);
    CHECK_CASE(missing_file);
    CHECK_CASE(cache_directory);
    return check_end();
}
