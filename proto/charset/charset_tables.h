/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_CHARSET_CHARSET_TABLES_H
#define PROTO_CHARSET_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* What charset_generate.py writes at build time; for charset.c and charset_pairs.c alone. */

enum charset_kind {
    CHARSET_SINGLE, /* its upper half is a table */
    CHARSET_UTF_8,
    CHARSET_UTF_7,
    CHARSET_UTF_16,
    CHARSET_UTF_16LE,
    CHARSET_GB18030,
    CHARSET_HZ,
    CHARSET_BIG5,
    CHARSET_SHIFT_JIS,
    CHARSET_EUC_JP,
    CHARSET_ISO_2022_JP,
    CHARSET_EUC_KR,
    CHARSET_ISO_2022_KR,
};

enum {
    CHARSET_LEAD = 0x81,  /* first lead byte of the tables of pairs */
    CHARSET_TRAIL = 0x40, /* first trail byte */
    CHARSET_TRAILS = 0xff - CHARSET_TRAIL,
};

struct charset_name {
    const char *name; /* loose: lower-case letters and digits; rows are sorted by it */
    enum charset_kind kind;
    const uint16_t *upper; /* SINGLE: characters of 0x80 to 0xff; 0 where there is none */
};

/* Four-byte codes of GB18030 from `code` on stand for characters from `first` on, one by one. */
struct charset_run {
    uint16_t code, first;
};

extern const struct charset_name charset_names[];
extern const size_t charset_names_count;
/* Leads 0x81 to 0xfe by trails 0x40 to 0xfe; 0 where there is none. */
extern const uint16_t *const charset_gb,
    *const charset_big5, *const charset_jis, *const charset_ks, *const charset_jis_0212;
extern const struct charset_run charset_gb_runs[];
extern const size_t charset_gb_runs_count;

#endif
