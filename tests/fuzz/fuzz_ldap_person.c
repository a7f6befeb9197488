/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/ldap/ldap_person.h"
#include "control/ldap/ldap_template.h"
#include "proto/base/ascii.h"
#include "proto/sasl/scram_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* The first line chooses what the entry is read by; then lines of attribute, ":" and value. */
static char mail[] = "mail", proxy[] = "proxyAddresses", member[] = "member", may[] = "maySendAs",
            password[] = "userPassword", keys[] = "authPassword", quota[] = "mailQuota",
            status[] = "accountStatus=disabled", bits[] = "userAccountControl&2",
            locked[] = "locked=*", unique[] = "entryUUID";
static char *addresses[] = {proxy, mail}, *members[] = {member}, *senders[] = {may},
            *passwords[] = {password, keys}, *disabled[] = {status, bits, locked};
static const struct config_ldap config = {.addresses = addresses,
                                          .addresses_count = 2,
                                          .members = members,
                                          .members_count = 1,
                                          .send_as = senders,
                                          .send_as_count = 1,
                                          .passwords = passwords,
                                          .passwords_count = 2,
                                          .disabled = disabled,
                                          .disabled_count = 3,
                                          .quota = quota,
                                          .unique = unique};
static const struct span exact[] = {{(const uint8_t *)"exact.example", 13}};

static void check_text(const struct ldap_person *p, struct span s)
{
    MUST(s.len == 0 ||
         (s.data >= p->text_bytes && s.data + s.len <= p->text_bytes + sizeof(p->text_bytes)));
    MUST(span_find(s, 0) < 0);
}

/* An address that comes out is one, and reads as itself. */
static void check_address(const struct ldap_map *map, const struct ldap_person *p)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    MUST((p->key.len == 0) == (p->mailbox.len == 0));
    if (p->key.len == 0)
        return;
    MUST(p->key.len <= ADDRESS_KEY_MAX && p->mailbox.len <= ADDRESS_KEY_MAX);
    MUST(ldap_person_key(map, p->mailbox, &w, NULL));
    MUST(span_equal(writer_span(&w), p->key));
    for (size_t i = 0; i < p->mailbox.len; i++)
        MUST(p->mailbox.data[i] >= ' ' && p->mailbox.data[i] != 127);
}

static void check_person(const struct ldap_map *map, const struct ldap_person *p)
{
    struct scram_keys read;

    check_address(map, p);
    check_text(p, p->name);
    MUST(p->member_count <= LDAP_PERSON_MEMBERS_MAX && p->sender_count <= LDAP_PERSON_MEMBERS_MAX);
    MUST(!p->member_count || p->group);
    for (uint32_t i = 0; i < p->member_count; i++) {
        MUST(p->members[i].len <= LDAP_PERSON_NAME_MAX);
        check_text(p, p->members[i]);
    }
    for (uint32_t i = 0; i < p->sender_count; i++) {
        MUST(p->senders[i].len && p->senders[i].len <= ADDRESS_KEY_MAX + 1);
        check_text(p, p->senders[i]);
    }
    MUST(!p->hash[0] || (p->hash[0] == '$' && strlen(p->hash) <= LDAP_PERSON_SECRET_MAX));
    for (int i = 0; i < SCRAM_HASHES; i++)
        MUST(!p->scram[i][0] || (scram_keys_read(span_text(p->scram[i]), &read) && read.hash == i));
    MUST(p->unique.len <= LDAP_PERSON_UNIQUE_MAX &&
         (!p->unique.len || p->unique.data == p->unique_bytes));
    MUST(!p->has_quota || p->quota <= UINT64_MAX >> 1);
}

/* What is put into a filter is one value, and reads back as what it was. */
static void check_template(struct span name)
{
    static const char head[] = "(&(objectClass=person)(mail=", tail[] = "))";
    uint8_t bytes[LDAP_TEMPLATE_MAX], back[LDAP_TEMPLATE_NAME_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes)), b = writer_of(back, sizeof(back));
    struct span value;

    if (!ldap_template_expand(&w, span_text("(&(objectClass=person)(mail=%s))"), name))
        return;
    MUST(w.len >= sizeof(head) - 1 + sizeof(tail) - 1 && !memcmp(bytes, head, sizeof(head) - 1));
    MUST(!memcmp(bytes + w.len - 2, tail, 2));
    value = span_of(bytes + sizeof(head) - 1, w.len - sizeof(head) - 1);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];

        MUST(c > ' ' && c < 127 && !memchr("()*,+\"<>;=#", c, 11));
        if (c == '\\') {
            MUST(i + 2 < value.len);
            c = (uint8_t)(ascii_hex(value.data[i + 1]) << 4 | ascii_hex(value.data[i + 2]));
            i += 2;
        }
        writer_byte(&b, c);
    }
    MUST(!b.full && span_equal(writer_span(&b), name));
    /* A name may itself be no template, which is looked at as one. */
    ldap_template_check(name, LDAP_TEMPLATE_FILTER);
}

static struct span take_line(struct span *in)
{
    ptrdiff_t end = span_find(*in, '\n');
    struct span line = end < 0 ? *in : span_head(*in, (size_t)end);

    *in = span_skip(*in, line.len + 1);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ldap_person person;
    const struct ldap_map map = {.config = &config, .exact = exact, .exact_count = 1};
    struct span in = span_of(data, size), name = take_line(&in);

    check_template(name);
    ldap_person_init(&person, &map);
    ldap_person_name(&person, name);
    while (in.len) {
        struct span line = take_line(&in);
        ptrdiff_t colon = span_find(line, ':');

        if (colon >= 0)
            ldap_person_value(&person, span_head(line, (size_t)colon),
                              span_skip(line, (size_t)colon + 1));
    }
    check_person(&map, &person);
    return 0;
}
