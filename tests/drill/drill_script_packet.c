/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <string.h>

#include "dataplane/tcp/tcp.h"
#include "tests/drill/drill_script.h"

/*
 * packet  = ("<" / ">") [ip] (tcp / [quote] "icmp" type [code] ["mtu" n] [quote])
 * ip      = ("[" / "(") info *("," info) ("]" / ")")
 * info    = ecn / "tos" n / "flowlabel" n / "ttl" n
 * tcp     = flags seq ":" end "(" len ")" ["ack" n] ["win" n] ["urg" n] ["<" (options / "...") ">"]
 * quote   = "[" ["tcp"] [flags] seq ":" end "(" len ")" ... "]"
 */

/* RFC 7413 section 4.1.1, RFC 6994 */
enum { FAST_OPEN = 34, EXPERIMENT = 254 };

/* False: something else stands here. */
static bool read_ip_info(struct drill_reader *r, enum drill_ecn *ecn)
{
    static const struct {
        const char *name;
        enum drill_ecn ecn;
    } rows[] = {{"noecn", DRILL_NOECN},
                {"ect01", DRILL_ECT01},
                {"ect0", DRILL_ECT0},
                {"ect1", DRILL_ECT1},
                {"ce", DRILL_CE}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (drill_skip_word(r, rows[i].name)) {
            *ecn = rows[i].ecn;
            return true;
        }
    }
    if (drill_skip_word(r, "tos")) {
        *ecn = (enum drill_ecn)(drill_number(r) & 3);
        return true;
    }
    if (!drill_skip_word(r, "flowlabel") && !drill_skip_word(r, "ttl"))
        return false;
    drill_number(r);
    return true;
}

static enum drill_ecn read_ip(struct drill_reader *r)
{
    const char *at = r->at;
    enum drill_ecn ecn = DRILL_ECN_ANY;
    bool round = drill_skip(r, "(");

    if (!round && !drill_skip(r, "["))
        return ecn;
    if (!read_ip_info(r, &ecn)) {
        r->at = at; /* what an ICMP error quotes */
        return ecn;
    }
    while (drill_skip(r, ",") && read_ip_info(r, &ecn))
        ;
    drill_need(r, round ? ")" : "]");
    return ecn;
}

static bool flag_byte(char c)
{
    return c && strchr("FSRP.EWCU", c);
}

static bool at_flags(struct drill_reader *r)
{
    size_t n = 0;

    drill_space(r);
    while (flag_byte(r->at[n]))
        n++;
    return n && (isspace((unsigned char)r->at[n]) || isdigit((unsigned char)r->at[n]));
}

static uint8_t read_flags(struct drill_reader *r)
{
    static const char names[] = "FSRP.UEW";
    uint8_t flags = 0;

    if (drill_skip(r, "-"))
        return 0;
    if (drill_at_number(r))
        drill_stop(DRILL_REFUSED, r->line, "packets with ports of their own");
    if (!at_flags(r))
        drill_stop(*r->at && strspn(r->at, "FSRP.EWCUA0123456789") ? DRILL_REFUSED : DRILL_SYNTAX,
                   r->line, "not the flags of TCP, AccECN is not offered: '%.20s'", r->at);
    for (; flag_byte(*r->at); r->at++)
        flags |= *r->at == 'C' ? TCP_CWR : (uint8_t)(1u << (strchr(names, *r->at) - names));
    return flags;
}

static void read_seq(struct drill_reader *r, uint32_t *seq, uint32_t *len)
{
    uint32_t end;

    *seq = (uint32_t)drill_number(r);
    drill_need(r, ":");
    end = (uint32_t)drill_number(r);
    drill_need(r, "(");
    *len = (uint32_t)drill_number(r);
    drill_need(r, ")");
    if (end - *seq != *len)
        drill_stop(DRILL_SYNTAX, r->line, "%u:%u has not %u bytes", *seq, end, *len);
}

/* A number, or `.` for any. */
static uint32_t or_any(struct drill_reader *r, bool *any)
{
    *any = !drill_at_number(r) && (drill_skip(r, ".") || drill_skip(r, "*"));
    return *any ? 0 : (uint32_t)drill_number(r);
}

static void read_sack(struct drill_reader *r, struct drill_option *o)
{
    o->kind = DRILL_SACK;
    while (drill_at_number(r) && o->count < DRILL_SACKS) {
        o->blocks[o->count].start = (uint32_t)drill_number(r);
        drill_need(r, ":");
        o->blocks[o->count++].end = (uint32_t)drill_number(r);
        drill_space(r);
        /* Blocks may be parted by commas, as options are. */
        if (*r->at == ',' && isdigit((unsigned char)r->at[1 + strspn(r->at + 1, " ")]))
            r->at++;
    }
}

