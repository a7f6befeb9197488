/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_machine.h"

/* Mechanisms (RFC 7208 section 5): what they ask, and whether they match. */

/* The type of records that the client's address would stand in. */
static uint16_t address_type(const struct spf_check *c)
{
    return ip_address_is_v4(&c->query.ip) ? DNS_A : DNS_AAAA;
}

/* The client is of the network: the first bits are equal. A client at an IPv4-mapped address is
 * IPv4 (section 5). */
static bool inside(const struct spf_check *c, const struct ip_address *network,
                   const struct spf_term *t, bool v4)
{
    unsigned bits = v4 ? t->bits4 : t->bits6;
    const uint8_t *a = c->query.ip.bytes + (v4 ? 12 : 0), *b = network->bytes + (v4 ? 12 : 0);

    return ip_address_is_v4(&c->query.ip) == v4 && memcmp(a, b, bits / 8) == 0 &&
           (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
}

/* Section 7.3: the record's own domain, one below it, or any other, of the validated names. */
static void put_validated(struct spf_check *c, struct writer *w)
{
    const struct dns_name *best = NULL;
    struct dns_name domain;
    unsigned rank = 0;

    dns_name_of_text(spf_machine_domain(spf_machine_top(c)), &domain);
    for (size_t i = 0; i < c->pointers; i++) {
        const struct spf_host *h = &c->pointer_list[i];
        unsigned now = !h->valid                           ? 0
                       : dns_name_equal(&h->name, &domain) ? 3
                       : dns_name_under(&h->name, &domain) ? 2
                                                           : 1;

        if (now > rank) {
            best = &h->name;
            rank = now;
        }
    }
    if (!best) {
        writer_text(w, "unknown");
        return;
    }
    /* The names are plain: labels between dots, and no escapes. */
    for (size_t at = 0; best->wire[at]; at += 1u + best->wire[at]) {
        if (at)
            writer_byte(w, '.');
        writer_span_put(w, span_of(best->wire + at + 1, best->wire[at]));
    }
}

struct spf_macro_values spf_evaluate_values(struct spf_check *c, struct writer *validated)
{
    put_validated(c, validated);
    return (struct spf_macro_values){
        .local = c->query.local,
        .origin = c->query.domain,
        .domain = spf_machine_domain(spf_machine_top(c)),
        .validated = writer_span(validated),
        .helo = c->query.helo,
        .receiver = c->query.receiver,
        .ip = c->query.ip,
        .now = c->query.now,
    };
}

bool spf_evaluate_named(struct spf_check *c, struct span text, enum spf_state behind)
{
    if (c->pointers_known || !spf_macro_has(text, 'p'))
        return true;
    c->behind = (uint8_t)behind;
    c->state = SPF_STATE_POINTERS;
    return false;
}

bool spf_evaluate_expand(struct spf_check *c, struct span domain, enum spf_state behind)
{
    uint8_t name[SPF_EXPANDED_MAX];
    struct writer validated = writer_of(name, sizeof(name));
    struct spf_macro_values values;

    if (!spf_evaluate_named(c, domain, behind))
        return false;
    values = spf_evaluate_values(c, &validated);
    c->target = writer_of(c->target_bytes, sizeof(c->target_bytes));
    spf_macro_domain(domain, &values, &c->target);
    return true;
}

/* Section 5.5 and the macro p: the names of the address, and which of them lead back to it. */
static void find_pointers(struct spf_check *c)
{
    if (c->pointers_known) {
        c->state = c->behind;
        return;
    }
    dns_name_reverse(&c->query.ip, NULL, &c->question.name);
    spf_machine_ask(c, DNS_PTR, SPF_AWAITS_POINTERS);
}

static void validate(struct spf_check *c)
{
    if (c->host < c->pointers) {
        c->question.name = c->pointer_list[c->host].name;
        spf_machine_ask(c, address_type(c), SPF_AWAITS_POINTER);
        return;
    }
    c->pointers_known = true;
    c->state = c->behind;
}

/* Section 4.6.4: of more than ten names the first ten are used. An error is no name at all. */
static void take_pointers(struct spf_check *c, const struct dns_answer *answer)
{
    c->host = c->pointers = 0;
    c->pointers_void = dns_answer_void(answer);
    for (uint32_t i = 0; i < answer->count && c->pointers < SPF_HOSTS_MAX; i++) {
        struct spf_host *h = &c->pointer_list[c->pointers];

        h->valid = false;
        if (dns_read_name(answer->records[i], &h->name) && h->name.len > 1 &&
            dns_name_plain(&h->name))
            c->pointers++;
    }
    c->state = SPF_STATE_VALIDATE;
}

static void take_pointer(struct spf_check *c, const struct dns_answer *answer)
{
    struct ip_address ip;

    for (uint32_t i = 0; i < answer->count; i++)
        if (dns_read_address(c->question.type, answer->records[i], &ip) &&
            ip_address_equal(&ip, &c->query.ip))
            c->pointer_list[c->host].valid = true;
    c->host++;
}

/*
 * Section 4.6.4 counts terms that ask for what is not there, so each is counted once, and by what
 * it asks itself: the hosts that MX and PTR records name are another's doing. False: they were too
 * many, and the check is over.
 */
static bool count_void(struct spf_check *c)
{
    if (c->voids == c->query.voids_max) {
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_VOIDS, spf_machine_top(c)->term.text);
        return false;
    }
    c->voids++;
    return true;
}

