"""Keys and passwords are in the Secrets of the pods that need them, and nowhere else."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from tests.engine.kube import eventually
from tests.engine.leaks import HELM_RECORD, files, helm_records, keys_of, leaks, objects, printed
from tests.engine.stacks import Stack

Encode = Callable[[bytes], bytes]


def test_the_keys_that_are_looked_for_are_all_there_are(stack: Stack) -> None:
    expected = {
        *(f"librechat-credentials/{key}" for key in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV")),
        *(f"librechat-credentials/{key}" for key in ("MEILI_MASTER_KEY", "MONGO_URI")),
        "librechat-mongodb-credentials/mongodb-root-password",
        "librechat-mongodb-credentials/mongodb-passwords",
        "librechat-meilisearch-credentials/MEILI_MASTER_KEY",
        "password in MONGO_URI",
        "salt",
    }
    brought = {"librechat-credentials/OPENAI_API_KEY"} if stack.name == "prod" else set()
    assert keys_of(stack).keys() == expected | brought


def test_no_key_is_in_a_file_of_the_engine(stack: Stack) -> None:
    found = files(stack)
    below = {path.split("/")[2] for path in found if path.startswith("state/")}
    assert {"stacks", "history", "backups"} <= below
    assert leaks(keys_of(stack), found) == []


def test_no_key_is_printed(stack: Stack) -> None:
    # The fixture has run `up` before, that of prod with --diff.
    assert len(stack.printed) >= 1
    stack.run("preview", "--diff")
    for arguments in (("export",), ("output", "--json")):
        assert "librechat" in stack.run("stack", *arguments).stdout
    assert leaks(keys_of(stack), printed(stack.printed)) == []


def test_a_preview_tells_that_a_key_changes_but_not_to_what(prod: Stack) -> None:
    keys = keys_of(prod) | {"the new one": "sk-one-that-nobody-may-read"}
    with prod.changed({}):
        prod.change_secret("librechat.secretEnv.OPENAI_API_KEY", keys["the new one"])
        texts = [prod.run("preview", "--diff").stdout, prod.run("preview", "--json").stdout]
        assert leaks(keys, files(prod)) == []
    assert "OPENAI_API_KEY: [secret] => [secret]" in texts[0]
    assert "data.OPENAI_API_KEY" in texts[1]
    assert leaks(keys, printed(texts)) == []


def test_no_key_is_in_a_record_of_helm(stack: Stack) -> None:
    records = helm_records(stack)
    assert {place.split("/")[0] for place in records} == {stack.ollama, stack.librechat}
    assert all(b'"manifest"' in record and b'"config"' in record for record in records.values())
    assert leaks(keys_of(stack), records) == []


def test_no_key_is_in_any_other_object_of_the_cluster(stack: Stack) -> None:
    found = objects(stack)
    kinds = {place.split("/")[0] for place in found if f"/{stack.librechat}/" in place}
    assert {"pods", "configmaps", "events", "statefulsets", "deployments", "secrets"} <= kinds
    assert leaks(keys_of(stack), found) == []


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda key: key, id="as it is"),
        pytest.param(base64.b64encode, id="base64"),
        pytest.param(lambda key: base64.b64encode(b"in the midst of " + key + b" other text"), id="base64 of more"),
        pytest.param(lambda key: base64.b64encode(b"x" + key), id="base64, one character on"),
    ],
)
def test_a_planted_key_is_found_in_a_file_and_on_screen(dev: Stack, encode: Encode) -> None:
    keys = keys_of(dev)
    planted = encode(keys["librechat-credentials/CREDS_IV"].encode())
    file = dev.engine.directory / "planted"
    file.write_bytes(b"before " + planted + b" after")
    try:
        assert leaks(keys, files(dev)) == ["librechat-credentials/CREDS_IV in planted"]
    finally:
        file.unlink()
    assert leaks(keys, printed(["nothing", planted.decode()])) == ["librechat-credentials/CREDS_IV in output 2"]


def test_a_password_is_found_as_it_is_and_as_it_stands_in_a_uri(prod: Stack) -> None:
    keys = keys_of(prod)
    password = keys["librechat-mongodb-credentials/mongodb-passwords"]
    assert keys["password in MONGO_URI"] != password
    for text in (password, keys["password in MONGO_URI"]):
        assert "librechat-mongodb-credentials/mongodb-passwords in output 1" in leaks(keys, printed([text]))


def test_a_planted_key_is_found_in_the_cluster(dev: Stack) -> None:
    core, keys = CoreV1Api(dev.api), keys_of(dev)
    key = keys["librechat-credentials/JWT_SECRET"]
    record = base64.b64encode(gzip.compress(json.dumps({"config": {"key": key}}).encode())).decode()
    config_map: Any = {"metadata": {"name": "planted"}, "data": {"key": key}}
    secret: Any = {"metadata": {"name": "planted"}, "type": HELM_RECORD, "stringData": {"release": record}}
    core.create_namespaced_config_map(dev.librechat, config_map)
    core.create_namespaced_secret(dev.librechat, secret)
    try:
        name = "librechat-credentials/JWT_SECRET"
        assert leaks(keys, objects(dev)) == [f"{name} in configmaps/{dev.librechat}/planted"]
        assert leaks(keys, helm_records(dev)) == [f"{name} in {dev.librechat}/planted"]
    finally:
        core.delete_namespaced_config_map("planted", dev.librechat)
        core.delete_namespaced_secret("planted", dev.librechat)
    eventually(lambda: not leaks(keys, objects(dev)))