/* A cookie in hexadecimal, behind the option's name. */
static void read_other(struct drill_reader *r, struct drill_option *o, uint8_t kind)
{
    static const char digits[] = "0123456789abcdef";

    o->kind = DRILL_OTHER;
    o->value = kind;
    drill_space(r);
    for (; isxdigit((unsigned char)r->at[0]) && isxdigit((unsigned char)r->at[1]) &&
           o->len < sizeof(o->bytes);
         r->at += 2)
        o->bytes[o->len++] =
            (uint8_t)((strchr(digits, tolower((unsigned char)r->at[0])) - digits) << 4 |
                      (strchr(digits, tolower((unsigned char)r->at[1])) - digits));
}

static void read_option(struct drill_reader *r, struct drill_option *o)
{
    if (drill_skip_word(r, "nop")) {
        o->kind = DRILL_NOP;
    } else if (drill_skip_word(r, "eol")) {
        o->kind = DRILL_EOL;
    } else if (drill_skip_word(r, "mss")) {
        o->kind = DRILL_MSS;
        o->value = or_any(r, &o->any);
    } else if (drill_skip_word(r, "wscale")) {
        o->kind = DRILL_WSCALE;
        o->value = or_any(r, &o->any);
    } else if (drill_skip_word(r, "sackOK")) {
        o->kind = DRILL_SACKOK;
    } else if (drill_skip_word(r, "sack")) {
        read_sack(r, o);
    } else if (drill_skip_word(r, "TS")) {
        o->kind = DRILL_TS;
        drill_need(r, "val");
        o->value = or_any(r, &o->any);
        drill_need(r, "ecr");
        o->echo = or_any(r, &o->any_echo);
    } else if (drill_skip_word(r, "FO")) {
        read_other(r, o, FAST_OPEN);
    } else if (drill_skip_word(r, "FOEXP")) {
        memcpy(o->bytes, (uint8_t[]){0xf9, 0x89}, 2);
        o->len = 2;
        read_other(r, o, EXPERIMENT);
    } else {
        drill_stop(DRILL_REFUSED, r->line, "a TCP option that is not offered: '%.20s'", r->at);
    }
}

static void read_options(struct drill_reader *r, struct drill_tcp *tcp)
{
    if (drill_skip(r, "...")) {
        tcp->any_options = true;
    } else if (!drill_skip(r, ">")) {
        do {
            if (tcp->option_count == DRILL_OPTIONS)
                drill_stop(DRILL_SYNTAX, r->line, "more than %d options", DRILL_OPTIONS);
            read_option(r, &tcp->options[tcp->option_count++]);
        } while (drill_skip(r, ","));
    } else {
        return;
    }
    drill_need(r, ">");
}

/* An option list follows in the same line; an inbound packet in the next one looks alike. */
static bool at_options(struct drill_reader *r)
{
    r->at += strspn(r->at, " \t\r");
    return *r->at == '<';
}

static void read_tcp(struct drill_reader *r, struct drill_tcp *tcp)
{
    tcp->flags = read_flags(r);
    read_seq(r, &tcp->seq, &tcp->len);
    if (drill_skip_word(r, "ack")) {
        tcp->has_ack = true;
        tcp->ack = (uint32_t)drill_number(r);
    }
    if (drill_skip_word(r, "win")) {
        bool any;

        tcp->window = (uint16_t)or_any(r, &any);
        tcp->has_window = !any;
    }
    if (drill_skip_word(r, "urg")) {
        tcp->has_urgent = true;
        tcp->urgent = (uint16_t)drill_number(r);
    }
    if (at_options(r) && drill_skip(r, "<"))
        read_options(r, tcp);
    r->at += strspn(r->at, " \t");
    if (*r->at == '{')
        drill_stop(DRILL_REFUSED, r->line, "packets that are broken on purpose");
}

struct code {
    const char *name;
    uint8_t type, code;
};

/* RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1 */
static const struct code v4_codes[] = {
    {"unreachable", 3, 0},
    {"net_unreachable", 3, 0},
    {"host_unreachable", 3, 1},
    {"protocol_unreachable", 3, 2},
    {"port_unreachable", 3, 3},
    {"frag_needed", 3, 4},
    {"source_route_failed", 3, 5},
    {"net_unknown", 3, 6},
    {"host_unknown", 3, 7},
    {"source_host_isolated", 3, 8},
    {"net_prohibited", 3, 9},
    {"host_prohibited", 3, 10},
    {"net_unreachable_for_tos", 3, 11},
    {"host_unreachable_for_tos", 3, 12},
    {"packet_filtered", 3, 13},
    {"precedence_violation", 3, 14},
    {"precedence_cutoff", 3, 15},
    {"source_quench", 4, 0},
    {"redirect", 5, 0},
    {"echo_request", 8, 0},
    {"echo_reply", 0, 0},
    {"time_exceeded", 11, 0},
    {"exceeded_in_transit", 11, 0},
    {"exceeded_in_reassembly", 11, 1},
    {"parameter_problem", 12, 0},
};

/* RFC 4443 section 3 */
static const struct code v6_codes[] = {
    {"unreachable", 1, 0},         {"no_route", 1, 0},
    {"net_unreachable", 1, 0},     {"admin_prohibited", 1, 1},
    {"not_neighbour", 1, 2},       {"address_unreachable", 1, 3},
    {"host_unreachable", 1, 3},    {"port_unreachable", 1, 4},
    {"packet_too_big", 2, 0},      {"time_exceeded", 3, 0},
    {"exceeded_in_transit", 3, 0}, {"exceeded_in_reassembly", 3, 1},
    {"parameter_problem", 4, 0},   {"unknown_next_header", 4, 1},
    {"echo_request", 128, 0},      {"echo_reply", 129, 0},
};

static const struct code *find_code(const char *name, bool v4)
{
    const struct code *rows = v4 ? v4_codes : v6_codes;
    size_t n = v4 ? sizeof(v4_codes) / sizeof(*rows) : sizeof(v6_codes) / sizeof(*rows);

    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static void read_quote(struct drill_reader *r, struct drill_icmp *icmp)
{
    if (!drill_skip(r, "["))
        return;
    drill_skip_word(r, "tcp");
    if (at_flags(r))
        read_flags(r);
    if (!drill_at_number(r))
        drill_stop(DRILL_REFUSED, r->line, "ICMP that quotes no TCP: '%.20s'", r->at);
    read_seq(r, &icmp->seq, &icmp->len);
    icmp->has_seq = true;
    r->at += strcspn(r->at, "]\n");
    drill_need(r, "]");
}

static void read_icmp(struct drill_reader *r, struct drill_icmp *icmp)
{
    const char *name = drill_word(r);
    const struct code *row;

    /* "icmp" is in both versions what the packets are. */
    icmp->v4 = !r->v6;
    if (name && !strncmp(name, "type_", 5))
        drill_stop(DRILL_REFUSED, r->line, "ICMP by number");
    row = name ? find_code(name, icmp->v4) : NULL;
    if (!row)
        drill_stop(DRILL_SYNTAX, r->line, "no ICMP type: '%s'", name ? name : "");
    icmp->type = row->type;
    drill_space(r);
    if (isalpha((unsigned char)*r->at) && strncmp(r->at, "mtu ", 4) && strncmp(r->at, "id ", 3)) {
        name = drill_word(r);
        row = find_code(name, icmp->v4);
        if (!row || row->type != icmp->type)
            drill_stop(DRILL_SYNTAX, r->line, "no ICMP code: '%s'", name);
        icmp->code = row->code;
    }
    if (drill_skip_word(r, "mtu"))
        icmp->mtu = (uint32_t)drill_number(r);
    if (drill_skip_word(r, "id"))
        drill_number(r);
    r->at += strspn(r->at, " \t");
    if (*r->at == '[')
        read_quote(r, icmp);
}

void drill_read_packet(struct drill_reader *r, struct drill_event *event)
{
    static const char *const others[] = {"udp", "udplite", "sctp", "ipv4", "ipv6", "mpls", "gre"};
    struct drill_icmp icmp = {0};
    enum drill_ecn ecn;

    event->kind = drill_skip(r, "<") ? DRILL_IN : DRILL_OUT;
    if (event->kind == DRILL_OUT)
        drill_need(r, ">");
    ecn = read_ip(r);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (drill_skip_word(r, others[i]))
            drill_stop(DRILL_REFUSED, r->line, "%s packets", others[i]);
    read_quote(r, &icmp);
    if (drill_skip_word(r, "icmp") || drill_skip_word(r, "icmpv6")) {
        if (event->kind == DRILL_OUT)
            drill_stop(DRILL_REFUSED, r->line, "ICMP that the endpoint sends");
        event->kind = DRILL_ICMP;
        event->icmp = icmp;
        read_icmp(r, &event->icmp);
        return;
    }
    event->tcp.ecn = ecn;
    read_tcp(r, &event->tcp);
}
