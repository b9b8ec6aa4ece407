"""Keys: their form, where they come from, who gets them, and that nobody else sees them."""

import json
import string
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from components.helm_app import checksum
from tests.unit.deployment import deploy, resolved
from tests.unit.recording import RANDOM_PASSWORD, RELEASE, SECRET, Deployment, Secret, generated, revealed, secrets_in

APP, MONGODB, MEILISEARCH = (
    "librechat-credentials",
    "librechat-mongodb-credentials",
    "librechat-meilisearch-credentials",
)
SUPPLIED = {
    "JWT_SECRET": "aA" * 32,
    "JWT_REFRESH_SECRET": "bB" * 32,
    "CREDS_KEY": "cC" * 32,
    "CREDS_IV": "dD" * 16,
    "MEILI_MASTER_KEY": "a-master-key-of-another-installation",
    "MONGODB_ROOT_PASSWORD": "root/of:all@evil?",
    "MONGODB_PASSWORD": "p@ss:w/rd?#[]%41&+=",
}
SECRET_ENV = {"OPENAI_API_KEY": "sk-not-for-anybody", "SMTP_PASSWORD": "mail pass: {word}"}
BROUGHT_ALONG = {"keys": SUPPLIED, "secretEnv": SECRET_ENV}


def with_secrets(librechat: dict[str, Any]) -> Deployment:
    """The prod stack with encrypted settings."""
    return deploy("prod", {"librechat": librechat}, encrypted=["librechat"])


def keys_of(deployment: Deployment) -> list[str]:
    """Every text that must stay secret: keys generated and supplied, and what is made from them."""
    made = [generated(item.name, item.inputs) for item in deployment.of_type(RANDOM_PASSWORD)]
    held = [text for item in deployment.of_type(SECRET) for text in deployment.secret_data(item.name).values()]
    return [*made, *held]


def in_the_open(value: Any) -> str:
    """Everything that isn't marked as secret, as one text."""
    return json.dumps(
        value, default=lambda item: "secret" if isinstance(item, Secret) else str(item), ensure_ascii=False
    )


def test_every_secret_is_secret_when_it_is_registered(deployed: Deployment) -> None:
    assert len(deployed.of_type(SECRET)) >= 3
    for item in deployed.of_type(SECRET):
        assert isinstance(item.inputs["stringData"], Secret), item.name
        assert "data" not in item.inputs


@pytest.mark.parametrize("librechat", [{}, BROUGHT_ALONG], ids=["generated", "supplied"])
def test_no_key_is_registered_in_the_open(librechat: dict[str, Any]) -> None:
    deployment = with_secrets(librechat)
    texts = [in_the_open([item.inputs, item.name]) for item in deployment.registrations]
    texts += [in_the_open(outputs) for outputs in deployment.component_outputs.values()]
    keys = keys_of(deployment)
    assert len(keys) == (17 if not librechat else 12)
    assert not [key for key in keys for text in texts if key in text or json.dumps(key)[1:-1] in text]


@pytest.mark.parametrize("librechat", [{}, BROUGHT_ALONG], ids=["generated", "supplied"])
def test_no_key_is_in_a_release_or_in_an_output_not_even_as_a_secret(librechat: dict[str, Any]) -> None:
    # One secret among the values turns all of them secret, and a preview says nothing any more.
    deployment = with_secrets(librechat)
    for item in deployment.of_type(RELEASE):
        assert list(secrets_in(item.inputs)) == [], item.name
    assert list(secrets_in(deployment.outputs)) == []
    text = json.dumps([deployment.release("ollama"), deployment.release("librechat"), deployment.outputs])
    assert not [key for key in keys_of(deployment) if key in text or json.dumps(key)[1:-1] in text]


