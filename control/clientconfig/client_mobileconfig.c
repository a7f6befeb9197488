/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_config.h"
#include "control/clientconfig/client_uuid.h"
#include "control/clientconfig/client_xml.h"

#define DOCTYPE                                                                                    \
    "!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "                                       \
    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\""

/*
 * A configuration profile of Apple's, a property list: one payload of type com.apple.mail.managed.
 * UUIDs come from names (RFC 9562 section 5.5): a profile that is made again replaces the one that
 * a device has.
 */
static void put_string(mxml_node_t *dict, const char *key, const char *value)
{
    client_xml_text(dict, "key", key);
    client_xml_text(dict, "string", value);
}

static void put_number(mxml_node_t *dict, const char *key, unsigned value)
{
    client_xml_text(dict, "key", key);
    client_xml_number(dict, "integer", value);
}

static void put_true(mxml_node_t *dict, const char *key)
{
    client_xml_text(dict, "key", key);
    client_xml_element(dict, "true");
}

/* What both payloads begin with. */
static void put_payload(mxml_node_t *dict, const struct client_config *c, const char *type,
                        const char *part)
{
    char text[2 * (ADDRESS_KEY_MAX + 1)], uuid[CLIENT_UUID_TEXT];

    put_string(dict, "PayloadType", type);
    put_number(dict, "PayloadVersion", 1);
    snprintf(text, sizeof(text), "%s.%s", c->domain, part);
    put_string(dict, "PayloadIdentifier", text);
    snprintf(text, sizeof(text), "%s.%s", c->address ? c->address : c->domain, part);
    client_uuid_of_name(text, uuid);
    put_string(dict, "PayloadUUID", uuid);
    put_string(dict, "PayloadDisplayName", c->spelled);
}

/* `side` is "Incoming" or "Outgoing". */
static void put_server(mxml_node_t *dict, const struct client_config *c, const char *side,
                       const struct client_server *server)
{
    char key[64];

    snprintf(key, sizeof(key), "%sMailServerHostName", side);
    put_string(dict, key, c->hostname);
    snprintf(key, sizeof(key), "%sMailServerPortNumber", side);
    put_number(dict, key, server->port);
    snprintf(key, sizeof(key), "%sMailServerUseSSL", side);
    put_true(dict, key);
    snprintf(key, sizeof(key), "%sMailServerAuthentication", side);
    put_string(dict, key, "EmailAuthPassword");
    if (c->address) {
        snprintf(key, sizeof(key), "%sMailServerUsername", side);
        put_string(dict, key, c->address);
    }
}

bool client_mobileconfig_write(const struct client_config *c, FILE *out)
{
    const struct client_server *reading = client_config_reading(c);
    mxml_node_t *document = mxmlNewXML("1.0"), *plist, *profile, *array, *mail;

    client_xml_element(document, DOCTYPE);
    plist = client_xml_element(document, "plist");
    if (plist)
        mxmlElementSetAttr(plist, "version", "1.0");
    profile = client_xml_element(plist, "dict");
    put_payload(profile, c, "Configuration", "mail");
    put_string(profile, "PayloadDescription", "Sets up mail.");
    client_xml_text(profile, "key", "PayloadContent");
    array = client_xml_element(profile, "array");
    mail = client_xml_element(array, "dict");
    put_payload(mail, c, "com.apple.mail.managed", "mail.account");
    put_string(mail, "EmailAccountDescription", c->spelled);
    put_string(mail, "EmailAccountType",
               reading->service == CLIENT_IMAP ? "EmailTypeIMAP" : "EmailTypePOP");
    /* What is left out is asked for by the device. */
    if (c->address)
        put_string(mail, "EmailAddress", c->address);
    put_server(mail, c, "Incoming", reading);
    put_server(mail, c, "Outgoing", client_config_best(c, CLIENT_SUBMISSION));
    put_true(mail, "OutgoingPasswordSameAsIncomingPassword");
    return client_xml_write(document, out);
}
