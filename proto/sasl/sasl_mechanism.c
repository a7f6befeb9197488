/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_mechanism.h"

static const struct sasl_mechanism_row rows[SASL_MECHANISMS] = {
#define SASL_MECHANISM(NAME, name_, family_, hash_, needs_)                                        \
    [SASL_##NAME] = {.name = name_,                                                                \
                     .family = SASL_FAMILY_##family_,                                              \
                     .hash = SCRAM_##hash_,                                                        \
                     .needs = SASL_NEEDS_##needs_},
#include "proto/sasl/sasl_mechanism.def"
#undef SASL_MECHANISM
};

const struct sasl_mechanism_row *sasl_mechanism_row(enum sasl_mechanism mechanism)
{
    return &rows[mechanism];
}

uint32_t sasl_mechanisms_possible(uint32_t set, uint32_t has)
{
    uint32_t possible = 0;

    for (unsigned m = 0; m < SASL_MECHANISMS; m++)
        if ((rows[m].needs & ~has) == 0)
            possible |= UINT32_C(1) << m;
    return set & possible;
}

enum sasl_mechanism sasl_mechanism_find(struct span name, uint32_t offered)
{
    for (unsigned m = 0; m < SASL_MECHANISMS; m++)
        if (offered >> m & 1 && span_equal_nocase(name, span_text(rows[m].name)))
            return (enum sasl_mechanism)m;
    return SASL_MECHANISMS;
}

void sasl_mechanism_put(struct writer *w, uint32_t offered)
{
    for (unsigned m = 0; m < SASL_MECHANISMS; m++)
        if (offered >> m & 1) {
            writer_byte(w, ' ');
            writer_text(w, rows[m].name);
        }
}
