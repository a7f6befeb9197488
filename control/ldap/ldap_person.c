/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_person.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/ldap/ldap_template.h"
#include "proto/base/ascii.h"
#include "proto/sasl/scram_keys.h"

/* What a value of a lesser kind of address has as its rank, beside the place of its attribute. */
enum { RANK_NONE = UINT32_MAX, RANK_SECONDARY = 1000 };

void ldap_person_init(struct ldap_person *person, const struct ldap_map *map)
{
    memset(person, 0, offsetof(struct ldap_person, text_bytes));
    person->map = map;
    person->rank = RANK_NONE;
    person->text = writer_of(person->text_bytes, sizeof(person->text_bytes));
}

static struct span keep(struct ldap_person *p, struct span s)
{
    size_t start = p->text.len;

    writer_span_put(&p->text, s);
    return p->text.full ? span_of(NULL, 0) : span_of(p->text.data + start, s.len);
}

void ldap_person_name(struct ldap_person *person, struct span name)
{
    if (name.len <= LDAP_PERSON_NAME_MAX && span_find(name, 0) < 0)
        person->name = keep(person, name);
}

int ldap_person_compare(const void *a_, const void *b_)
{
    const struct span *a = a_, *b = b_;
    size_t n = a->len < b->len ? a->len : b->len;
    int order = n ? memcmp(a->data, b->data, n) : 0;

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

bool ldap_person_key(const struct ldap_map *map, struct span mailbox, struct writer *key_out,
                     struct writer *mailbox_out)
{
    uint8_t bytes[ADDRESS_DOMAIN_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct address a;
    struct span domain;
    bool kept;

    if (address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK ||
        a.kind != ADDRESS_DOMAIN || !config_domain_key(&w, a.domain))
        return false;
    domain = writer_span(&w);
    kept = map->exact_count &&
           bsearch(&domain, map->exact, map->exact_count, sizeof(domain), ldap_person_compare);
    if (!address_key(key_out, &a, !kept))
        return false;
    if (mailbox_out) {
        writer_span_put(mailbox_out, a.local);
        writer_byte(mailbox_out, '@');
        writer_span_put(mailbox_out, domain);
    }
    return !mailbox_out || !mailbox_out->full;
}

/*
 * proxyAddress = [ scheme ":" ] address; scheme = 1*( ALPHA / DIGIT ). "SMTP" in capitals is the
 * one primary address, "smtp" another one; other schemes are no mail. An address itself has no
 * colon outside quotes.
 */
static bool strip_scheme(struct span *value, bool *secondary_out)
{
    ptrdiff_t colon = span_find(*value, ':');
    struct span scheme = span_head(*value, colon < 0 ? 0 : (size_t)colon);

    *secondary_out = false;
    if (colon < 0 || span_find(scheme, '"') >= 0 || span_find(scheme, '@') >= 0)
        return true;
    if (!span_equal_nocase(scheme, span_text("smtp")))
        return false;
    *secondary_out = !span_equal(scheme, span_text("SMTP"));
    *value = span_skip(*value, scheme.len + 1);
    return true;
}

static void take_address(struct ldap_person *p, uint32_t place, struct span value)
{
    uint8_t key_bytes[ADDRESS_KEY_MAX], mailbox_bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(key_bytes, sizeof(key_bytes));
    struct writer mailbox = writer_of(mailbox_bytes, sizeof(mailbox_bytes));
    struct span found;
    bool secondary;

    if (!strip_scheme(&value, &secondary))
        return;
    if (!ldap_person_key(p->map, value, &key, &mailbox)) {
        p->bad++;
        return;
    }
    place += secondary ? RANK_SECONDARY : 0;
    found = writer_span(&key);
    /* Values have no order: of equals the least one counts, whichever comes first. */
    if (place > p->rank || (place == p->rank && ldap_person_compare(&found, &p->key) >= 0))
        return;
    p->rank = place;
    memcpy(p->key_bytes, key_bytes, key.len);
    p->key = span_of(p->key_bytes, key.len);
    memcpy(p->mailbox_bytes, mailbox_bytes, mailbox.len);
    p->mailbox = span_of(p->mailbox_bytes, mailbox.len);
}

static void take_member(struct ldap_person *p, struct span value)
{
    bool secondary;

    p->group = true;
    if (value.len == 0 || value.len > LDAP_PERSON_NAME_MAX || span_find(value, 0) >= 0 ||
        !strip_scheme(&value, &secondary)) {
        p->bad++;
        return;
    }
    if (p->member_count == LDAP_PERSON_MEMBERS_MAX) {
        p->crowded = true;
        return;
    }
    p->members[p->member_count] = keep(p, value);
    p->crowded |= p->text.full;
    p->member_count += !p->text.full;
}

/* address / "@" domain */
static void take_sender(struct ldap_person *p, struct span value)
{
    uint8_t bytes[ADDRESS_KEY_MAX + 1];
    struct writer w = writer_of(bytes, sizeof(bytes));
    bool secondary, ok = strip_scheme(&value, &secondary);

    if (ok && value.len && value.data[0] == '@') {
        writer_byte(&w, '@');
        ok = config_domain_key(&w, span_skip(value, 1));
    } else if (ok) {
        ok = ldap_person_key(p->map, value, &w, NULL);
    }
    if (!ok || w.full || p->sender_count == LDAP_PERSON_MEMBERS_MAX) {
        p->bad++;
        return;
    }
    p->senders[p->sender_count] = keep(p, writer_span(&w));
    p->sender_count += !p->text.full;
}

/* An address as config_forward_address() writes it. */
static void take_forward(struct ldap_person *p, struct span value)
{
    uint8_t bytes[CONFIG_FORWARD_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    bool secondary;

    if (!strip_scheme(&value, &secondary) || !config_forward_address(&w, value)) {
        p->bad++;
        return;
    }
    if (p->forward_count == LDAP_PERSON_MEMBERS_MAX) {
        p->crowded = true;
        return;
    }
    p->forwards[p->forward_count] = keep(p, writer_span(&w));
    p->crowded |= p->text.full;
    p->forward_count += !p->text.full;
}

bool ldap_person_quota(struct span text, uint64_t *octets_out)
{
    static const char units[] = "kmgt";
    uint64_t n = 0;
    size_t i = 0, shift = 0;
    const char *unit;

    for (; i < text.len && (uint8_t)(text.data[i] - '0') < 10; i++) {
        if (n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (i == 0)
        return false;
    unit = i < text.len && text.data[i] ? strchr(units, ascii_lower(text.data[i])) : NULL;
    if (unit) {
        shift = 10 * (size_t)(unit - units + 1);
        i++;
    }
    if (i < text.len && (ascii_lower(text.data[i]) == 'b' || ascii_lower(text.data[i]) == 's'))
        i++;
    if ((i < text.len && text.data[i] != ',') || n > (UINT64_MAX >> 1) >> shift)
        return false;
    *octets_out = n << shift;
    return true;
}

static void take_quota(struct ldap_person *p, struct span value)
{
    uint64_t octets;

    if (!ldap_person_quota(value, &octets))
        p->bad++;
    else if (!p->has_quota || octets < p->quota) {
        p->has_quota = true;
        p->quota = octets;
    }
}

/* Of several values the least counts. */
static void keep_text(struct ldap_person *p, char *field, struct span value)
{
    struct span before = span_text(field);

    if (value.len == 0 || value.len > LDAP_PERSON_SECRET_MAX || span_find(value, 0) >= 0) {
        p->bad++;
        return;
    }
    if (before.len && ldap_person_compare(&value, &before) >= 0)
        return;
    memcpy(field, value.data, value.len);
    field[value.len] = 0;
}

/* Letters in either case, as values of entryUUID compare (RFC 4530 section 2.1), but not of binary
 * ones; of several values the least counts. */
static void take_unique(struct ldap_person *p, struct span value)
{
    uint8_t bytes[LDAP_PERSON_UNIQUE_MAX];
    struct span found = span_of(bytes, value.len);
    bool text = true;

    if (value.len == 0 || value.len > LDAP_PERSON_UNIQUE_MAX) {
        p->bad++;
        return;
    }
    for (size_t i = 0; i < value.len; i++)
        text &= value.data[i] >= ' ' && value.data[i] < 0x7f;
    for (size_t i = 0; i < value.len; i++)
        bytes[i] = text ? (uint8_t)ascii_lower(value.data[i]) : value.data[i];
    if (p->unique.len && ldap_person_compare(&found, &p->unique) >= 0)
        return;
    memcpy(p->unique_bytes, bytes, value.len);
    p->unique = span_of(p->unique_bytes, value.len);
}

struct span ldap_person_unique(const struct ldap_person *person, uint8_t digest[32])
{
    const char *base = person->map->config->base;
    uint8_t bytes[LDAP_PERSON_UNIQUE_MAX + LDAP_TEMPLATE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_span_put(&w, person->unique);
    writer_byte(&w, 0);
    for (size_t i = 0; base[i]; i++)
        writer_byte(&w, (uint8_t)ascii_lower((uint8_t)base[i]));
    if (person->unique.len == 0 || w.full ||
        !EVP_Digest(bytes, w.len, digest, NULL, EVP_sha256(), NULL))
        return span_of(NULL, 0);
    return span_of(digest, 32);
}

/* Digits up to a dollar sign; 0: none, or too many. */
static uint32_t number_before_dollar(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n && n <= 7 && text[n] == '$' ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

/*
 * Whether a text from the directory may be given to crypt(3): whoever may write it there shall not
 * say how long it takes here. The bounds are sixteen times what crypt_gensalt(3) makes by default,
 * or more.
 */
static bool is_hash(const char *hash)
{
    static const char rounds[] = "rounds=";
    uint32_t cost;

    if (strncmp(hash, "$5$", 3) == 0 || strncmp(hash, "$6$", 3) == 0) {
        if (strncmp(hash + 3, rounds, sizeof(rounds) - 1) != 0)
            return true;
        cost = number_before_dollar(hash + 3 + sizeof(rounds) - 1);
        return cost > 0 && cost <= 1000000;
    }
    if (strncmp(hash, "$2a$", 4) == 0 || strncmp(hash, "$2b$", 4) == 0 ||
        strncmp(hash, "$2y$", 4) == 0) {
        cost = number_before_dollar(hash + 4);
        return cost > 0 && cost <= 14;
    }
    /* The power of two of yescrypt's blocks as one digit: 9 is the default's, B four times that. */
    if (strncmp(hash, "$y$j", 4) == 0)
        return hash[4] && strchr("./0123456789AB", hash[4]) && hash[5] == 'T' && hash[6] == '$';
    return strncmp(hash, "$1$", 3) == 0;
}

static void take_hash(struct ldap_person *p, struct span value)
{
    char text[LDAP_PERSON_SECRET_MAX + 1] = "";

    if (value.len <= LDAP_PERSON_SECRET_MAX && value.len)
        memcpy(text, value.data, value.len);
    if (is_hash(text) && strlen(text) == value.len)
        keep_text(p, p->hash, value);
    else
        p->bad++;
}

/*
 * password = [ "{CRYPT}" ] crypt(3) hash / keys of RFC 5803, as authPassword (RFC 3112) has them
 * too. Others, such as {SSHA}, are the server's own to check: by a bind.
 */
static void take_password(struct ldap_person *p, struct span value)
{
    static const char scheme[] = "{crypt}";
    struct span head = span_head(value, sizeof(scheme) - 1);
    struct scram_keys keys;

    if (span_equal_nocase(head, span_text(scheme)))
        take_hash(p, span_skip(value, head.len));
    else if (value.len <= LDAP_PERSON_SECRET_MAX && scram_keys_read(value, &keys))
        keep_text(p, p->scram[keys.hash], value);
    else
        take_hash(p, value);
}

/* A whole number, as userAccountControl is; it may be negative. */
static bool read_bits(struct span text, uint64_t *bits_out)
{
    bool negative = text.len && text.data[0] == '-';
    uint64_t n = 0;

    text = span_skip(text, negative);
    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)(text.data[i] - '0') >= 10)
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *bits_out = negative ? 0 - n : n;
    return true;
}

/* sign = attribute ( "=*" / "=" value / "&" bits ); what cannot be read may be a lock. */
static bool shows(struct ldap_person *p, const char *sign, struct span attribute, struct span value)
{
    struct span rule = span_text(sign), wanted;
    size_t n = strcspn(sign, "=&");
    uint64_t bits, mask;

    if (!span_equal_nocase(attribute, span_head(rule, n)))
        return false;
    wanted = span_skip(rule, n + 1);
    if (sign[n] == '=')
        return span_equal(wanted, span_text("*")) || span_equal_nocase(wanted, value);
    if (read_bits(value, &bits))
        return read_bits(wanted, &mask) && (bits & mask);
    p->bad++;
    return true;
}

static bool is_one(struct span attribute, char *const *names, uint32_t count, uint32_t *place_out)
{
    for (uint32_t i = 0; i < count; i++)
        if (span_equal_nocase(attribute, span_text(names[i]))) {
            *place_out = i;
            return true;
        }
    return false;
}

void ldap_person_value(struct ldap_person *person, struct span attribute, struct span value)
{
    const struct config_ldap *c = person->map->config;
    ptrdiff_t options = span_find(attribute, ';');
    uint32_t place;

    if (options >= 0)
        attribute.len = (size_t)options;
    if (is_one(attribute, c->addresses, c->addresses_count, &place))
        take_address(person, place, value);
    if (is_one(attribute, c->members, c->members_count, &place))
        take_member(person, value);
    if (is_one(attribute, c->send_as, c->send_as_count, &place))
        take_sender(person, value);
    if (is_one(attribute, c->passwords, c->passwords_count, &place))
        take_password(person, value);
    if (span_equal_nocase(attribute, span_text(c->quota)) && c->quota[0])
        take_quota(person, value);
    if (span_equal_nocase(attribute, span_text(c->unique)) && c->unique[0])
        take_unique(person, value);
    if (is_one(attribute, c->forwards, c->forwards_count, &place))
        take_forward(person, value);
    for (uint32_t i = 0; i < c->disabled_count; i++)
        person->disabled |= shows(person, c->disabled[i], attribute, value);
    for (uint32_t i = 0; i < c->forward_only_count; i++)
        person->forward_only |= shows(person, c->forward_only[i], attribute, value);
}
