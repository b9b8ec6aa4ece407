"""Generated keys, out of one state and into another."""

from __future__ import annotations

import json
from typing import Any

from components.existing import own_keys
from components.formats import HEX_KEY_LENGTHS
from ops.backing_up import keys
from ops.backing_up.keys import Owner
from ops.tokens import GENERATED_KEY as KEY
from tests.unit.deployment import load_settings

OLD, NEW = Owner("prod", "chat"), Owner("again", "fork")


def secret(value: str) -> dict[str, str]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


def state(owner: Owner, **values: str) -> dict[str, Any]:
    """A deployed stack's state with some generated keys."""
    chat = f"{owner.prefix}chat:components:LibreChat::librechat"
    provider = f"{owner.prefix}pulumi:providers:random::default"
    release = f"{owner.prefix}kubernetes:helm.sh/v3:Release::ollama"
    resources: list[dict[str, Any]] = [
        {"urn": owner.root, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {"url": "http://old"}},
        {"urn": release, "type": "kubernetes:helm.sh/v3:Release", "custom": True, "id": "r", "parent": owner.root},
        {"urn": provider, "type": "pulumi:providers:random", "custom": True, "id": f"id-{owner.stack}"},
        {"urn": chat, "type": "chat:components:LibreChat", "custom": False, "parent": owner.root},
    ]
    for name, value in values.items():
        resources.append(
            {
                "urn": f"{owner.prefix}chat:components:LibreChat${KEY}::librechat-{name.replace('_', '-')}",
                "type": KEY,
                "custom": True,
                "id": "none",
                "parent": chat,
                "provider": f"{provider}::id-{owner.stack}",
                "dependencies": [release],
                "inputs": {"length": 64},
                "outputs": {"length": 64, "result": secret(value), "__pulumi_raw_state_delta": {}},
            }
        )
    providers = {"type": "passphrase", "state": {"salt": owner.stack}}
    return {"version": 3, "deployment": {"secrets_providers": providers, "resources": resources}}


def urns(found: Any) -> set[str]:
    return {item["urn"] for item in keys.resources_of(found)}


def test_the_backup_holds_the_keys_what_they_hang_on_and_nothing_else() -> None:
    whole = state(OLD, jwt_secret="a", creds_key="b")
    found = keys.kept(whole)
    assert {item["type"] for item in keys.resources_of(found)} == {
        "pulumi:pulumi:Stack",
        "pulumi:providers:random",
        "chat:components:LibreChat",
        KEY,
    }
    assert found["deployment"]["secrets_providers"] == {"type": "passphrase", "state": {"salt": "prod"}}
    assert "http://old" not in json.dumps(found) and "Release" not in json.dumps(found)
    assert keys.values(found) == keys.values(whole) == {"librechat-jwt-secret": "a", "librechat-creds-key": "b"}


def test_a_key_that_is_about_to_be_deleted_is_none() -> None:
    whole = state(OLD, jwt_secret="a")
    whole["deployment"]["resources"].append({**whole["deployment"]["resources"][-1], "delete": True})
    assert len([item for item in keys.resources_of(keys.kept(whole)) if item["type"] == KEY]) == 1


def test_keys_that_config_brought_along_are_named() -> None:
    assert keys.supplied(state(OLD, jwt_secret="a"), ["JWT_SECRET", "CREDS_KEY"]) == ("CREDS_KEY",)


def test_keys_that_others_hold_are_not_taken_for_ones_that_config_brought_along() -> None:
    chat = load_settings("prod", {"librechat": {"credentials": {"secret": "chat-keys"}}}).chat
    there = state(OLD, meili_master_key="m", mongodb_password="p", mongodb_root_password="r")
    assert keys.supplied(there, own_keys(chat)) == ()
    assert keys.supplied(there, own_keys(load_settings("prod").chat)) == tuple(HEX_KEY_LENGTHS)


def test_an_empty_stack_gets_them_under_its_own_names() -> None:
    empty = {"version": 3, "deployment": {"secrets_providers": {"type": "passphrase", "state": {"salt": "x"}}}}
    merged = keys.with_keys(empty, NEW, keys.kept(state(OLD, jwt_secret="a")), OLD, {})
    assert NEW.root in urns(merged) and all(urn.startswith(NEW.prefix) for urn in urns(merged))
    assert "prod" not in json.dumps(keys.resources_of(merged)).replace("id-prod", "")
    assert keys.values(merged) == {"librechat-jwt-secret": "a"}
    assert merged["deployment"]["secrets_providers"]["state"] == {"salt": "x"}
    assert "resources" not in json.dumps(empty)


def test_a_stack_with_keys_of_its_own_keeps_all_but_their_values() -> None:
    target = state(NEW, jwt_secret="theirs", meili_master_key="stays")
    merged = keys.with_keys(target, NEW, keys.kept(state(OLD, jwt_secret="ours")), OLD, {})
    assert keys.values(merged) == {"librechat-jwt-secret": "ours", "librechat-meili-master-key": "stays"}
    assert urns(merged) == urns(target)
    assert all(item["provider"].endswith("::id-again") for item in keys.resources_of(merged) if item["type"] == KEY)


def test_the_stack_files_rotation_counts_so_that_no_key_is_made_anew() -> None:
    source = keys.kept(state(OLD, jwt_secret="a", creds_key="b"))
    for item in keys.resources_of(source):
        if item["urn"].endswith("creds-key"):
            item["inputs"]["keepers"] = item["outputs"]["keepers"] = {"rotation": "3"}
    merged = keys.with_keys({"version": 3, "deployment": {}}, NEW, source, OLD, {"JWT_SECRET": 2})
    found = {item["urn"].rpartition("-")[2]: item for item in keys.resources_of(merged) if item["type"] == KEY}
    assert found["secret"]["inputs"]["keepers"] == found["secret"]["outputs"]["keepers"] == {"rotation": "2"}
    assert "keepers" not in found["key"]["inputs"] and "keepers" not in found["key"]["outputs"]
    assert all("__pulumi_raw_state_delta" not in item["outputs"] for item in found.values())
