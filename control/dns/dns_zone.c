/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_zone.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CHAIN_MAX = 16,      /* CNAME records one behind the other */
    RECORDS_MAX = 1024,  /* of an answer */
    BYTES_MAX = 1 << 16, /* of the RDATA of a record */
};

struct record {
    struct dns_name owner; /* in small letters */
    uint16_t type;
    uint32_t ttl;
    uint32_t place; /* in the file */
    size_t len;
    uint8_t *rdata;
};

struct dns_zone {
    struct record *records; /* by name and type, then as in the file */
    uint32_t count, room;
};

static int compare_names(const struct dns_name *a, const struct dns_name *b)
{
    int order = memcmp(a->wire, b->wire, a->len < b->len ? a->len : b->len);

    return order ? order : (int)a->len - (int)b->len;
}

static int compare(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    int order = compare_names(&a->owner, &b->owner);

    if (order == 0)
        order = (int)a->type - (int)b->type;
    return order ? order : a->place < b->place ? -1 : 1;
}

static void lower(struct dns_name *name)
{
    for (size_t i = 0; i < name->len; i++)
        name->wire[i] = ascii_lower(name->wire[i]);
}

/* ldns has the RDATA in pieces: fields, or the strings of a TXT record. */
static bool join(const ldns_rr *rr, struct record *r)
{
    size_t len = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        len += ldns_rdf_size(ldns_rr_rdf(rr, i));
    if (len > BYTES_MAX)
        return false;
    r->rdata = malloc(len ? len : 1);
    if (!r->rdata)
        return false;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *field = ldns_rr_rdf(rr, i);

        memcpy(r->rdata + r->len, ldns_rdf_data(field), ldns_rdf_size(field));
        r->len += ldns_rdf_size(field);
    }
    return true;
}

static bool add(struct dns_zone *z, const ldns_rr *rr)
{
    const ldns_rdf *owner = ldns_rr_owner(rr);
    struct record *r, *grown;

    if (z->count == z->room) {
        grown = realloc(z->records, (z->room * 2 + 64) * sizeof(*grown));
        if (!grown)
            return false;
        z->records = grown;
        z->room = z->room * 2 + 64;
    }
    r = &z->records[z->count];
    *r = (struct record){
        .type = (uint16_t)ldns_rr_get_type(rr), .ttl = ldns_rr_ttl(rr), .place = z->count};
    if (!dns_read_name(span_of(ldns_rdf_data(owner), ldns_rdf_size(owner)), &r->owner) ||
        !join(rr, r))
        return false;
    lower(&r->owner);
    z->count++;
    return true;
}

static bool read_all(struct dns_zone *z, FILE *file, struct writer *why)
{
    ldns_rdf *origin = NULL, *previous = NULL;
    ldns_status status = LDNS_STATUS_OK;
    uint32_t ttl = 3600;
    int line = 0;
    ldns_rr *rr;

    while (!feof(file) && !ferror(file)) {
        rr = NULL;
        status = ldns_rr_new_frm_fp_l(&rr, file, &ttl, &origin, &previous, &line);
        if (status == LDNS_STATUS_OK && !add(z, rr))
            status = LDNS_STATUS_MEM_ERR;
        ldns_rr_free(rr);
        /* Empty lines, and $TTL and $ORIGIN. */
        if (status != LDNS_STATUS_OK && status != LDNS_STATUS_SYNTAX_EMPTY &&
            status != LDNS_STATUS_SYNTAX_TTL && status != LDNS_STATUS_SYNTAX_ORIGIN)
            break;
        status = LDNS_STATUS_OK;
    }
    ldns_rdf_deep_free(origin);
    ldns_rdf_deep_free(previous);
    if (ferror(file))
        status = LDNS_STATUS_FILE_ERR; /* a folder, for one */
    if (status != LDNS_STATUS_OK)
        writer_printf(why, "line %d: %s", line, ldns_get_errorstr_by_id(status));
    return status == LDNS_STATUS_OK;
}

struct dns_zone *dns_zone_read(const char *path, struct writer *why)
{
    struct dns_zone *z = calloc(1, sizeof(*z));
    FILE *file = fopen(path, "r");
    bool good = z && file && read_all(z, file, why);

