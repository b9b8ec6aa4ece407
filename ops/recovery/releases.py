"""Brings a release that is half done back to its last good revision, or to not being there; claims stay."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from ops.diagnosis.claims import KEEP
from ops.diagnosis.history import NAME_PREFIX, TAKEN_BACK
from ops.diagnosis.objects import Object, annotation
from ops.diagnosis.reading import REQUEST_TIMEOUT
from ops.drift_reading.fields import MANAGER
from ops.recovery.records import Records, ReleaseName, records_of

HELM_TIMEOUT = 120
"""Seconds: nothing is waited for but the API server's answers, and hooks of the chart."""


class MendingError(RuntimeError):
    """Something could not be mended; the message says what, and what was printed."""


class Way(StrEnum):
    """How a release is mended."""

    BACK = "rollback"
    UNINSTALL = "uninstall"
    FORGET = "forget"
    """Only helm's record goes: the objects stay, and the next `up` takes them over."""


@dataclass(frozen=True)
class Mending:
    """What is to be done to one release."""

    records: Records
    way: Way
    claims: tuple[str, ...] = ()
    """Claims that helm would delete, and that must stay."""

    @property
    def text(self) -> str:
        """What is done, in words."""
        release, good = self.records.release, self.records.good
        kept = f"; {', '.join(self.claims)} stays" if self.claims else ""
        if self.way is Way.BACK and good:
            return f"helm rollback {release.name} to revision {good.number}{kept}"
        if self.way is Way.UNINSTALL:
            return f"helm uninstall {release.name}: it never was deployed; its claims stay"
        held = f", with what {', '.join(self.claims)} holds" if self.claims else ""
        return f"delete helm's record of {release.name}: its objects stay{held}"


def plan(api: client.ApiClient, helm: Helm, records: Records) -> Mending:
    """How to mend a release that is half done; raises MendingError where that can't be told."""
    manifest = helm.manifest(records.release, records.latest.number if records.latest else 0)
    claims = _unkept_claims(api, records.release, manifest)
    if records.unnoted:
        return Mending(records, Way.FORGET, claims)
    if not records.good or (records.latest and records.latest.status == "uninstalling"):
        # Uninstalling heeds what the record says of claims, not what the claim itself does.
        return Mending(records, Way.FORGET if claims else Way.UNINSTALL, claims)
    before = _claims_in(helm.manifest(records.release, records.good.number))
    return Mending(records, Way.BACK, tuple(name for name in claims if name not in before))


def carry_out(api: client.ApiClient, helm: Helm, mending: Mending) -> None:
    """Mend the release; raises MendingError where helm or the API server refuses, UnreachableError where it is away."""
    records, release = mending.records, mending.records.release
    try:
        if mending.way is Way.BACK and records.good:
            _keep(api, release.namespace, mending.claims)
            helm.run(release, "rollback", release.name, str(records.good.number), "--cleanup-on-fail")
            _sign(api, release)
        elif mending.way is Way.UNINSTALL:
            helm.run(release, "uninstall", release.name)
        else:
            selector = f"owner=helm,name={release.name}"
            client.CoreV1Api(api).delete_collection_namespaced_secret(release.namespace, label_selector=selector)
    except client.ApiException as error:
        raise MendingError(f"release {release.name}: the API server says {error.status} {error.reason}") from error


@dataclass(frozen=True)
class Helm:
    """The helm on PATH, led to one cluster, which calls itself as the provider does in what it writes."""

    program: str
    context: str
    kubeconfig: Path | None

    @staticmethod
    def find(context: str, kubeconfig: Path | None) -> Helm:
        """The helm on PATH; raises MendingError where there is none."""
        found = shutil.which("helm")
        if not found:
            raise MendingError("helm is not on PATH; run `make toolchain` and use the make targets")
        return Helm(found, context, kubeconfig)

    def run(self, release: ReleaseName, *arguments: str) -> str:
        """What helm prints; raises MendingError where it fails."""
        # Helm writes objects under the name that it was started by.
        line = [MANAGER, *arguments, "--namespace", release.namespace, "--kube-context", self.context]
        line += ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        try:
            done = subprocess.run(line, executable=self.program, capture_output=True, text=True, timeout=HELM_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise MendingError(f"helm {arguments[0]} {release.name} did not end in {HELM_TIMEOUT} s") from error
        if done.returncode:
            raise MendingError(f"helm {arguments[0]} {release.name} failed: {done.stderr.strip()}")
        return done.stdout

    def manifest(self, release: ReleaseName, revision: int) -> list[Object]:
        """The objects of one revision."""
        text = self.run(release, "get", "manifest", release.name, "--revision", str(revision))
        documents: Iterable[Any] = yaml.load_all(text, Loader=yaml.CSafeLoader)
        return [document for document in documents if document]


def _claims_in(manifest: Iterable[Object]) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in manifest if item["kind"] == "PersistentVolumeClaim"}


def _unkept_claims(api: client.ApiClient, release: ReleaseName, manifest: Iterable[Object]) -> tuple[str, ...]:
    """Claims that are there, and that helm would delete with the revision."""
    core = client.CoreV1Api(api)
    try:
        listed: Any = core.list_namespaced_persistent_volume_claim(release.namespace, _request_timeout=REQUEST_TIMEOUT)
    except client.ApiException as error:
        raise MendingError(f"the claims of {release.namespace} can't be read: {error.reason}") from error
    live = {item.metadata.name for item in listed.items}
    named = _claims_in(manifest).items()
    return tuple(name for name, item in named if name in live and annotation(item, KEEP) != "keep")


def _sign(api: client.ApiClient, release: ReleaseName) -> None:
    """Mark the newest record as the stack's own: helm's command writes records under one name, whoever starts it."""
    latest = records_of(api, release).latest
    if latest:
        body = {"metadata": {"annotations": {TAKEN_BACK: "recover"}}}
        name = f"{NAME_PREFIX}{release.name}.v{latest.number}"
        client.CoreV1Api(api).patch_namespaced_secret(name, release.namespace, body, field_manager=MANAGER)


def _keep(api: client.ApiClient, namespace: str, claims: Iterable[str]) -> None:
    body = {"metadata": {"annotations": {KEEP: "keep"}}}
    for claim in claims:
        client.CoreV1Api(api).patch_namespaced_persistent_volume_claim(claim, namespace, body)
