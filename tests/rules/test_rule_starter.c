/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/check.h"
#include "tests/rules/rule_fixture.h"

/* The set that comes with the project: for each rule a message that it hits, and one like it that
 * it does not. */

enum { PIECES = 4 };

/* What of a message is told to the rules: a scope's value, or a number or a count in digits. */
struct piece {
    const char *where, *what;
};

struct sample {
    const char *id;
    struct piece hit[PIECES], miss[PIECES];
};

static const char eicar[] = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-"
                            "ANTIVIRUS-TEST-FILE!$H+H*";
static const char gtube[] = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

static const struct sample samples[] = {
    {"eicar", {{"attachment", eicar}}, {{"attachment", "EICAR-STANDARD"}}},
    {"gtube", {{"body", gtube}}, {{"body", "GTUBE"}}},
    {"executable-attachment", {{"attachment.name", "a.EXE"}}, {{"attachment.name", "exe.txt"}}},
    {"double-extension",
     {{"attachment.name", "invoice.pdf   .exe"}},
     {{"attachment.name", "setup.exe"}}},
    {"disk-image-attachment", {{"attachment.name", "cd.iso"}}, {{"attachment.name", "iso.pdf"}}},
    {"advance-fee-money",
     {{"body", "the sum of US$ 4.5 million"}},
     {{"body", "the sum of all parts"}}},
    {"advance-fee-kin",
     {{"body", "as next of kin, a business proposal"}},
     {{"body", "the next of kin were told"}}},
    {"lottery", {{"subject", "lottery: you have won"}}, {{"subject", "The lottery of birth"}}},
    {"urgent-subject", {{"subject", "URGENT: read"}}, {{"subject", "Nothing urgent"}}},
    {"macro-document", {{"attachment.name", "list.XLSM"}}, {{"attachment.name", "list.xlsx"}}},
    {"unusual-archive", {{"attachment.name", "a.ace"}}, {{"attachment.name", "a.zip"}}},
    {"markup-attachment", {{"attachment.name", "voice.htm"}}, {{"attachment.name", "htm.pdf"}}},
    {"reversed-name",
     {{"attachment.name", "ann\u202efdp.exe"}},
     {{"attachment.name", "\u05e9\u05dc\u05d5\u05dd.pdf"}}},
    {"windows-program",
     {{"attachment", "MZ..This program cannot be run in DOS mode"}},
     {{"attachment", "MZ is a short word"}}},
    {"disguised-program",
     {{"attachment", "This program cannot be run in DOS mode"}, {"attachment.name", "a.png"}},
     {{"attachment", "This program cannot be run in DOS mode"}, {"attachment.name", "a.exe"}}},
    {"locked-archive",
     {{"attachment", "PK\003\004\024 \001x"}, {"body", "Password: 1234"}},
     {{"attachment", "PK\003\004\024 \002x"}, {"body", "Password: 1234"}}},
    {"password-form",
     {{"html", "<INPUT name=x type=\"password\">"}},
     {{"html", "<input type=text> password"}}},
    {"page-that-leads-away",
     {{"html", "<meta http-equiv='refresh' content='0'>"}},
     {{"html", "<meta http-equiv=content-type>"}}},
    {"link-to-an-address", {{"body", "see http://198.18.0.1/x"}}, {{"body", "host 198.18.0.1"}}},
    {"link-with-user",
     {{"html", "<a href='https://bank.test@evil.test'>"}},
     {{"html", "<a href='https://bank.test/@evil'>"}}},
    {"little-text-and-a-link",
     {{"count.links", "1"}, {"body.size", "80"}},
     {{"count.links", "1"}, {"body.size", "800"}}},
    {"address-for-a-name",
     {{"header.From", "\"boss@example.test\" <x@evil.test>"}},
     {{"header.From", "\"The boss\" <boss@example.test>"}}},
    {"answer-to-nothing",
     {{"subject", "Re: offer"}},
     {{"subject", "Re: offer"}, {"header.References", "<1@example.test>"}}},
    {"no-date", {{"subject", "x"}}, {{"header.date", "Sun, 22 Nov 2026 10:00:00 +0000"}}},
    {"no-message-id", {{"subject", "x"}}, {{"header.MESSAGE-ID", "<1@example.test>"}}},
    {"helo-address", {{"helo", "198.18.0.1"}}, {{"helo", "[198.18.0.1]"}}},
    {"helo-localhost", {{"helo", "LocalHost"}}, {{"helo", "localhost.example.test"}}},
    {"talks-too-early", {{"anomaly", "pregreet"}}, {{"anomaly", "bare_lf"}}},
    {"extortion",
     {{"body", "I recorded you. Send bitcoin to this wallet"}},
     {{"body", "We recorded the talk on bitcoin"}}},
    {"account-threat",
     {{"body", "your account has been suspended, verify now"}},
     {{"body", "your account has been opened, confirm it"}}},
    {"mailbox-is-full",
     {{"body", "Your mailbox is almost full. Click here"}},
     {{"body", "The glass is almost full. Click"}}},
    {"gift-cards",
     {{"body", "Buy gift cards asap and send the codes"}},
     {{"body", "The shop sells gift cards"}}},
    {"pills", {{"body", "buy cheap viagra"}}, {{"body", "a study of tramadol"}}},
    {"search-rank",
     {{"body", "on the first page of Google"}},
     {{"body", "the first page of the book"}}},
    {"shouted-subject", {{"subject", "BUY NOW AND SAVE!!"}}, {{"subject", "NASA on the moon"}}},
    {"invisible-letters", {{"subject", "pay\u200bpal"}}, {{"subject", "pay pal \u2013 x"}}},
    {"many-recipients", {{"count.recipients", "31"}}, {{"count.recipients", "30"}}},
    {"long-way", {{"count.received", "26"}}, {{"count.received", "5"}}},
    {"same-text-again", {{"body.hash", "51"}}, {{"body.hash", "50"}}},
    {"same-id-again", {{"message.id", "21"}}, {{"message.id", "2"}}},
    {"read-two-ways", {{"anomaly", "filename_two"}}, {{"anomaly", "qp_bad"}}},
    {"says-it-is-no-spam", {{"body", "This email is not spam"}}, {{"body", "not spam"}}},
    {"removal-by-answer",
     {{"body", "To be removed from our list"}},
     {{"body", "it was removed on Monday"}}},
    {"nothing-to-lose", {{"body", "a money-back guarantee"}}, {{"body", "no risk in it"}}},
    {"loan-offer", {{"body", "mortgage at the lowest rates"}}, {{"body", "rates of the mortgage"}}},
    {"debt-offer", {{"body", "Bad credit? No problem"}}, {{"body", "consolidated accounts"}}},
    {"home-income", {{"body", "work from home"}}, {{"body", "at home with a book"}}},
    {"dollars-a-week", {{"body", "Earn $5,000"}}, {{"body", "costs $5"}}},
    {"weight-offer", {{"body", "lose 20 pounds"}}, {{"body", "lost weight in winter"}}},
    {"lists-of-addresses", {{"body", "20 million email addresses"}}, {{"body", "a bulk of paper"}}},
    {"printer-ink",
     {{"body", "toner cartridges, save 70%"}},
     {{"body", "changed the toner cartridge"}}},
    {"insurance-offer",
     {{"body", "term life insurance: free quotes"}},
     {{"body", "my health insurance"}}},
    {"casino", {{"body", "an online casino"}}, {{"body", "the casino royale"}}},
    {"stock-tip", {{"body", "Rated strong buy"}}, {{"body", "strong, buy it"}}},
    {"act-now", {{"body", "Act now"}}, {{"body", "the law to act by"}}},
    {"click-here", {{"body", "Click here"}}, {{"body", "one click"}}},
    {"dear-somebody", {{"body", "Dear Friend,"}}, {{"body", "Dear Anna,"}}},
    {"subject-adv", {{"subject", "ADV: toner"}}, {{"subject", "advice"}}},
    {"subject-with-a-tail",
     {{"subject", "Cheap things          xkqvz"}},
     {{"subject", "a long subject"}}},
    {"subject-of-money", {{"subject", "Get $500"}}, {{"subject", "the cash book"}}},
    {"most-urgent", {{"header.X-Priority", "1 (Highest)"}}, {{"header.X-Priority", "3"}}},
    {"page-only",
     {{"content.type", "text/html"}, {"count.parts", "1"}},
     {{"content.type", "text/html"}, {"count.parts", "3"}}},
    {"odd-message-id",
     {{"header.Message-ID", "<12345>"}},
     {{"header.Message-ID", "<1@example.test>"}}},
};

