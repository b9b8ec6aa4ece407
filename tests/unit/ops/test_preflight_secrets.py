"""Check `secrets`: what of others' Secrets would leave LibreChat without keys, said without any of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from components.existing import ExistingSecret
from components.formats import HEX_KEY_LENGTHS
from ops.preflight_checks.findings import CouldNotTellError, Result, Said
from ops.preflight_checks.secrets import secrets
from ops.preflight_checks.view import Unreadable, View
from tests.unit.ops.preflight_views import failed, named, release, texts, view

OWN = {name: name for name in HEX_KEY_LENGTHS}
KEYS = ExistingSecret("keys", "librechat.credentials.secret", {**OWN, "CREDS_IV": "iv"})
MONGO = ExistingSecret("mongo", "librechat.mongodb.secret", {"MONGO_URI": "uri"})
SEARCH = ExistingSecret("search", "librechat.meilisearch.secret", {"MEILI_MASTER_KEY": "MEILI_MASTER_KEY"})
GOOD = {
    "JWT_SECRET": "1a" * 32,
    "JWT_REFRESH_SECRET": "2B" * 32,
    "CREDS_KEY": "3c" * 32,
    "iv": "4d" * 16,
}
URI = "mongodb+srv://chat:hunter2@cluster0.example.net/LibreChat?retryWrites=true"


def held(data: Mapping[str, str | bytes]) -> dict[str, Any]:
    """A Secret as the API server answers it."""
    coded = {
        key: base64.b64encode(text.encode() if isinstance(text, str) else text).decode() for key, text in data.items()
    }
    return {**named("keys"), "data": coded}


def looked(expected: ExistingSecret, found: Any, **parts: Any) -> list[Said]:
    """What the check says of a release that reads this Secret."""
    chat = release("librechat", existing_secrets=(expected,))
    return list(secrets(view(of=chat, existing_secrets={expected.name: found}, **parts)))


def test_a_release_that_reads_no_secret_of_others_has_nothing_to_be_looked_at() -> None:
    assert [item.text for item in secrets(view())] == ["no Secret of others is read"]


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        (KEYS, GOOD),
        (KEYS, {**GOOD, "OPENAI_API_KEY": "of no interest", "binary": b"\xff\xfe"}),
        (MONGO, {"uri": URI}),
        (MONGO, {"uri": "mongodb://u:p@a:27017,b:27017/chat"}),
        (SEARCH, {"MEILI_MASTER_KEY": "x" * 16}),
    ],
)
def test_a_secret_with_all_keys_in_their_formats_is_well(expected: ExistingSecret, data: dict[str, str]) -> None:
    (said,) = looked(expected, held(data))
    assert said.result is Result.OK and said.text.startswith(f"Secret {expected.name} has ")


def test_a_secret_that_is_not_there_fails_with_what_to_make_and_where() -> None:
    (said,) = looked(KEYS, None)
    assert (said.result, said.text) == (Result.FAILED, "Secret keys (librechat.credentials.secret) is not there")
    assert said.cure == (
        "Make the ExternalSecret, SealedSecret or Secret keys in namespace librechat with CREDS_KEY, "
        "JWT_REFRESH_SECRET, JWT_SECRET, iv, then run pulumi up again: it goes on from here, nothing is lost"
    )


def test_before_the_namespace_is_there_it_can_not_be_told() -> None:
    (said,) = looked(KEYS, None, namespace=None)
    assert said.result is Result.UNKNOWN
    assert said.text == "the namespace librechat is not there yet, nor is Secret keys in it"


@pytest.mark.parametrize("data", [{}, {"uri": ""}, {"URI": URI}])
def test_a_key_that_is_missing_or_empty_fails_with_the_keys_that_there_are(data: dict[str, str]) -> None:
    (text,) = failed(looked(MONGO, held(data)))
    there = f"it has {', '.join(data)}" if data else "it has none"
    assert text == f"Secret mongo (librechat.mongodb.secret) lacks uri; {there}"


@pytest.mark.parametrize(
    ("expected", "data", "words"),
    [
        (
            KEYS,
            {**GOOD, "CREDS_KEY": "3c" * 31},
            "the key CREDS_KEY is not 64 hex characters, as LibreChat's",
        ),
        (KEYS, {**GOOD, "CREDS_KEY": "3c" * 32 + "\n"}, "CREDS_KEY has to be; it ends with a line break"),
        (KEYS, {**GOOD, "iv": "4d" * 32}, "the key iv is not 32 hex characters, as LibreChat's CREDS_IV has to be"),
        (KEYS, {**GOOD, "JWT_SECRET": "hunter2" * 10}, "the key JWT_SECRET is not 64 hex characters"),
        (KEYS, {**GOOD, "JWT_SECRET": b"\xff" * 64}, "the key JWT_SECRET is not 64 hex characters"),
        (KEYS, {**GOOD, "JWT_SECRET": GOOD["JWT_REFRESH_SECRET"]}, "JWT_SECRET and JWT_REFRESH_SECRET are the same"),
        (MONGO, {"uri": "mongodb://u:hunter2@host"}, "the key uri is not a mongodb:// or mongodb+srv:// address with"),
        (MONGO, {"uri": "postgres://u:hunter2@host/db"}, "the key uri is not a mongodb:// or mongodb+srv:// address"),
        (MONGO, {"uri": URI + "\n"}, "it ends with a line break"),
        (SEARCH, {"MEILI_MASTER_KEY": "hunter2"}, "the key MEILI_MASTER_KEY is not 16 or more printable ASCII"),
    ],
)
def test_a_value_of_the_wrong_format_fails_and_is_not_shown(
    expected: ExistingSecret, data: dict[str, Any], words: str
) -> None:
    said = looked(expected, held(data))
    (text,) = failed(said)
    assert words in text
    values = [value.strip() for value in data.values() if isinstance(value, str)]
    assert not [value for value in [*values, "hunter2"] if value in f"{text} {said[0].cure}"]


def test_a_secret_that_may_not_be_read_is_not_judged() -> None:
    said = looked(KEYS, Unreadable("not allowed"))
    assert texts(said, Result.UNKNOWN) == ["Secret keys can't be read: not allowed"]
    with pytest.raises(CouldNotTellError, match="the namespace can't be read"):
        looked(KEYS, None, namespace=Unreadable("not allowed"))


def test_two_settings_that_name_one_secret_are_looked_at_both() -> None:
    both = (KEYS, ExistingSecret("keys", "librechat.mongodb.secret", {"MONGO_URI": "MONGO_URI"}))
    chat = release("librechat", existing_secrets=both)
    said = list(secrets(view(of=chat, existing_secrets={"keys": held(GOOD)})))
    assert texts(said, Result.OK) and "lacks MONGO_URI" in texts(said, Result.FAILED)[0]


def test_what_is_shown_of_a_view_holds_no_value() -> None:
    seen: View = view(of=release("librechat"), existing_secrets={"keys": held(GOOD)})
    assert base64.b64encode(GOOD["iv"].encode()).decode() not in repr(seen)
