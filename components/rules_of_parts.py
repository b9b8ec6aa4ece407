"""Rules on what LibreChat's values say of Secrets, of parts that are brought along, and of the way in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.chart_parts import extra_objects, kind_of
from components.charts import LIBRECHAT
from components.existing import env_of_secrets
from components.exposure import AT_NODES
from components.faults import Fault
from components.librechat import secret_names
from components.plain_http import serving_http
from components.provenance import KeyPath, dotted
from components.values import dig, section

if TYPE_CHECKING:
    from components.rules import Chat

SECRET_NAME: KeyPath = ("global", "librechat", "existingSecretName")
ENV: KeyPath = ("global", "librechat", "env")
CHART_HOST = "chat.example.com"
"""What an Ingress serves of which the values name no hosts (librechat 2.0.7)."""
IN_THE_OPEN = "passwords and conversations would cross the network in the open"


def _secrets_are_ours(chat: Chat) -> Iterator[Fault]:
    app, mongodb, meilisearch = secret_names(chat.name)
    credentials = chat.settings.credentials
    wanted: dict[KeyPath, tuple[str, str]] = {
        SECRET_NAME: (
            credentials.secret if credentials else app,
            "LibreChat starts on keys that everybody can look up",
        ),
    }
    if not chat.settings.mongodb and dig(chat.values, "mongodb", "enabled") is not False:
        wanted["mongodb", "auth", "existingSecret"] = (mongodb, "MongoDB has passwords that LibreChat doesn't know")
    if not chat.settings.meilisearch and dig(chat.values, "meilisearch", "enabled") is not False:
        wanted["meilisearch", "auth", "existingMasterKeySecret"] = (meilisearch, "LibreChat and Meilisearch differ")
    for path, (name, otherwise) in wanted.items():
        found = dig(chat.values, *path)
        if found != name:
            whose = "librechat.credentials names" if path == SECRET_NAME and credentials else "the program makes"
            yield chat.in_values(
                path,
                f"found {json.dumps(found, default=str)}; allowed: {name}, the Secret that {whose}. With "
                f"another {otherwise}. Drop it; keys of your own go into librechat.keys and librechat.secretEnv, a "
                "Secret of your own into librechat.credentials, librechat.mongodb or librechat.meilisearch",
            )
    unread: KeyPath = ("librechat", "existingSecretName")  # in the chart's defaults all the same (2026-11, facts.md)
    if dig(chat.values, *unread) is not None:
        yield chat.in_values(unread, "is read by no template; the chart reads global.librechat.existingSecretName")


def _env_of_secrets_stays(chat: Chat) -> Iterator[Fault]:
    """A list replaces a list: one of the stack's own would take the references to Secrets away."""
    found = dig(chat.values, *ENV)
    entries = found if isinstance(found, list) else []
    missing = [entry for entry in env_of_secrets(chat.settings, secret_names(chat.name)[0]) if entry not in entries]
    if missing:
        names = ", ".join(str(entry["name"]) for entry in missing)
        yield chat.in_values(
            ENV, f"takes the place of what reads {names} from Secrets; allowed: nothing here. Use librechat.env instead"
        )


def _parts_are_made_or_brought_along(chat: Chat) -> Iterator[Fault]:
    for part in ("mongodb", "meilisearch"):
        enabled = dig(chat.values, part, "enabled")
        if getattr(chat.settings, part) and enabled is not False:
            yield chat.in_values(
                (part, "enabled"),
                f"found {json.dumps(enabled, default=str)}, but librechat.{part} brings one along; allowed: nothing "
                "here. Drop it",
            )
    if not chat.settings.mongodb and dig(chat.values, "mongodb", "enabled") is False:
        yield chat.in_values(
            ("mongodb", "enabled"),
            "found false, but LibreChat's address of the database is that of the chart's; allowed: true. Name your own "
            "MongoDB in librechat.mongodb, which turns the chart's off",
        )