static char error_text[4096];

static void tell_count(struct rule_fixture *f, enum rule_counter what, uint64_t count)
{
    for (size_t i = 0; i < rule_set_counters(f->set); i++)
        if (rule_set_counter(f->set, i)->what == what)
            rule_match_counted(f->match, i, count);
}

static void tell(struct rule_fixture *f, const struct piece *p)
{
    struct span where = span_text(p->where), what = span_text(p->what), header;
    enum rule_scope scope;
    enum rule_number number;
    enum rule_counter counter;

    if (rule_number_parse(where, &number)) {
        rule_match_number(f->match, number, strtoull(p->what, NULL, 10));
    } else if (rule_scope_parse(where, &scope, &header)) {
        if (scope == RULE_SCOPE_HEADER)
            rule_match_header(f->match, header, what);
        else if (rule_scope_streams(scope))
            CHECK(rule_match_feed(f->match, scope, what) == RULE_OK);
        else
            rule_match_value(f->match, scope, what);
    } else if (CHECK(rule_counter_parse(where, &counter))) {
        tell_count(f, counter, strtoull(p->what, NULL, 10));
    }
}

static bool hits(struct rule_fixture *f, const struct piece pieces[PIECES], size_t rule)
{
    const struct rule_policy policy = {.quarantine_at = RULE_SCORE_NEVER,
                                       .reject_at = RULE_SCORE_NEVER};
    struct rule_verdict v;

    rule_fixture_again(f);
    for (int i = 0; i < PIECES && pieces[i].where; i++)
        tell(f, &pieces[i]);
    for (int s = 0; s < RULE_SCOPES; s++)
        rule_match_close(f->match, (enum rule_scope)s);
    rule_match_verdict(f->match, RULE_STAGE_FINAL_DOT, &policy, &v);
    return rule_fixture_hit(f->match, rule);
}

