"""`librechat.rotation`: which key is generated anew, and what the settings let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings
from tests.unit.deployment import deploy, load_settings
from tests.unit.recording import RANDOM_PASSWORD, SECRET, Deployment


def keepers(deployment: Deployment) -> dict[str, object]:
    return {
        item.name: item.inputs.get("keepers")
        for item in deployment.registrations
        if item.type == RANDOM_PASSWORD and item.inputs.get("keepers") is not None
    }


def test_a_number_makes_that_key_anew_and_no_other() -> None:
    assert keepers(deploy("prod")) == {}, "a stack that never rotated has the keys that it had"
    rotated = deploy("prod", {"librechat": {"rotation": {"JWT_SECRET": 1, "MONGODB_PASSWORD": 3}}})
    assert keepers(rotated) == {
        "librechat-jwt-secret": {"rotation": "1"},
        "librechat-mongodb-password": {"rotation": "3"},
    }


def test_the_other_secrets_wait_for_that_of_the_database() -> None:
    deployment = deploy("prod")
    secrets = {item.name: item for item in deployment.registrations if item.type == SECRET}
    first = secrets.pop("librechat-mongodb-credentials")
    assert len(secrets) == 2 and all(first.urn in item.dependencies for item in secrets.values())
    assert not {item.urn for item in secrets.values()} & first.dependencies


@pytest.mark.parametrize(
    ("rotation", "said"),
    [
        ({"JWT": 1}, "librechat.rotation"),
        ({"JWT_SECRET": 0}, "librechat.rotation.JWT_SECRET"),
        ({"JWT_SECRET": "1"}, "librechat.rotation.JWT_SECRET"),
        ({"JWT_SECRET": True}, "librechat.rotation.JWT_SECRET"),
    ],
)
def test_a_number_that_is_none_or_a_key_that_is_none_is_refused(rotation: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("prod", {"librechat": {"rotation": rotation}})
    assert said in str(caught.value) and "MONGODB_ROOT_PASSWORD" in str(caught.value)


def test_a_key_that_is_brought_along_has_no_number() -> None:
    changes = {"librechat": {"keys": {"JWT_SECRET": "ab" * 32}, "rotation": {"JWT_SECRET": 2, "CREDS_IV": 1}}}
    with pytest.raises(SettingsError) as caught:
        load_settings("prod", changes, encrypted=["librechat"])
    assert "librechat.rotation.JWT_SECRET is set, but librechat.keys.JWT_SECRET" in str(caught.value)
    assert "CREDS_IV" not in str(caught.value)


def test_quotes_that_pulumi_puts_around_scalars_change_nothing(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "values"):
        (tmp_path / name).symlink_to(PROJECT_DIR / name)
    text = (PROJECT_DIR / "Pulumi.prod.yaml").read_text()
    assert "private-chatgpt:protect: true" in text
    (tmp_path / "Pulumi.prod.yaml").write_text(text.replace("protect: true", 'protect: "true"'))
    assert Settings.of_stack("prod", tmp_path).platform.protect is True
    (tmp_path / "Pulumi.prod.yaml").write_text(text.replace("protect: true", 'protect: "yes"'))
    with pytest.raises(SettingsError, match="protect found"):
        Settings.of_stack("prod", tmp_path)
