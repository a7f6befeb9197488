/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_set.h"

static void add(struct dkim_set *s, uint16_t field)
{
    struct dkim_check *c = &s->checks[s->count];

    s->found++;
    if (s->count == s->settings.most || s->count == DKIM_CHECKS_MAX)
        return;
    dkim_check_init(c, s->header, field, DKIM_KIND_SIGNATURE, &s->settings);
    s->asks[s->count] = (uint8_t)s->count;
    for (uint32_t i = 0; i < s->count && !c->decided; i++)
        if (!s->checks[i].decided &&
            dns_name_equal(&s->checks[i].question.name, &c->question.name)) {
            s->asks[s->count] = s->asks[i];
            break;
        }
    s->count++;
}

void dkim_set_init(struct dkim_set *s, const struct dkim_header *header,
                   const struct dkim_settings *settings)
{
    static const char name[] = "dkim-signature";

    s->settings = *settings;
    s->header = header;
    s->found = s->count = 0;
    if (dkim_header_last(header, span_text(name)) == DKIM_FIELD_NONE)
        return;
    for (uint16_t i = 0; i < header->count; i++)
        if (span_equal_nocase(dkim_header_name(header, i), span_text(name)))
            add(s, i);
}

void dkim_set_fini(struct dkim_set *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        dkim_check_fini(&s->checks[i]);
    s->count = 0;
}

void dkim_set_want(struct dkim_set *s, struct dkim_body *body)
{
    for (uint32_t i = 0; i < s->count; i++)
        dkim_check_want(&s->checks[i], body);
}

bool dkim_set_asks(const struct dkim_set *s, uint32_t check)
{
    for (uint32_t i = 0; i < check; i++)
        if (s->asks[i] == s->asks[check] && !s->checks[i].decided)
            return false;
    return !s->checks[check].decided;
}

void dkim_set_answer(struct dkim_set *s, uint32_t check, const struct dns_answer *answer)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->asks[i] == s->asks[check])
            dkim_check_answer(&s->checks[i], answer, &s->settings);
}

void dkim_set_judge(struct dkim_set *s, const struct dkim_body *body)
{
    for (uint32_t i = 0; i < s->count; i++)
        dkim_check_judge(&s->checks[i], s->header, body);
}

enum dkim_result dkim_set_result(const struct dkim_set *s)
{
    static const uint8_t order[] = {DKIM_RESULT_PASS,   DKIM_RESULT_TEMPERROR, DKIM_RESULT_FAIL,
                                    DKIM_RESULT_POLICY, DKIM_RESULT_PERMERROR, DKIM_RESULT_NEUTRAL};

    for (size_t n = 0; n < sizeof(order); n++)
        for (uint32_t i = 0; i < s->count; i++)
            if (dkim_check_result(&s->checks[i]) == order[n])
                return order[n];
    return s->found ? DKIM_RESULT_POLICY : DKIM_RESULT_NONE;
}
