/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLIENTCONFIG_CLIENT_XML_H
#define CONTROL_CLIENTCONFIG_CLIENT_XML_H

#include <mxml.h>
#include <stdbool.h>
#include <stdio.h>

/* XML documents by libmxml, which escapes what is put. A NULL parent puts nothing and is NULL
 * again, so that only the end has to look whether there was memory. */
mxml_node_t *client_xml_element(mxml_node_t *parent, const char *name);
/* An element with a text. */
void client_xml_text(mxml_node_t *parent, const char *name, const char *text);
void client_xml_number(mxml_node_t *parent, const char *name, unsigned number);
/* Writes a document, indented, and frees it. False: there was no memory or no room. */
bool client_xml_write(mxml_node_t *document, FILE *out);

#endif
