/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_xml.h"

#include <string.h>

mxml_node_t *client_xml_element(mxml_node_t *parent, const char *name)
{
    return parent ? mxmlNewElement(parent, name) : NULL;
}

void client_xml_text(mxml_node_t *parent, const char *name, const char *text)
{
    mxml_node_t *element = client_xml_element(parent, name);

    if (element)
        mxmlNewOpaque(element, text);
}

void client_xml_number(mxml_node_t *parent, const char *name, unsigned number)
{
    mxml_node_t *element = client_xml_element(parent, name);

    if (element)
        mxmlNewOpaquef(element, "%u", number);
}

static const char *indented(mxml_node_t *node)
{
    static const char blanks[] = "                ";
    size_t depth = 0;

    /* The first parent is the document. */
    for (mxml_node_t *up = mxmlGetParent(node); up && mxmlGetParent(up); up = mxmlGetParent(up))
        depth += 2;
    return blanks + sizeof(blanks) - 1 - (depth < sizeof(blanks) ? depth : sizeof(blanks) - 1);
}

/* Between elements alone: blanks beside a text would be part of it. */
static const char *white(mxml_node_t *node, int where)
{
    mxml_node_t *child = mxmlGetFirstChild(node);
    bool texts = child && mxmlGetType(child) == MXML_OPAQUE;

    if (where == MXML_WS_BEFORE_OPEN)
        return indented(node);
    if (where == MXML_WS_AFTER_CLOSE)
        return "\n";
    if (texts)
        return NULL;
    return where == MXML_WS_AFTER_OPEN ? "\n" : indented(node);
}

bool client_xml_write(mxml_node_t *document, FILE *out)
{
    bool written;

    mxmlSetWrapMargin(0);
    written = document && mxmlSaveFile(document, out, white) == 0;
    if (document)
        mxmlDelete(document);
    return written;
}