static void match_pointers(struct spf_check *c)
{
    bool matched = false;
    struct dns_name target;

    if (c->pointers_void && !count_void(c))
        return;
    if (dns_name_of_text(writer_span(&c->target), &target))
        for (size_t i = 0; i < c->pointers; i++)
            matched = matched || (c->pointer_list[i].valid &&
                                  dns_name_under(&c->pointer_list[i].name, &target));
    spf_machine_match(c, matched);
}

static void ask_target(struct spf_check *c, uint16_t type, enum spf_awaits awaits)
{
    if (dns_name_of_text(writer_span(&c->target), &c->question.name))
        spf_machine_ask(c, type, awaits);
    else
        spf_machine_match(c, false); /* section 4.8 leaves it open: no such name can exist */
}

static void evaluate(struct spf_check *c)
{
    struct spf_term *t = &spf_machine_top(c)->term;

    if (t->domain.len) {
        if (!spf_evaluate_expand(c, t->domain, SPF_STATE_EVALUATE))
            return;
    } else {
        c->target = writer_of(c->target_bytes, sizeof(c->target_bytes));
        writer_span_put(&c->target, spf_machine_domain(spf_machine_top(c)));
    }
    switch ((enum spf_mechanism)t->mechanism) {
    case SPF_TERM_INCLUDE:
        spf_machine_include(c);
        break;
    case SPF_TERM_A:
        ask_target(c, address_type(c), SPF_AWAITS_ADDRESSES);
        break;
    case SPF_TERM_MX:
        ask_target(c, DNS_MX, SPF_AWAITS_MX);
        break;
    case SPF_TERM_PTR:
        c->behind = SPF_STATE_PTR;
        c->state = SPF_STATE_POINTERS;
        break;
    case SPF_TERM_EXISTS:
        ask_target(c, DNS_A, SPF_AWAITS_EXISTS);
        break;
    case SPF_TERM_IP4:
    case SPF_TERM_IP6:
        spf_machine_match(c, inside(c, &t->network, t, t->mechanism == SPF_TERM_IP4));
        break;
    default:
        spf_machine_match(c, true); /* all */
        break;
    }
}

static void ask_host(struct spf_check *c)
{
    if (c->host == c->hosts) {
        spf_machine_match(c, false);
        return;
    }
    c->question.name = c->host_list[c->host].name;
    spf_machine_ask(c, address_type(c), SPF_AWAITS_HOST);
}

void spf_evaluate_next(struct spf_check *c)
{
    switch ((enum spf_state)c->state) {
    case SPF_STATE_EVALUATE:
        evaluate(c);
        break;
    case SPF_STATE_HOSTS:
        ask_host(c);
        break;
    case SPF_STATE_POINTERS:
        find_pointers(c);
        break;
    case SPF_STATE_VALIDATE:
        validate(c);
        break;
    default:
        match_pointers(c);
        break;
    }
}

/* Section 5.4. More than ten are an error at once: which ten were asked would be chance. */
static void take_mx(struct spf_check *c, const struct dns_answer *answer)
{
    uint16_t preference;

    if (answer->count > SPF_HOSTS_MAX) {
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_MX_HOSTS, spf_machine_top(c)->term.text);
        return;
    }
    c->host = c->hosts = 0;
    for (uint32_t i = 0; i < answer->count; i++) {
        struct spf_host *h = &c->host_list[c->hosts];

        /* The root is what a domain without mail names (RFC 7505). */
        if (dns_read_mx(answer->records[i], &preference, &h->name) && h->name.len > 1)
            c->hosts++;
    }
    c->state = SPF_STATE_HOSTS;
}

static bool any_inside(struct spf_check *c, const struct dns_answer *answer)
{
    struct ip_address ip;

    for (uint32_t i = 0; i < answer->count; i++)
        if (dns_read_address(c->question.type, answer->records[i], &ip) &&
            inside(c, &ip, &spf_machine_top(c)->term, c->question.type == DNS_A))
            return true;
    return false;
}

void spf_evaluate_answer(struct spf_check *c, enum spf_awaits awaits,
                         const struct dns_answer *answer)
{
    if (awaits == SPF_AWAITS_POINTERS) {
        take_pointers(c, answer);
        return;
    }
    if (awaits == SPF_AWAITS_POINTER) {
        take_pointer(c, answer);
        return;
    }
    if (dns_answer_error(answer)) {
        spf_machine_unanswered(c, answer);
        return;
    }
    if (awaits != SPF_AWAITS_HOST && dns_answer_void(answer) && !count_void(c))
        return;
    if (awaits == SPF_AWAITS_MX) {
        take_mx(c, answer);
    } else if (awaits == SPF_AWAITS_EXISTS) {
        spf_machine_match(c, answer->count > 0);
    } else if (any_inside(c, answer)) {
        spf_machine_match(c, true);
    } else if (awaits == SPF_AWAITS_HOST) {
        c->host++;
    } else {
        spf_machine_match(c, false);
    }
}