def _plain_http_is_allowed(chat: Chat) -> Iterator[Fault]:
    if chat.settings.allow_plain_http:
        return
    path: KeyPath
    for path, host in _hosts_without_tls(section(chat.values, "ingress")):
        if host == chat.settings.host and not chat.overrides(("ingress", "hosts")):
            yield Fault(
                "librechat.host",
                f'found "{host}" without TLS: {IN_THE_OPEN}; allowed: a certificate by librechat.tlsSecret, '
                "librechat.certIssuer or librechat.certClusterIssuer. Where that is what you want, or TLS ends before "
                "the Ingress: librechat.allowPlainHttp: true",
            )
        else:
            yield chat.in_values(
                path,
                f'serves "{host}", which no entry of ingress.tls covers: {IN_THE_OPEN}; allowed: hosts with an entry '
                "of ingress.tls. Where that is what you want, or TLS ends before the Ingress: "
                "librechat.allowPlainHttp: true",
            )
    path = ("service", "type")
    if (found := dig(chat.values, *path)) in AT_NODES:
        yield chat.in_values(
            path,
            f"found {found}, which leads to LibreChat past its Ingress and TLS: {IN_THE_OPEN}; allowed: ClusterIP. "
            "Where TLS ends before the Service: librechat.allowPlainHttp: true",
        )


def _no_ingress_serves_plain_http_too(chat: Chat) -> Iterator[Fault]:
    """Beside its certificate, or without one where it is none of the program's."""
    if chat.settings.allow_plain_http:
        return
    way_out = "Where that is what you want, or TLS ends before the Ingress: librechat.allowPlainHttp: true"
    ingress = section(chat.values, "ingress")
    for key in serving_http(ingress.get("annotations")) if ingress.get("enabled") else ():
        path: KeyPath = ("ingress", "annotations", key)
        text = (
            f'found "{dig(chat.values, *path)}", by which the chat is served without TLS, too: {IN_THE_OPEN}; allowed: '
            f"HTTPS alone, or plain HTTP that only leads there. Drop it. {way_out}"
        )
        of_setting = key in chat.settings.ingress.annotations and not chat.overrides(path)
        yield Fault(f"librechat.{dotted(path)}", text) if of_setting else chat.in_values(path, text)
    for path, told, tls in _further_ingresses(chat):
        if not tls or next(serving_http(told), None):
            yield chat.in_values(
                path,
                f"is an Ingress that serves without TLS: {IN_THE_OPEN}; allowed: one with tls, and without annotations "
                f"that let plain HTTP in beside it. {way_out}",
            )


def _further_ingresses(chat: Chat) -> Iterator[tuple[KeyPath, Any, Any]]:
    """Those beside LibreChat's own: path, annotations and entries of TLS."""
    search = section(chat.values, "meilisearch")
    if search.get("enabled") and dig(search, "ingress", "enabled"):
        yield (
            ("meilisearch", "ingress", "enabled"),
            dig(search, "ingress", "annotations"),
            dig(search, "ingress", "tls"),
        )
    for path, item in extra_objects(LIBRECHAT.name, chat.values):
        if kind_of(item) == "Ingress":
            yield path, dig(item, "metadata", "annotations"), dig(item, "spec", "tls")


def _hosts_without_tls(ingress: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The hosts of an Ingress that no TLS entry covers, each with the value that says it."""
    if not ingress.get("enabled"):
        return
    entries = [entry for entry in _items(ingress.get("tls")) if isinstance(entry, Mapping)]
    # Without hosts an entry is for all that the controller serves (kubernetes.io, IngressTLS, 2026-11).
    if any(not entry.get("hosts") for entry in entries):
        return
    covered = {str(host) for entry in entries for host in _items(entry["hosts"])}
    for path, host in _hosts(ingress):
        # A wildcard stands for exactly one label (kubernetes.io, Ingress, 2026-11).
        if host != "localhost" and not {host, f"*.{host.partition('.')[2]}"} & covered:
            yield path, host


def _hosts(ingress: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    if not ingress.get("hosts"):
        yield ("ingress", "enabled"), CHART_HOST
    for index, entry in enumerate(_items(ingress.get("hosts"))):
        yield ("ingress", "hosts", index), str(dig(entry, "host") or "")


def _items(value: Any) -> list[Any]:
    """The list; empty where it is none, which the chart's contract or the API server refuses."""
    return value if isinstance(value, list) else []


RULES_OF_PARTS: tuple[Callable[[Chat], Iterator[Fault]], ...] = (
    _secrets_are_ours,
    _env_of_secrets_stays,
    _parts_are_made_or_brought_along,
    _plain_http_is_allowed,
    _no_ingress_serves_plain_http_too,
)
