/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <string.h>

#include "control/clientconfig/client_config.h"
#include "control/clientconfig/client_xml.h"

/*
 * Autoconfig, the clientConfig 1.1 of Thunderbird. `password-encrypted` means CRAM-MD5 to many of
 * those that read it: it is said where a password cannot be sent, and SCRAM is all there is.
 */
static void put_server(mxml_node_t *provider, const struct client_config *c,
                       const struct client_server *server)
{
    bool submission = server->service == CLIENT_SUBMISSION;
    const char *type = client_services[server->service].type;
    mxml_node_t *element =
        client_xml_element(provider, submission ? "outgoingServer" : "incomingServer");
    char small[8] = "";

    for (size_t i = 0; type[i] && i + 1 < sizeof(small); i++)
        small[i] = (char)tolower((unsigned char)type[i]);
    if (element)
        mxmlElementSetAttr(element, "type", small);
    client_xml_text(element, "hostname", c->hostname);
    client_xml_number(element, "port", server->port);
    client_xml_text(element, "socketType", server->implicit ? "SSL" : "STARTTLS");
    /* Thunderbird fills in the address it was given. */
    client_xml_text(element, "username", c->address ? c->address : "%EMAILADDRESS%");
    client_xml_text(element, "authentication",
                    c->password || !submission ? "password-cleartext" : "password-encrypted");
}

bool client_autoconfig_write(const struct client_config *c, FILE *out)
{
    mxml_node_t *document = mxmlNewXML("1.0");
    mxml_node_t *root = client_xml_element(document, "clientConfig");
    mxml_node_t *provider = client_xml_element(root, "emailProvider");

    if (provider) {
        mxmlElementSetAttr(root, "version", "1.1");
        mxmlElementSetAttr(provider, "id", c->domain);
    }
    client_xml_text(provider, "domain", c->domain);
    if (strcmp(c->domain, c->spelled) != 0)
        client_xml_text(provider, "domain", c->spelled);
    client_xml_text(provider, "displayName", c->spelled);
    client_xml_text(provider, "displayShortName", c->spelled);
    /* In the order in which they are listed, the first that a program can do is taken. */
    for (uint32_t i = 0; i < c->count; i++)
        if (c->servers[i].service == CLIENT_IMAP)
            put_server(provider, c, &c->servers[i]);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->servers[i].service == CLIENT_POP3)
            put_server(provider, c, &c->servers[i]);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->servers[i].service == CLIENT_SUBMISSION)
            put_server(provider, c, &c->servers[i]);
    return client_xml_write(document, out);
}
