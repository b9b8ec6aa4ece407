"""A database, a search engine or Secrets brought along: nothing is made in their place, all is read from them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.formats import HEX_KEY_LENGTHS
from tests.unit.deployment import ABSENT, deploy
from tests.unit.recording import (
    ACCOUNT,
    POLICY,
    QUOTA,
    RANDOM_PASSWORD,
    RELEASE,
    SECRET,
    Deployment,
    Secret,
    revealed,
    secrets_in,
)

APP, MONGODB, MEILISEARCH = (f"librechat{part}-credentials" for part in ("", "-mongodb", "-meilisearch"))
URI = "mongodb+srv://chat:p%40ss@cluster0.example.mongodb.net/LibreChat?retryWrites=true"
KEY = "a-key-of-somebody-elses-search"
PLACE = {"at": [{"cidr": "203.0.113.0/24"}]}
NO_VOLUMES = {"storage": {"mongodb": ABSENT, "meilisearch": ABSENT}}

MONGO_BY_URI = {"mongodb": {"uri": URI, **PLACE}, "storage": {"mongodb": ABSENT}}
MONGO_BY_SECRET = {"mongodb": {"secret": "mongo", **PLACE}, "storage": {"mongodb": ABSENT}}
SEARCH_BY_KEY = {
    "meilisearch": {
        "host": "https://search.example.com",
        "key": KEY,
        "at": [{"cidr": "203.0.113.0/24", "ports": [443]}],
    },
    "storage": {"meilisearch": ABSENT},
}
SEARCH_BY_SECRET = {
    "meilisearch": {"host": "http://meili.search.svc:7700", "secret": "search", "secretKey": "master", **PLACE},
    "storage": {"meilisearch": ABSENT},
}
CREDENTIALS = {"credentials": {"secret": "chat-keys", "secretKeys": {"CREDS_IV": "iv"}}}
EVERYTHING = {**MONGO_BY_SECRET, **SEARCH_BY_SECRET, **CREDENTIALS, **NO_VOLUMES}


def brought(librechat: dict[str, Any]) -> Deployment:
    """The prod stack that brings this along."""
    return deploy("prod", {"librechat": librechat}, encrypted=["librechat"])


def names(deployment: Deployment, type_: str) -> set[str]:
    """What was registered of a type."""
    return {item.name for item in deployment.of_type(type_)}


def generated_keys(deployment: Deployment) -> set[str]:
    """The keys that are generated, as `librechat.keys` calls them."""
    made = {name.removeprefix("librechat-").replace("-", "_").upper() for name in names(deployment, RANDOM_PASSWORD)}
    return made - {"ANNOTATION_SALT"}


def references(deployment: Deployment) -> dict[str, tuple[str, str]]:
    """Variables that LibreChat reads from Secrets, one by one: the Secret and its key."""
    entries = deployment.values("librechat")["global"]["librechat"].get("env", [])
    found = {}
    for entry in entries:
        reference = entry["valueFrom"]["secretKeyRef"]
        assert set(reference) == {"name", "key"}, "not optional: without it no container may start"
        found[entry["name"]] = (reference["name"], reference["key"])
    return found


@pytest.mark.parametrize("librechat", [MONGO_BY_URI, MONGO_BY_SECRET], ids=["uri", "secret"])
def test_a_database_that_is_brought_along_is_not_made(prod: Deployment, librechat: dict[str, Any]) -> None:
    deployment = brought(librechat)
    assert deployment.values("librechat")["mongodb"]["enabled"] is False
    assert generated_keys(prod) - generated_keys(deployment) == {"MONGODB_ROOT_PASSWORD", "MONGODB_PASSWORD"}
    assert names(prod, SECRET) - names(deployment, SECRET) == {MONGODB}
    assert names(prod, POLICY) - names(deployment, POLICY) == {"librechat-allow-mongodb", "librechat-allow-jobs"}


def test_an_encrypted_address_of_a_database_stands_in_the_apps_secret_and_nowhere_else() -> None:
    deployment = brought(MONGO_BY_URI)
    assert deployment.secret_data(APP)["MONGO_URI"] == URI
    assert isinstance(deployment.one(SECRET, APP).inputs["stringData"], Secret)
    assert not references(deployment)
    others = [item.inputs for item in deployment.registrations if item.name != APP]
    assert "mongodb.net" not in json.dumps(revealed(others))
    for item in deployment.of_type(RELEASE):
        assert list(secrets_in(item.inputs)) == []


def test_a_database_by_secret_is_read_from_it_by_its_key() -> None:
    deployment = brought(MONGO_BY_SECRET)
    assert "MONGO_URI" not in deployment.secret_data(APP)
    assert references(deployment) == {"MONGO_URI": ("mongo", "MONGO_URI")}
    renamed = brought({**MONGO_BY_SECRET, "mongodb": {**MONGO_BY_SECRET["mongodb"], "secretKey": "connectionString"}})
    assert references(renamed) == {"MONGO_URI": ("mongo", "connectionString")}


@pytest.mark.parametrize("librechat", [SEARCH_BY_KEY, SEARCH_BY_SECRET], ids=["key", "secret"])
def test_a_search_engine_that_is_brought_along_is_not_made(prod: Deployment, librechat: dict[str, Any]) -> None:
    deployment = brought(librechat)
    values = deployment.values("librechat")
    assert values["meilisearch"]["enabled"] is False
    assert values["librechat"]["configEnv"]["MEILI_HOST"] == librechat["meilisearch"]["host"]
    assert values["librechat"]["configEnv"]["SEARCH"] == "true"
    assert generated_keys(prod) - generated_keys(deployment) == {"MEILI_MASTER_KEY"}
    assert names(prod, SECRET) - names(deployment, SECRET) == {MEILISEARCH}
    assert names(prod, ACCOUNT) - names(deployment, ACCOUNT) == {"meilisearch"}
    assert names(prod, POLICY) - names(deployment, POLICY) == {"librechat-allow-meilisearch"}


def test_the_key_of_a_search_engine_comes_from_encrypted_config_or_from_its_secret() -> None:
    encrypted = brought(SEARCH_BY_KEY)
    assert encrypted.secret_data(APP)["MEILI_MASTER_KEY"] == KEY
    assert KEY not in json.dumps(revealed([item.inputs for item in encrypted.registrations if item.name != APP]))
    by_secret = brought(SEARCH_BY_SECRET)
    assert references(by_secret) == {"MEILI_MASTER_KEY": ("search", "master")}
    assert "MEILI_MASTER_KEY" not in by_secret.secret_data(APP)


def test_a_secret_with_librechats_own_keys_takes_the_place_of_generated_ones(prod: Deployment) -> None:
    deployment = brought(CREDENTIALS)
    assert generated_keys(prod) - generated_keys(deployment) == set(HEX_KEY_LENGTHS)
    assert deployment.values("librechat")["global"]["librechat"]["existingSecretName"] == "chat-keys"
    assert set(deployment.secret_data(APP)) == {"MONGO_URI", "MEILI_MASTER_KEY"}
    assert references(deployment) == {
        "JWT_SECRET": ("chat-keys", "JWT_SECRET"),
        "JWT_REFRESH_SECRET": ("chat-keys", "JWT_REFRESH_SECRET"),
        "CREDS_KEY": ("chat-keys", "CREDS_KEY"),
        "CREDS_IV": ("chat-keys", "iv"),
        # The chart reads one Secret whole, now the other one: of ours every key is named.
        "MONGO_URI": (APP, "MONGO_URI"),
        "MEILI_MASTER_KEY": (APP, "MEILI_MASTER_KEY"),
    }


def test_with_everything_brought_along_nothing_is_generated_and_no_secret_is_made() -> None:
    deployment = brought(EVERYTHING)
    assert generated_keys(deployment) == set()
    assert names(deployment, SECRET) == set()
    assert set(references(deployment)) == {*HEX_KEY_LENGTHS, "MONGO_URI", "MEILI_MASTER_KEY"}
    assert "podAnnotations" not in deployment.values("librechat"), "there is nothing of ours to restart for"


def test_extra_secret_environment_stays_ours_beside_secrets_of_others() -> None:
    deployment = brought({**EVERYTHING, "secretEnv": {"OPENAI_API_KEY": "sk-not-for-anybody"}})
    assert deployment.secret_data(APP) == {"OPENAI_API_KEY": "sk-not-for-anybody"}
    assert references(deployment)["OPENAI_API_KEY"] == (APP, "OPENAI_API_KEY")
    assert "checksum/credentials" in deployment.values("librechat")["podAnnotations"]


def test_without_anything_brought_along_no_key_is_read_one_by_one(deployed: Deployment) -> None:
    assert "env" not in deployed.values("librechat")["global"]["librechat"]


def test_the_quota_has_no_room_for_what_is_not_made(prod: Deployment) -> None:
    def hard(deployment: Deployment) -> dict[str, str]:
        found: dict[str, str] = deployment.one(QUOTA, "librechat-quota").inputs["spec"]["hard"]
        return found

    before, after = hard(prod), hard(brought(EVERYTHING))
    assert (before["persistentvolumeclaims"], after["persistentvolumeclaims"]) == ("3", "1")
    assert (before["requests.storage"], after["requests.storage"]) == ("92160Mi", "20480Mi")
    assert int(before["pods"]) - int(after["pods"]) == 2


@pytest.mark.parametrize(
    ("place", "peer", "ports"),
    [
        ({"cidr": "203.0.113.0/24"}, {"ipBlock": {"cidr": "203.0.113.0/24"}}, [27017]),
        (
            {"namespace": "databases", "ports": [27017, 27018]},
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "databases"}}},
            [27017, 27018],
        ),
    ],
)
def test_the_chat_may_reach_its_database_where_that_is(place: Any, peer: Any, ports: list[int]) -> None:
    deployment = brought({**MONGO_BY_SECRET, "mongodb": {"secret": "mongo", "at": [place]}})
    (policy,) = [item for item in deployment.of_type(POLICY) if item.name == "librechat-allow-librechat"]
    rule = {"to": [peer], "ports": [{"port": port, "protocol": "TCP"} for port in ports]}
    assert rule in policy.inputs["spec"]["egress"]
    assert not [each for each in policy.inputs["spec"]["egress"] if "mongodb" in json.dumps(each)]


@pytest.mark.parametrize("librechat", [MONGO_BY_URI, SEARCH_BY_KEY, CREDENTIALS, EVERYTHING])
def test_what_the_stack_makes_and_reads_is_known_without_pulumi_too(librechat: dict[str, Any]) -> None:
    from components.existing import existing_secrets
    from components.librechat import secret_keys
    from tests.unit.deployment import load_settings

    settings = load_settings("prod", {"librechat": librechat}, encrypted=["librechat"])
    deployment = brought(librechat)
    held = {name: set(deployment.secret_data(name)) for name in names(deployment, SECRET)}
    assert {name: set(keys) for name, keys in secret_keys("librechat", settings.chat).items()} == held
    read = {(item.name, key) for item in existing_secrets(settings.chat) for key in item.keys.values()}
    assert read == {place for place in references(deployment).values() if place[0] != APP}


def test_an_env_list_of_the_values_files_stays_beside_ours(tmp_path: Any) -> None:
    from tests.unit.deployment import copy_project

    project = copy_project(tmp_path)
    with (project / "values" / "librechat.yaml").open("a") as file:
        file.write("\nglobal:\n  librechat:\n    env:\n      - {name: TZ, value: UTC}\n")
    deployment = deploy("prod", {"librechat": MONGO_BY_SECRET}, encrypted=["librechat"], directory=project)
    entries = deployment.values("librechat")["global"]["librechat"]["env"]
    assert [entry["name"] for entry in entries] == ["TZ", "MONGO_URI"]
