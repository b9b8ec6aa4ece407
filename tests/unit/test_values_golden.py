"""The exact Helm values that each release of each stack gets, kept as files that a reviewer can read."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.helm_app import checksum
from tests.unit.deployment import deploy, resolved
from tests.unit.recording import RANDOM_PASSWORD, SECRET, Deployment, generated, revealed, secrets_in

GOLDEN = Path(__file__).parent / "golden"
RENEW = "RENEW_GOLDEN"
HEADER = """\
# The Helm values that the {stack} stack hands to the release {release}, after every merge. Written by the tests:
# {renew}=1 .venv-tools/bin/python -m pytest tests/unit/test_values_golden.py
"""


class _ReadableDumper(yaml.SafeDumper):
    """Text of several lines as a block."""


_ReadableDumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def salt_of(deployment: Deployment) -> str:
    """The generated salt of the checksums."""
    (salt,) = (item for item in deployment.of_type(RANDOM_PASSWORD) if item.name.endswith("annotation-salt"))
    return generated(salt.name, salt.inputs)


def with_named_checksums(values: Any, deployment: Deployment) -> Any:
    """The values with `<checksum of SECRET>` where the checksum of a registered Secret stands."""
    salt = salt_of(deployment)
    names = {}
    for secret in deployment.of_type(SECRET):
        data = revealed(secret.inputs["stringData"])
        names[resolved(lambda data=data: checksum(salt, data))] = f"<checksum of {secret.name}>"  # type: ignore[misc]

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [named(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    return named(values)


def readable(deployment: Deployment, stack: str, release: str) -> str:
    """The golden file of a release."""
    values = deployment.values(release)
    assert not list(secrets_in(values)), "a secret among the values would hide them all in a preview"
    text = yaml.dump(
        with_named_checksums(values, deployment), Dumper=_ReadableDumper, allow_unicode=True, width=1000, sort_keys=True
    )
    return HEADER.format(stack=stack, release=release, renew=RENEW) + text


@pytest.mark.parametrize("release", ["ollama", "librechat"])
@pytest.mark.parametrize("stack", ["dev", "prod", "ha"])
def test_a_release_gets_exactly_the_values_of_its_golden_file(stack: str, release: str) -> None:
    file = GOLDEN / f"{release}.{stack}.yaml"
    text = readable(deploy(stack), stack, release)
    if os.environ.get(RENEW):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, f"if the change is meant, renew {file.name} as its first lines say"


def test_every_golden_file_belongs_to_a_stack_and_a_release_of_the_repo() -> None:
    stacks = [file.name.split(".")[1] for file in GOLDEN.parents[2].glob("Pulumi.*.yaml")]
    expected = {f"{release}.{stack}.yaml" for stack in stacks for release in ("ollama", "librechat")}
    assert {file.name for file in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize(
    "change", [{"resources": {"limits": {"memory": "3Gi"}}}, {"title": "Other"}, {"env": {"A": "b"}}]
)
def test_a_changed_setting_makes_a_golden_file_stale(change: dict[str, Any]) -> None:
    changed = readable(deploy("prod", {"librechat": change}), "prod", "librechat")
    assert changed != (GOLDEN / "librechat.prod.yaml").read_text(encoding="utf-8")


def test_a_checksum_on_the_wrong_pod_makes_a_golden_file_stale(prod: Deployment) -> None:
    values = prod.values("librechat")
    values["mongodb"]["podAnnotations"], values["podAnnotations"] = (
        values["podAnnotations"],
        values["mongodb"]["podAnnotations"],
    )
    assert readable(prod, "prod", "librechat") != (GOLDEN / "librechat.prod.yaml").read_text(encoding="utf-8")
