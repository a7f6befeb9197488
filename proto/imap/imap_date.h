/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_DATE_H
#define PROTO_IMAP_IMAP_DATE_H

#include "proto/base/writer.h"

/* Dates of the proleptic Gregorian calendar, and what they are as numbers. */
struct imap_date {
    int year;  /* 0 to 9999 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 31, of this month */
    int hour, minute;
    int second; /* 60 at a leap second, which counts as the second before */
    int zone;   /* minutes east of UTC */
};

/* 1 to 12 for "Jan" to "Dec" in any case, else 0; and back. */
int imap_date_month(struct span name);
const char *imap_date_month_name(int month);
/* Days since 1970-01-01 of year, month and day; false when there is no such day. */
bool imap_date_days(const struct imap_date *date, int32_t *days_out);
/* Seconds since 1970-01-01 UTC; false when there is no such moment. */
bool imap_date_seconds(const struct imap_date *date, int64_t *seconds_out);
/* The date and time that a clock at `zone` shows. Years are kept within 0 to 9999. */
struct imap_date imap_date_of(int64_t seconds, int zone);
/* The day (since 1970-01-01) that a clock at `zone` shows: what ON, SINCE, BEFORE compare. */
int32_t imap_date_day_of(int64_t seconds, int zone);

#endif
