/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_config.h"

#include <sched.h>

enum { THREADS = 8 }; /* at most, where the configuration leaves it to us */

uint32_t mail_config_threads(const struct config *config)
{
    cpu_set_t cpus;
    int count;

    if (config->imap.threads)
        return (uint32_t)config->imap.threads;
    count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return count < THREADS ? (uint32_t)count : THREADS;
}

struct mail_team *mail_config_start(const struct config *config, struct handoff *h,
                                    struct store *store, struct mail_index *index)
{
    const struct config_special_use *names = &config->imap.special_use;
    const struct mail_special all[] = {
        {span_text(names->drafts), STORE_USE_DRAFTS},   {span_text(names->sent), STORE_USE_SENT},
        {span_text(names->trash), STORE_USE_TRASH},     {span_text(names->junk), STORE_USE_JUNK},
        {span_text(names->archive), STORE_USE_ARCHIVE},
    };
    struct mail_special named[MAIL_SPECIALS];
    uint32_t count = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].name.len)
            named[count++] = all[i];
    return mail_team_start(&(struct mail_team_options){
        .handoff = h, .store = store, .index = index, .specials = named, .special_count = count});
}