static void begin(struct rule_fixture *f)
{
    struct writer errors = writer_of(error_text, sizeof error_text);
    const struct rule *rules;
    size_t count;

    *f = (struct rule_fixture){.file = rule_file_new()};
    CHECK(rule_file_read(f->file, SOURCE_ROOT "/rules/starter.yaml", &errors));
    rules = rule_file_rules(f->file, &count);
    CHECK(rule_set_compile(rules, count, &RULE_LIMITS_DEFAULT, &errors, &f->set) == RULE_OK);
    if (!CHECK_TEXT(writer_span(&errors), ""))
        exit(1);
    f->pool = rule_pool_new(f->set, 1);
    f->memory = malloc(rule_match_size(f->set));
    f->match = rule_match_init(f->memory, f->set, f->pool);
}

static void each_rule_hits_and_misses(void)
{
    struct rule_fixture f;
    size_t count;

    begin(&f);
    count = rule_set_count(f.set);
    CHECK(count == sizeof samples / sizeof samples[0]);
    for (size_t i = 0; i < count && i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *s = &samples[i];

        CHECK_TEXT(rule_set_rule(f.set, i)->id, s->id);
        if (!CHECK(hits(&f, s->hit, i)) || !CHECK(!hits(&f, s->miss, i)))
            printf("# rule %s\n", s->id);
    }
    rule_fixture_fini(&f);
}

/* Ordinary mail: nothing is said of it. */
static void ordinary_mail_passes(void)
{
    static const struct piece pieces[] = {
        {"helo", "mail.example.test"},
        {"envelope.mail_from", "anna@example.test"},
        {"header.From", "\"Anna, Office\" <anna@example.test>"},
        {"header.Date", "Sun, 22 Nov 2026 10:00:00 +0000"},
        {"header.Message-ID", "<1@example.test>"},
        {"header.In-Reply-To", "<0@example.test>"},
        {"subject", "Re: Minutes of the meeting (NEW)"},
        {"content.type", "text/plain"},
        {"body", "Hello,\r\nthe minutes are at https://example.test/minutes. See you next week, "
                 "please confirm. Our account with the bank will be closed in May.\r\n"},
        {"attachment.name", "minutes.pdf"},
        {"attachment", "%PDF-1.7"},
        {"count.links", "1"},
        {"body.size", "140"},
        {"count.recipients", "3"},
        {"count.received", "4"},
        {"body.hash", "1"},
        {"message.id", "1"}};
    struct rule_fixture f;
    struct rule_verdict v;

    begin(&f);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        tell(&f, &pieces[i]);
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, NULL, &v);
    CHECK(v.score == 0 && v.action == RULE_ACTION_NONE && rule_match_hits(f.match, NULL, 0) == 0);
    rule_fixture_fini(&f);
}

static void verdicts(void)
{
    static const struct piece virus[PIECES] = {{"attachment", eicar}};
    static const struct piece bulk[PIECES] = {{"body", gtube}};
    static const struct rule_policy policy = {.quarantine_at = 6000, .reject_at = RULE_SCORE_NEVER};
    struct rule_fixture f;
    struct rule_verdict v;

    begin(&f);
    hits(&f, virus, 0);
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, &policy, &v);
    CHECK(v.action == RULE_ACTION_REJECT && v.rule == 0);
    CHECK_TEXT(v.text, "The message contains a virus (EICAR test file)");
    hits(&f, bulk, 0);
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, &policy, &v);
    CHECK(v.action == RULE_ACTION_QUARANTINE && v.rule == 1);
    rule_fixture_fini(&f);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_rule_hits_and_misses);
    CHECK_CASE(ordinary_mail_passes);
    CHECK_CASE(verdicts);
    return check_end();
}
