/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_address.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "control/cli/cli.h"
#include "proto/address/address_judge.h"
#include "proto/base/peer_text.h"
#include "proto/mime/mime_charset.h"

enum { SHOWN_MAX = 1024 }; /* bytes of a judged text that are shown */

struct judged {
    struct span text;
    struct address_judgement judgement;
    bool read; /* `address` is set: of the grammar of an envelope */
    struct address address;
    uint8_t key[ADDRESS_KEY_MAX];
    struct writer key_out; /* empty: none */
};

static void judge(struct span text, struct judged *j)
{
    j->text = text;
    j->key_out = writer_of(j->key, sizeof(j->key));
    address_judge(text, &j->judgement);
    j->read = address_mailbox(text, ADDRESS_ALLOW_UTF8, &j->address) == ADDRESS_OK;
    /* Case of local parts is for the domain to decide; here it does not matter. */
    if (j->read)
        address_key(&j->key_out, &j->address, true);
}

static json_t *json_of(struct span bytes)
{
    uint8_t text[3 * SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    mime_charset_clean(span_head(bytes, SHOWN_MAX), &w);
    return json_stringn((const char *)text, w.len);
}

static const char *kind_of(const struct address *a)
{
    return a->kind == ADDRESS_IPV4      ? "ipv4"
           : a->kind == ADDRESS_IPV6    ? "ipv6"
           : a->kind == ADDRESS_GENERAL ? "general"
                                        : "domain";
}

static void print_json(const struct judged *j)
{
    json_t *line = json_pack("{s:o, s:b, s:s, s:s, s:s, s:I}", "address", json_of(j->text), "valid",
                             j->judgement.grade == ADDRESS_GRADE_ENVELOPE, "grade",
                             address_grade_name(j->judgement.grade), "why",
                             address_reason_name(j->judgement.reason), "what",
                             address_reason_what(j->judgement.reason), "offset",
                             (json_int_t)j->judgement.offset);

    if (j->read) {
        json_object_set_new(line, "local", json_of(j->address.local));
        json_object_set_new(line, "domain", json_of(j->address.domain));
        json_object_set_new(line, "kind", json_string(kind_of(&j->address)));
        json_object_set_new(line, "quoted", json_boolean(j->address.quoted));
        json_object_set_new(line, "utf8", json_boolean(j->address.utf8));
    }
    if (j->key_out.len)
        json_object_set_new(line, "key", json_of(writer_span(&j->key_out)));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void print_text(const struct judged *j)
{
    uint8_t text[SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    peer_text(&w, j->text, sizeof(text), PEER_TEXT_UTF8);
    printf("%s %.*s", address_grade_name(j->judgement.grade), (int)w.len, (const char *)text);
    if (j->judgement.reason != ADDRESS_REASON_NONE)
        printf(" | %s at %zu: %s", address_reason_name(j->judgement.reason), j->judgement.offset,
               address_reason_what(j->judgement.reason));
    if (j->key_out.len)
        printf(" | key %.*s", (int)j->key_out.len, (const char *)j->key);
    putchar('\n');
}

int cli_address(bool json, bool null)
{
    char *line = NULL, end = null ? 0 : '\n';
    size_t size = 0;
    struct judged j;
    ssize_t n;
    bool good;

    while ((n = getdelim(&line, &size, end, stdin)) > 0) {
        judge(span_of(line, (size_t)(line[n - 1] == end ? n - 1 : n)), &j);
        if (json)
            print_json(&j);
        else
            print_text(&j);
    }
    good = !ferror(stdin);
    free(line);
    return fflush(stdout) == 0 && good ? CLI_OK : CLI_FAILED;
}
