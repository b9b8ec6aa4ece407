"""Faults between settings where a stack brings along what the program would make otherwise.

They look at the raw config, as those of components/checks.py do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.charts import LIBRECHAT
from components.existing import MONGODB_KEYS
from components.faults import Fault
from components.formats import HEX_KEY_LENGTHS
from components.librechat import secret_names
from components.replicas import redis_secret
from components.values import dig

Raw = Mapping[str, Any]

TAKEN = {
    "credentials": tuple(HEX_KEY_LENGTHS),
    "mongodb": MONGODB_KEYS,
    "meilisearch": ("MEILI_MASTER_KEY",),
}
"""The keys whose place each setting takes."""
OURS = (*secret_names(LIBRECHAT.name), redis_secret(LIBRECHAT.name))
"""What the program calls its own Secrets."""


def existing_checks(raw: Raw) -> Iterator[Fault]:
    """All of them; silent where a part has the wrong shape."""
    for check in (
        _one_way_each,
        _search_has_one_address,
        _places_are_named,
        _nothing_for_parts_that_are_not_made,
        _names_are_not_ours,
        _one_tls,
    ):
        yield from check(raw)


def _one_way_each(raw: Raw) -> Iterator[Fault]:
    for part, plain in (("mongodb", "uri"), ("meilisearch", "key")):
        given = dig(raw, "librechat", part)
        if not isinstance(given, dict):
            continue
        if given.get(plain) and given.get("secret"):
            yield Fault(f"librechat.{part}.secret", f"is set beside librechat.{part}.{plain}; allowed: one of them")
        elif not (given.get(plain) or given.get("secret")):
            yield Fault(
                f"librechat.{part}",
                f"has neither {plain} nor secret; allowed: one of them. Put the name of a Secret into "
                f"librechat.{part}.secret, or encrypt: pulumi config set --secret --path librechat.{part}.{plain}",
            )


def _search_has_one_address(raw: Raw) -> Iterator[Fault]:
    for section in ("env", "secretEnv"):
        if dig(raw, "librechat", "meilisearch") and dig(raw, "librechat", section, "MEILI_HOST"):
            text = "is set beside librechat.meilisearch.host; allowed: one of them. Drop it"
            yield Fault(f"librechat.{section}.MEILI_HOST", text)


def _places_are_named(raw: Raw) -> Iterator[Fault]:
    for part in ("mongodb", "meilisearch"):
        given, at = dig(raw, "librechat", part), dig(raw, "librechat", part, "at")
        for number, place in enumerate(at if isinstance(at, list) else []):
            if isinstance(place, dict) and bool(place.get("cidr")) == bool(place.get("namespace")):
                found = "both cidr and namespace" if place.get("cidr") else "neither cidr nor namespace"
                yield Fault(f"librechat.{part}.at.{number}", f"has {found}; allowed: one of them")
        known = at or dig(raw, "librechat", "egress") or dig(raw, "network", "policies") is False
        if isinstance(given, dict) and not known:
            yield Fault(
                f"librechat.{part}.at",
                "is missing, and the network rules let the chat reach no address that is not named; allowed: a list "
                "with cidr (outside of the cluster) or namespace (inside), and ports where they differ. Or open the "
                "way in librechat.egress",
            )


def _nothing_for_parts_that_are_not_made(raw: Raw) -> Iterator[Fault]:
    for part, keys in TAKEN.items():
        if not isinstance(dig(raw, "librechat", part), dict):
            continue
        for section in ("keys", "rotation"):
            given = dig(raw, "librechat", section)
            for key in keys if isinstance(given, dict) else ():
                if key in given:
                    yield Fault(
                        f"librechat.{section}.{key}",
                        f"is set, but librechat.{part} takes its place; allowed: one of them. Drop one",
                    )
        if part != "credentials" and dig(raw, "librechat", "storage", part):
            yield Fault(
                f"librechat.storage.{part}",
                f"is set, but librechat.{part} brings one along, which has its own volume; allowed: nothing. Drop it",
            )


def _names_are_not_ours(raw: Raw) -> Iterator[Fault]:
    for part in TAKEN:
        name = dig(raw, "librechat", part, "secret")
        if name in OURS:
            yield Fault(
                f"librechat.{part}.secret",
                f'found "{name}", as the program calls a Secret of its own; allowed: another name. On the way from one '
                "to the other the program would delete it",
            )


def _one_tls(raw: Raw) -> Iterator[Fault]:
    ways = ("tlsSecret", "certIssuer", "certClusterIssuer")
    given = [way for way in ways if dig(raw, "librechat", way)]
    for way in given[1:]:
        yield Fault(f"librechat.{way}", f"is set beside librechat.{given[0]}; allowed: one of them")
    for way in given[:1] if dig(raw, "librechat", "host") == "localhost" else ():
        yield Fault(
            f"librechat.{way}",
            "is set, but localhost has no Ingress that could use it; allowed: nothing with host localhost. "
            "Drop it, or set librechat.host to the DNS name of the chat",
        )