def test_each_secret_holds_what_its_pod_needs_and_nothing_else(single: Deployment) -> None:
    assert set(single.secret_data(APP)) == {
        *("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV", "MEILI_MASTER_KEY", "MONGO_URI")
    }
    assert set(single.secret_data(MONGODB)) == {"mongodb-root-password", "mongodb-passwords"}
    assert set(single.secret_data(MEILISEARCH)) == {"MEILI_MASTER_KEY"}


def test_the_parts_share_the_keys_that_they_talk_by(deployed: Deployment) -> None:
    app = deployed.secret_data(APP)
    assert app["MEILI_MASTER_KEY"] == deployed.secret_data(MEILISEARCH)["MEILI_MASTER_KEY"]
    assert f":{deployed.secret_data(MONGODB)['mongodb-passwords']}@" in app["MONGO_URI"]


def test_no_two_keys_are_the_same(deployed: Deployment) -> None:
    made = [generated(item.name, item.inputs) for item in deployed.of_type(RANDOM_PASSWORD)]
    assert len(made) == len(set(made)) >= 8
    held = [*deployed.secret_data(APP).values(), *deployed.secret_data(MONGODB).values()]
    assert len(held) == len(set(held)) >= 8


@pytest.mark.parametrize(
    ("secret", "key", "length"),
    [
        (APP, "JWT_SECRET", 64),
        (APP, "JWT_REFRESH_SECRET", 64),
        (APP, "CREDS_KEY", 64),
        (APP, "CREDS_IV", 32),
        (MEILISEARCH, "MEILI_MASTER_KEY", 32),
        (MONGODB, "mongodb-root-password", 32),
        (MONGODB, "mongodb-passwords", 32),
    ],
)
def test_a_generated_key_has_the_length_and_alphabet_that_its_reader_wants(
    prod: Deployment, secret: str, key: str, length: int
) -> None:
    value = prod.secret_data(secret)[key]
    assert len(value) == length
    assert set(value) <= set(string.hexdigits.lower())


def test_keys_are_generated_by_a_resource_whose_id_says_nothing(deployed: Deployment) -> None:
    # RandomBytes has its secret as its id, which no engine hides (facts.md); of RandomPassword it is "none".
    made = [item for item in deployed.registrations if item.type.startswith("random:")]
    assert {item.type for item in made} == {RANDOM_PASSWORD}
    for item in made:
        alphabet = {key: item.inputs[key] for key in ("lower", "upper", "numeric", "special", "overrideSpecial")}
        assert alphabet == {
            "lower": False, "upper": False, "numeric": True, "special": True, "overrideSpecial": "abcdef",
        }  # fmt: skip


def test_supplied_keys_are_used_and_nothing_is_generated_in_their_place() -> None:
    deployment = with_secrets({"keys": SUPPLIED})
    assert [item.name for item in deployment.of_type(RANDOM_PASSWORD)] == ["librechat-annotation-salt"]
    app = deployment.secret_data(APP)
    names = ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV", "MEILI_MASTER_KEY")
    assert {name: app[name] for name in names} == {name: SUPPLIED[name] for name in names}
    assert deployment.secret_data(MONGODB) == {
        "mongodb-root-password": SUPPLIED["MONGODB_ROOT_PASSWORD"],
        "mongodb-passwords": SUPPLIED["MONGODB_PASSWORD"],
    }
    assert deployment.secret_data(MEILISEARCH) == {"MEILI_MASTER_KEY": SUPPLIED["MEILI_MASTER_KEY"]}


@pytest.mark.parametrize("name", list(SUPPLIED))
def test_one_supplied_key_leaves_the_others_generated(prod: Deployment, name: str) -> None:
    deployment = with_secrets({"keys": {name: SUPPLIED[name]}})
    resource = f"{RANDOM_PASSWORD} librechat-{name.lower().replace('_', '-')}"
    assert set(prod.registered()) - set(deployment.registered()) == {resource}
    assert SUPPLIED[name] in keys_of(deployment)


