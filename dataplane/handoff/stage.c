/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/stage.h"

const char *stage_name(enum stage stage)
{
    static const char *const names[STAGES] = {
#define STAGE(name, text) [STAGE_##name] = #name,
#include "dataplane/handoff/stage.def"
#undef STAGE
    };

    return names[stage];
}
