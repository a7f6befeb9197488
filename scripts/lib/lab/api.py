# SPDX-License-Identifier: BSD-3-Clause
"""A client of the API, who holds each answer to docs/openapi.yaml and notes what was met of it."""

import functools
import http.client
import json
import re
import ssl
from dataclasses import dataclass

from lab import ROOT
from lab.namespaces import inside

SPECIFICATION = ROOT / "docs" / "openapi.yaml"
METHODS = ("get", "put", "patch", "post", "delete")
JSON, LINES = "application/json", "application/x-ndjson"


@functools.cache
def specification():
    import yaml
    return yaml.safe_load(SPECIFICATION.read_text())


@dataclass(frozen=True, eq=False)
class Operation:
    name: str
    method: str
    path: str
    roles: tuple
    responses: dict

    def matches(self, method, path):
        form = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return self.method == method and re.fullmatch(form, path.partition("?")[0]) is not None

    def statuses(self):
        return [int(status) for status in self.responses if status != "default"]


@functools.cache
def operations():
    return tuple(Operation(what["operationId"], method.upper(), path, tuple(what["x-roles"]), what["responses"])
                 for path, rows in specification()["paths"].items() for method, what in rows.items() if method in METHODS)


def resolved(value):
    while "$ref" in value:
        place = specification()
        for step in value["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        value = place
    return value


def check(value, schema):
    import jsonschema
    resolver = jsonschema.RefResolver.from_schema(specification())
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(value)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    data: bytes

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def lines(self):
        return [json.loads(line) for line in self.data.splitlines()]

    @property
    def tag(self):
        return self.headers["etag"]


class Api:
    """Requests to one listener, each over a connection of its own. `met`: pairs of operation and status."""

    def __init__(self, namespace, port=8025, address="127.0.0.1", trust=None):
        self.namespace, self.port, self.address, self.trust = namespace, port, address, trust
        self.met = set()

    def connect(self, timeout=30):
        with inside(self.namespace):
            if self.trust:
                context = ssl.create_default_context(cafile=self.trust)
                context.check_hostname = False
                connection = http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=context)
            else:
                connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
            connection.connect()
        return connection

    def __call__(self, method, path, token=None, body=None, type=JSON, connection=None, checked=True, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        used = connection or self.connect()
        used.request(method, path, body, headers)
        response = used.getresponse()
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        if not connection:
            used.close()
        if checked:
            self.hold(method, path, answer)
        return answer

    def hold(self, method, path, answer):
        """The answer is one that the specification has."""
        for operation in operations():
            if operation.matches(method, path):
                self.met.add((operation.name, answer.status))
                row = operation.responses.get(str(answer.status)) or operation.responses.get("default")
                assert row, f"{operation.name}: {answer.status} is not in {SPECIFICATION.name}"
                content = resolved(row).get("content", {})
                kind = answer.headers.get("content-type")
                assert kind in content if content else not answer.data, f"{operation.name}: {answer.status} with {kind}"
                for value in answer.lines if kind == LINES else [answer.json] if content else []:
                    check(value, content[kind]["schema"])
                for name in resolved(row).get("headers", {}):
                    assert name.lower() in answer.headers, f"{operation.name}: {answer.status} without {name}"


def token(engine, name, role, *words):
    """Makes a token by ctl."""
    return engine.ask("token", "add", name, f"role={role}", *words)["token"]