    if (!file)
        writer_text(why, strerror(errno));
    else
        fclose(file);
    if (!good) {
        dns_zone_free(z);
        return NULL;
    }
    qsort(z->records, z->count, sizeof(z->records[0]), compare);
    return z;
}

void dns_zone_free(struct dns_zone *z)
{
    if (!z)
        return;
    for (uint32_t i = 0; i < z->count; i++)
        free(z->records[i].rdata);
    free(z->records);
    free(z);
}

/* The first record of the name that has at least this type. */
static uint32_t lower_bound(const struct dns_zone *z, const struct dns_name *name, uint16_t type)
{
    uint32_t low = 0, high = z->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct record *r = &z->records[middle];
        int order = compare_names(&r->owner, name);

        if (order < 0 || (order == 0 && r->type < type))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct dns_zone *z, const struct dns_name *name)
{
    uint32_t at = lower_bound(z, name, 0);

    return at < z->count && compare_names(&z->records[at].owner, name) == 0;
}

/* The name has records, or names below it (RFC 8020). */
static bool exists(const struct dns_zone *z, const struct dns_name *name)
{
    if (has(z, name))
        return true;
    for (uint32_t i = 0; i < z->count; i++)
        if (dns_name_under(&z->records[i].owner, name))
            return true;
    return false;
}

/* RFC 4592 section 3.3.1: the wildcard below the closest name that exists. False: there is none. */
static bool wildcard(const struct dns_zone *z, const struct dns_name *name,
                     struct dns_name *wildcard_out)
{
    struct dns_name parent = *name;

    while (parent.len > 1) {
        size_t label = 1u + parent.wire[0];

        parent.len -= (uint8_t)label;
        memmove(parent.wire, parent.wire + label, parent.len);
        if (parent.len > 1 && !exists(z, &parent))
            continue;
        if (parent.len + 2 > DNS_NAME_MAX)
            return false;
        memcpy(wildcard_out->wire, "\1*", 2);
        memcpy(wildcard_out->wire + 2, parent.wire, parent.len);
        wildcard_out->len = parent.len + 2;
        return has(z, wildcard_out);
    }
    return false;
}

/* The records of a type at a name; `chained_out` is where a CNAME record leads when there are none
 * and it has one. */
static struct dns_answer look_up(const struct dns_zone *z, const struct dns_name *name,
                                 uint16_t type, struct span *records, struct dns_name *chained_out)
{
    struct dns_answer a = {.outcome = DNS_ANSWER, .records = records};
    struct dns_name owner = *name;
    uint32_t at;

    chained_out->len = 0;
    if (!exists(z, name) && !wildcard(z, name, &owner))
        return (struct dns_answer){.outcome = DNS_NXDOMAIN};
    for (at = lower_bound(z, &owner, type);
         at < z->count && compare_names(&z->records[at].owner, &owner) == 0 &&
         z->records[at].type == type;
         at++) {
        if (a.count == RECORDS_MAX)
            return (struct dns_answer){.outcome = DNS_TOO_LARGE};
        records[a.count++] = span_of(z->records[at].rdata, z->records[at].len);
        a.ttl = z->records[at].ttl;
    }
    if (a.count)
        return a;
    at = lower_bound(z, &owner, DNS_CNAME);
    if (at < z->count && compare_names(&z->records[at].owner, &owner) == 0 &&
        z->records[at].type == DNS_CNAME &&
        dns_read_name(span_of(z->records[at].rdata, z->records[at].len), chained_out))
        lower(chained_out);
    a.outcome = DNS_NO_DATA;
    return a;
}

static void ask(void *context, const struct dns_question *question, uint64_t deadline,
                dns_done *done, void *asker)
{
    const struct dns_zone *z = context;
    struct span records[RECORDS_MAX];
    struct dns_name name = question->name, next;
    struct dns_answer a = {.outcome = DNS_LOOP};

    lower(&name);
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        a = look_up(z, &name, question->type, records, &next);
        if (next.len == 0)
            break;
        name = next;
        a.outcome = DNS_LOOP; /* unless another step ends it */
    }
    done(asker, &a);
}

struct dns_source dns_zone_source(struct dns_zone *z)
{
    return (struct dns_source){.ask = ask, .context = z};
}
