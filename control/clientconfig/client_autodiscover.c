/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_config.h"
#include "control/clientconfig/client_xml.h"

#define RESPONSE "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define OUTLOOK "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

/* Autodiscover, the plain XML (POX) that Outlook reads: each Protocol is one server. `SSL` is for
 * old ones; the newer `Encryption` says SSL for TLS from the first byte on and TLS for STARTTLS. */
static void put_server(mxml_node_t *account, const struct client_config *c,
                       const struct client_server *server)
{
    mxml_node_t *protocol = client_xml_element(account, "Protocol");

    client_xml_text(protocol, "Type", client_services[server->service].type);
    client_xml_text(protocol, "Server", c->hostname);
    client_xml_number(protocol, "Port", server->port);
    client_xml_text(protocol, "DomainRequired", "on");
    if (c->address)
        client_xml_text(protocol, "LoginName", c->address);
    client_xml_text(protocol, "SPA", "off");
    client_xml_text(protocol, "SSL", "on");
    client_xml_text(protocol, "Encryption", server->implicit ? "SSL" : "TLS");
    client_xml_text(protocol, "AuthRequired", "on");
    if (server->service == CLIENT_SUBMISSION) {
        client_xml_text(protocol, "UsePOPAuth", "on");
        client_xml_text(protocol, "SMTPLast", "off");
    }
}

bool client_autodiscover_write(const struct client_config *c, FILE *out)
{
    mxml_node_t *document = mxmlNewXML("1.0");
    mxml_node_t *root = client_xml_element(document, "Autodiscover");
    mxml_node_t *response = client_xml_element(root, "Response");
    mxml_node_t *account = client_xml_element(response, "Account");
    const struct client_server *reading[] = {client_config_best(c, CLIENT_IMAP),
                                             client_config_best(c, CLIENT_POP3)};

    if (response) {
        mxmlElementSetAttr(root, "xmlns", RESPONSE);
        mxmlElementSetAttr(response, "xmlns", OUTLOOK);
    }
    client_xml_text(account, "AccountType", "email");
    client_xml_text(account, "Action", "settings");
    for (size_t i = 0; i < sizeof(reading) / sizeof(reading[0]); i++)
        if (reading[i])
            put_server(account, c, reading[i]);
    put_server(account, c, client_config_best(c, CLIENT_SUBMISSION));
    return client_xml_write(document, out);
}
