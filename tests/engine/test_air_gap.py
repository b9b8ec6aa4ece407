"""With a registry of one's own no manifest of any stack names another, and `ops images` lists what to copy there."""

import json
from typing import Any

import pytest

from components import stack_file
from components.loading import PROJECT_DIR
from ops import images as command
from ops.images import ForeignImageError, images_of_stack, names_in
from tests.engine.manifests import CHARTS, manifests_of
from tests.unit.deployment import Changes, load_settings

REGISTRY = "registry.example.com/mirror"
STACKS = stack_file.stacks(PROJECT_DIR)
AIR_GAP: dict[str, Any] = {"images": {"registry": REGISTRY, "pullSecret": "mirror-login"}}


def pod_specs(value: Any) -> list[dict[str, Any]]:
    """Every pod template's spec, of whatever kind."""
    if isinstance(value, list):
        return [spec for item in value for spec in pod_specs(item)]
    if not isinstance(value, dict):
        return []
    return [value] if "containers" in value else [spec for item in value.values() for spec in pod_specs(item)]


@pytest.mark.parametrize("stack", STACKS)
def test_no_manifest_names_another_registry(stack: str) -> None:
    names = names_in(manifests_of(stack, AIR_GAP))
    assert len(names) >= 4
    assert [name for name in names if not name.startswith(f"{REGISTRY}/")] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_pod_may_pull_with_the_secret(stack: str) -> None:
    specs = pod_specs(manifests_of(stack, AIR_GAP))
    assert len(specs) >= 4
    assert [spec["imagePullSecrets"] for spec in specs] == [[{"name": "mirror-login"}]] * len(specs)


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_listed_is_what_the_manifests_name_with_and_without_the_registry(stack: str) -> None:
    listed = images_of_stack(load_settings(stack, {**CHARTS, **AIR_GAP}))
    assert set(listed.values()) == names_in(manifests_of(stack, AIR_GAP))
    assert set(listed) == set(images_of_stack(load_settings(stack, CHARTS)))
    plain = names_in(manifests_of(stack, {}))
    assert {command.full(name) for name in plain} == set(listed)
    assert len(set(listed.values())) == len(listed) == len(plain)


def test_amd_gpus_take_another_tag_of_the_same_image() -> None:
    amd = {"ollama": {"gpu": {"vendor": "amd"}}}
    listed = images_of_stack(load_settings("prod", {**CHARTS, **AIR_GAP, **amd}))
    (source,) = (name for name in listed if "/ollama/" in name)
    assert source.endswith("-rocm")
    assert listed[source] == source.replace("docker.io", REGISTRY)


def test_an_image_that_a_text_brings_into_the_manifests_is_an_error_of_the_list() -> None:
    # What a chart renders out of a text no look at the values finds.
    text = "{image: busybox, name: a}"
    account = {"annotations": {"image": "quay.io/a/b:1", "text": text}}
    settings = load_settings("dev", {**CHARTS, "ollama": {"values": {"serviceAccount": account}}})
    with pytest.raises(ForeignImageError, match=r"quay\.io/a/b:1 would not come from registry\.example\.com"):
        images_of_stack(command._with_registry(settings, "registry.example.com"))


def run(monkeypatch: pytest.MonkeyPatch, changes: Changes, *arguments: str) -> int:
    """The command on the stand-in charts."""
    monkeypatch.setattr(
        command, "settings_of_stack", lambda stack, _: load_settings(stack, {**CHARTS, **changes}) if stack else None
    )
    return command.main([*arguments])


def test_the_command_prints_one_line_an_image_ready_for_a_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, AIR_GAP, "--stack", "prod") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == sorted(lines)
    for line in lines:
        source, target = line.split(" ")
        assert target == f"{REGISTRY}/{source.partition('/')[2]}"
    assert f"registry.librechat.ai/danny-avila/librechat:v0.8.7 {REGISTRY}/danny-avila/librechat:v0.8.7" in lines


def test_a_registry_on_the_command_line_is_for_copying_before_a_stack_moves_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {}, "--registry", REGISTRY, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {item["target"].rpartition("/")[0] for item in listed} >= {f"{REGISTRY}/ollama", f"{REGISTRY}/getmeili"}
    assert run(monkeypatch, {}) == 0
    assert capsys.readouterr().out.splitlines() == [item["source"] for item in listed]


def test_a_registry_that_no_image_could_have_is_refused_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, {}, "--registry", "https://registry.example.com")
    assert "--registry: invalid" in capsys.readouterr().err


def test_a_stack_that_is_not_there_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "staging"]) == 2
    assert "There is no stack staging" in capsys.readouterr().err


def test_without_helm_nothing_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert run(monkeypatch, {}, "--stack", "dev") == 2
    assert "helm is not on PATH" in capsys.readouterr().err
