"""A preview needs no cluster: not one that is stopped, and not one that nobody has credentials for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from local.engine import Engine
from local.up import STAND_INS
from tests.engine.stacks import type_of


def test_a_new_stack_can_be_previewed_without_any_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What `make preview-stacks` makes of it, for every stack, is in test_make.py.
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    engine = Engine(tmp_path / "engine", tmp_path / "no-kubeconfig")
    engine.prepare("prod", {"kubernetes:context": "kwok-nowhere", "private-chatgpt:charts": STAND_INS})
    steps = json.loads(engine.run("preview", "prod", "--json").stdout)["steps"]
    assert {step["op"] for step in steps} == {"create"}
    assert Counter(type_of(step["urn"]) for step in steps) == {
        "pulumi:pulumi:Stack": 1,
        "chat:components:Ollama": 1,
        "chat:components:LibreChat": 1,
        "chat:components:HelmApp": 2,
        "kubernetes:core/v1:Namespace": 2,
        "kubernetes:core/v1:Secret": 3,
        "kubernetes:core/v1:ResourceQuota": 2,
        "kubernetes:core/v1:LimitRange": 2,
        "kubernetes:core/v1:ServiceAccount": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 7,
        "kubernetes:helm.sh/v3:Release": 2,
        "pulumi:providers:pulumi-python": 1,
        "pulumi-python:dynamic:ReleaseGuard": 2,
        "random:index/randomPassword:RandomPassword": 8,
    }
    assert not (tmp_path / "no-kubeconfig").exists() and not (tmp_path / "home" / ".kube").exists()
