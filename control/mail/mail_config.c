/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_config.h"

struct mail_service *mail_config_start(const struct config *config, struct handoff *h,
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
    return mail_service_start(&(struct mail_service_options){
        .handoff = h, .store = store, .index = index, .specials = named, .special_count = count});
}
