/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_check.h"

#include "control/api/api_server.h"
#include "control/ldap/ldap_backend.h"
#include "control/oauth/oauth.h"
#include "control/service/policy.h"
#include "control/tls/tls_contexts.h"

void cli_check_parts(void *context, const struct config *config, struct config_errors *errors)
{
    errors->count += !policy_check_rules(config, &errors->text);
    errors->count += !tls_contexts_check(config, &errors->text);
    errors->count += !oauth_files_good(&config->oauth, &errors->text);
    errors->count += !ldap_backend_check(config, &errors->text);
    errors->count += !api_server_check(config, &errors->text);
}