def test_extra_secret_environment_reaches_the_app_and_no_other_pod() -> None:
    deployment = with_secrets({"secretEnv": SECRET_ENV})
    app = deployment.secret_data(APP)
    assert {name: app[name] for name in SECRET_ENV} == SECRET_ENV
    assert len(app) == 6 + len(SECRET_ENV)
    assert not set(SECRET_ENV) & {*deployment.secret_data(MONGODB), *deployment.secret_data(MEILISEARCH)}
    assert not set(SECRET_ENV) & set(deployment.values("librechat")["librechat"]["configEnv"])


@pytest.mark.parametrize("password", [None, "plain", SUPPLIED["MONGODB_PASSWORD"], "%", "a b".replace(" ", "+"), "@@"])
def test_the_database_address_carries_any_password_unharmed(password: str | None) -> None:
    deployment = with_secrets({"keys": {"MONGODB_PASSWORD": password}} if password else {})
    uri = urlsplit(deployment.secret_data(APP)["MONGO_URI"])
    assert uri.scheme == "mongodb"
    assert (uri.hostname, uri.port, uri.path) == ("librechat-mongodb", 27017, "/LibreChat")
    assert uri.username == "librechat"
    assert unquote(uri.password or "") == deployment.secret_data(MONGODB)["mongodb-passwords"]
    assert not (uri.query or uri.fragment)


def checksums(deployment: Deployment) -> dict[str, str]:
    """The checksum annotation of the pods that read each Secret."""
    values = deployment.values("librechat")
    pods = {APP: values, MONGODB: values["mongodb"], MEILISEARCH: values["meilisearch"]}
    return {name: pod["podAnnotations"]["checksum/credentials"] for name, pod in pods.items()}


@pytest.mark.parametrize(
    ("change", "rolled"),
    [
        ({}, set()),
        ({"title": "Another title"}, set()),
        ({"env": {"DEBUG": "true"}}, set()),
        *(
            ({"keys": {name: SUPPLIED[name]}}, {APP})
            for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV")
        ),
        ({"secretEnv": {"TOKEN": "x"}}, {APP}),
        ({"keys": {"MONGODB_ROOT_PASSWORD": "x"}}, {MONGODB}),
        ({"keys": {"MONGODB_PASSWORD": "x"}}, {APP, MONGODB}),
        ({"keys": {"MEILI_MASTER_KEY": "x" * 16}}, {APP, MEILISEARCH}),
    ],
)
def test_a_changed_secret_rolls_the_pods_that_read_it_and_only_those(
    prod: Deployment, change: dict[str, Any], rolled: set[str]
) -> None:
    deployment = with_secrets(change)
    before, after = checksums(prod), checksums(deployment)
    names = (APP, MONGODB, MEILISEARCH)
    assert {name for name in names if prod.secret_data(name) != deployment.secret_data(name)} == rolled
    assert {name for name in names if before[name] != after[name]} == rolled


def test_a_checksum_depends_on_its_data_and_on_a_salt_that_nobody_knows() -> None:
    def digest(data: dict[str, str], salt: str = "salt") -> str:
        return resolved(lambda: checksum(salt, data))

    plain = digest({"a": "1", "b": "2"})
    assert len(plain) == 64
    assert plain == digest({"b": "2", "a": "1"})
    others = [
        digest({"a": "1", "b": "2"}, "another salt"),
        digest({"a": "1", "b": "3"}),
        digest({"a": "12", "b": ""}),
        digest({"a": "1", "c": "2"}),
        digest({"a": "1"}),
        digest({}),
    ]
    assert len({plain, *others}) == 7


def test_the_salt_of_the_checksums_is_generated_and_secret(deployed: Deployment) -> None:
    salt = deployed.one(RANDOM_PASSWORD, "librechat-annotation-salt")
    assert salt.inputs["length"] == 64
    assert generated(salt.name, salt.inputs) not in json.dumps(
        revealed([item.inputs for item in deployed.registrations])
    )
