"""Settings of what is brought along: each way to get them wrong is an error with a cure, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings
from tests.unit.deployment import ABSENT, attempt, copy_project, load_settings
from tests.unit.test_existing import CREDENTIALS, EVERYTHING, KEY, MONGO_BY_SECRET, MONGO_BY_URI, PLACE, URI

SEARCH = {"meilisearch": {"host": "http://search:7700", "secret": "s", **PLACE}, "storage": {"meilisearch": ABSENT}}
HEX_64 = "0123456789abcdef" * 4


def faults(librechat: dict[str, Any], *, encrypted: bool = True, **others: Any) -> list[str]:
    """What is wrong with the prod stack that has these settings."""
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {"librechat": librechat, **others}, encrypted=["librechat"] if encrypted else [])
    return [line.strip().removeprefix("Pulumi.prod.yaml: ") for line in str(raised.value).splitlines()[1:]]


def mongodb(**parts: Any) -> dict[str, Any]:
    """A stack that brings this database along."""
    return {"mongodb": {**PLACE, **parts}, "storage": {"mongodb": ABSENT}}


def search(**parts: Any) -> dict[str, Any]:
    """A stack that brings this search engine along."""
    there = {"host": "https://s.example.com", "at": [{"cidr": "203.0.113.0/24", "ports": [443]}]}
    return {"meilisearch": {**there, **parts}, "storage": {"meilisearch": ABSENT}}


@pytest.mark.parametrize(
    ("librechat", "fault"),
    [
        (mongodb(uri=URI, secret="m"), "librechat.mongodb.secret is set beside librechat.mongodb.uri; allowed: one"),
        (search(key=KEY, secret="m"), "librechat.meilisearch.secret is set beside librechat.meilisearch.key; allowed"),
        (mongodb(), "librechat.mongodb has neither uri nor secret; allowed: one of them."),
        (search(), "librechat.meilisearch has neither key nor secret; allowed: one of them."),
        (
            {**CREDENTIALS, "keys": {"CREDS_IV": HEX_64[:32]}},
            "librechat.keys.CREDS_IV is set, but librechat.credentials takes its place; allowed: one of them",
        ),
        (
            {**CREDENTIALS, "rotation": {"JWT_SECRET": 1}},
            "librechat.rotation.JWT_SECRET is set, but librechat.credentials takes its place",
        ),
        (
            {**MONGO_BY_SECRET, "keys": {"MONGODB_PASSWORD": "x"}},
            "librechat.keys.MONGODB_PASSWORD is set, but librechat.mongodb takes its place",
        ),
        (
            {**SEARCH, "keys": {"MEILI_MASTER_KEY": "x" * 16}},
            "librechat.keys.MEILI_MASTER_KEY is set, but librechat.meilisearch takes its place",
        ),
        (
            {"mongodb": MONGO_BY_SECRET["mongodb"]},
            "librechat.storage.mongodb is set, but librechat.mongodb brings one along",
        ),
        (
            {**MONGO_BY_SECRET, "values": {"mongodb": {"enabled": True}}},
            "mongodb.enabled found true, but librechat.mongodb brings one along",
        ),
        ({"values": {"mongodb": {"enabled": False}}}, "Name your own MongoDB in librechat.mongodb"),
        (
            {**MONGO_BY_SECRET, "values": {"global": {"librechat": {"env": []}}}},
            "takes the place of what reads MONGO_URI from Secrets; allowed: nothing here",
        ),
        (
            {**CREDENTIALS, "values": {"global": {"librechat": {"existingSecretName": "other"}}}},
            'found "other"; allowed: chat-keys, the Secret that librechat.credentials names',
        ),
        (
            mongodb(secret="librechat-credentials"),
            'librechat.mongodb.secret found "librechat-credentials", as the program calls a Secret of its own',
        ),
        (mongodb(secret="m", at=[{}]), "librechat.mongodb.at.0 has neither cidr nor namespace; allowed: one of them"),
        (
            mongodb(secret="m", at=[{"cidr": "10.0.0.0/8", "namespace": "a"}]),
            "librechat.mongodb.at.0 has both cidr and namespace; allowed: one of them",
        ),
        (mongodb(secret="m", at=[]), "librechat.mongodb.at is missing, and the network rules let the chat reach no"),
        (search(secret="m", at=[]), "librechat.meilisearch.at is missing, and the network rules let the chat reach no"),
        (
            {**SEARCH, "env": {"MEILI_HOST": "http://other:7700"}},
            "librechat.env.MEILI_HOST is set beside librechat.meilisearch.host; allowed: one of them",
        ),
        (mongodb(secret="M!"), 'librechat.mongodb.secret found "M!"; allowed: the name of a Secret'),
        (mongodb(secret="m", secretKey="a/b"), 'librechat.mongodb.secretKey found "a/b"; allowed: a key of a Secret'),
        (search(host="search:7700", secret="m"), 'librechat.meilisearch.host found "search:7700"; allowed: http://'),
        (
            search(host="https://u:p@search", secret="m"),
            'librechat.meilisearch.host found "https://u:p@search"; allowed: http:// or https://, a host',
        ),
        (search(host=ABSENT, secret="m"), "librechat.meilisearch.host is missing; allowed: http:// or https://"),
        ({"credentials": {}}, "librechat.credentials.secret is missing; allowed: the name of a Secret"),
        (
            {"credentials": {"secret": "s", "secretKeys": {"CREDS_IX": "iv"}}},
            "librechat.credentials.secretKeys.CREDS_IX is not a known key; allowed: CREDS_IV, CREDS_KEY",
        ),
        (
            {"secretEnv": {"MONGO_URI": URI}},
            "librechat.secretEnv.MONGO_URI is made from librechat.keys.MONGODB_PASSWORD; allowed: nothing here. A "
            "database of your own goes into librechat.mongodb",
        ),
    ],
)
def test_what_can_not_go_together_is_an_error(librechat: dict[str, Any], fault: str) -> None:
    if librechat.get("meilisearch", {}).get("host") is ABSENT:
        librechat = {**librechat, "meilisearch": {"secret": "m", **PLACE}}
    (found,) = faults(librechat)
    assert fault in found


@pytest.mark.parametrize(
    "uri",
    [
        "postgres://u:hunter2@host/LibreChat",
        "https://u:hunter2@host/LibreChat",
        "host:27017/hunter2",
        "mongodb://u:hunter2@host",
        "mongodb://u:hunter2@host/",
        "mongodb+srv://u:hunter2@host/?retryWrites=true",
        "mongodb://u:hunter2@host/LibreChat\n",
        "mongodb://u:hunter2@host/Libre Chat",
        "",
    ],
)
def test_an_address_of_another_scheme_or_without_a_database_is_an_error_that_does_not_show_it(uri: str) -> None:
    found = "\n".join(faults(mongodb(uri=uri)))
    assert "librechat.mongodb.uri found a value that is not shown; allowed: mongodb:// or mongodb+srv:// with" in found
    assert "hunter2" not in found


def test_a_key_of_a_search_engine_that_it_would_refuse_is_an_error_that_does_not_show_it() -> None:
    (found,) = faults(search(key="hunter2"))
    assert found.startswith("librechat.meilisearch.key found a value that is not shown; allowed: 16 or more")


def test_a_secret_in_place_of_the_map_that_holds_it_is_not_shown() -> None:
    for part in ("mongodb", "meilisearch"):
        (found,) = faults({part: "mongodb://u:hunter2@host/LibreChat"})
        assert found.startswith(f"librechat.{part} found a value that is not shown; allowed: ")


@pytest.mark.parametrize(
    ("librechat", "key"),
    [(MONGO_BY_URI, "mongodb.uri"), (search(key=KEY), "meilisearch.key")],
    ids=["mongodb", "search"],
)
def test_an_address_or_key_in_plain_text_is_an_error_that_says_how_to_encrypt_it(
    librechat: dict[str, Any], key: str
) -> None:
    (found,) = faults(librechat, encrypted=False)
    assert found.startswith(f"librechat.{key} found plain text; allowed: encrypted values.")
    assert f"pulumi config set --secret --path 'private-chatgpt:librechat.{key}'" in found
    assert "p%40ss" not in found and KEY not in found


@pytest.mark.parametrize(
    "others",
    [
        {"librechat": {"egress": [{"cidr": "203.0.113.0/24", "ports": [27017]}]}},
        {"network": {"policies": False}},
    ],
    ids=["egress", "no policies"],
)
def test_the_place_of_a_database_need_not_be_named_where_the_way_is_open(others: dict[str, Any]) -> None:
    librechat = {**others.pop("librechat", {}), "mongodb": {"secret": "m"}, "storage": {"mongodb": ABSENT}}
    load_settings("prod", {"librechat": librechat, **others})


def test_faults_are_reported_before_the_first_resource() -> None:
    deployment = attempt("prod", {"librechat": mongodb(uri="x")}, encrypted=["librechat"])
    assert isinstance(deployment.error, SettingsError)
    assert not [item for item in deployment.registrations if item.type != "pulumi:pulumi:Stack"]


def test_a_stack_file_with_encrypted_addresses_is_read_without_pulumi(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    (project / "Pulumi.yaml").write_text((PROJECT_DIR / "Pulumi.yaml").read_text())
    document = yaml.safe_load((PROJECT_DIR / "Pulumi.prod.yaml").read_text())
    chat = document["config"]["private-chatgpt:librechat"]
    del chat["storage"]["mongodb"], chat["storage"]["meilisearch"]
    chat["mongodb"] = {"uri": {"secure": "v1:abc"}, **PLACE}
    chat["meilisearch"] = {"host": "http://10.0.0.7:7700", "key": {"secure": "v1:abc"}, "at": [{"cidr": "10.0.0.7/32"}]}
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump(document))
    settings = Settings.of_stack("prod", project).chat
    assert settings.mongodb and settings.mongodb.uri and settings.meilisearch and settings.meilisearch.key


def test_everything_may_be_brought_along_without_anything_encrypted() -> None:
    load_settings("prod", {"librechat": EVERYTHING})
