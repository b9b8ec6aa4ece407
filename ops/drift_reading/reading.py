"""Asks a cluster how a release differs from what it declares. It writes nothing: updates are run dry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.masking import HELM_RECORD, Masker, secret_texts
from ops.diagnosis.objects import Object, name
from ops.diagnosis.reading import UnreachableError
from ops.drift_reading.comparing import differences
from ops.drift_reading.declared import (
    Declared,
    NotInstalledError,
    RecordError,
    declared_of,
    named_objects,
    ref_of,
    scaled,
)
from ops.drift_reading.drifted import Drifted, Report, immutable, update
from ops.drift_reading.entries import Drift, Excepted, about, excepted, object_name, told
from ops.drift_reading.fields import CONTROL_PLANE, managers_of
from ops.drift_reading.foreign import creator, is_by_hand, is_looked_at, makers_of
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.reading import Api, Pool, in_short, path_of, read_kinds, read_one
from ops.preflight_checks.view import Kind, Unreadable

WITHIN = 30.0
"""Seconds in which a release must have been read; two hundred objects take under five (measured, 2026-11)."""
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
REMAKE = "it can't be changed in place: delete it, then heal makes it anew"

Kinds = Mapping[tuple[str, str], Kind]


def read_release(api: Api, release: str, namespace: str, exceptions: Sequence[Excepted] = ()) -> Report:
    """How a release and its namespace differ from what is declared.

    Raises UnreachableError where the cluster does not answer or its answer can't be used.
    """
    try:
        kinds = read_kinds(api)
        secrets = api.items(f"/api/v1/namespaces/{namespace}/secrets")
    except client.ApiException as error:
        why = "does not accept the kubeconfig's user" if error.status == 401 else f"answers {in_short(error)}"
        raise UnreachableError(f"the cluster {why} (Secrets of the namespace {namespace})") from error
    except (HTTPError, OSError, ValueError) as error:
        raise UnreachableError(f"the cluster does not answer: {in_short(error)}") from error
    try:
        declared = declared_of(release, namespace, secrets)
    except RecordError as error:
        return Report(release, namespace, unknown=[str(error)], installed=not isinstance(error, NotInstalledError))
    plain = [item for item in secrets if item.get("type") != HELM_RECORD]
    # The declared values too: an edited Secret doesn't hold them, but somebody may have put them elsewhere.
    plain += [item for item in declared.objects if item["kind"] == "Secret"]
    mask = Masker(secret_texts(plain), spare=(release, namespace))
    named = named_objects(declared.objects)
    reading = _Reading(api, kinds, declared, named | makers_of(secrets, named), mask, exceptions)
    with Pool(api.deadline) as pool:
        return reading.report(pool)


@dataclass
class _Reading:
    api: Api
    kinds: Kinds
    declared: Declared
    referred: set[tuple[str, str]]
    """Kind and name of what the release refers to, and of what makes that."""
    mask: Masker
    exceptions: Sequence[Excepted]
    unknown: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def report(self, pool: Pool) -> Report:
        declared = self.declared
        foreign = self._start_foreign(pool)
        drifted: list[Drifted] = []
        pending = None
        if declared.is_pending:
            pending = Drift(
                declared.release, declared.namespace, f"Release/{declared.release}", "pending", "status",
                "deployed", declared.status, "helm", declared.changed,
            )  # fmt: skip
        else:
            drifted = self._drifted(pool)
        return Report(
            release=declared.release,
            namespace=declared.namespace,
            objects=len(declared.objects),
            drifted=drifted,
            foreign=self._foreign(pool, foreign),
            pending=pending,
            overtaken=self._overtaken(),
            unknown=self.unknown,
            unlisted=self.unlisted,
            record=declared.record,
        )

    def _overtaken(self) -> Drift | None:
        release, namespace, found = self.declared.release, self.declared.namespace, self.declared.overtaken
        if found is None:
            return None
        way_back = f"helm rollback {release} {found.own} -n {namespace}"
        return Drift(
            release, namespace, f"Release/{release}", "changed", "revision", str(found.own),
            f"{found.revision}, which the stack didn't make (back: {way_back})", found.by.name, found.by.time,
        )  # fmt: skip

    def _drifted(self, pool: Pool) -> list[Drifted]:
        live = self._live(pool)
        autoscaled = scaled(self.declared.objects)
        asked = {
            ref: pool.start(partial(self._compare, item, live[ref], ref, autoscaled))
            for ref, item in self._refs().items()
            if ref in live
        }
        found: list[Drifted] = []
        for ref, future in asked.items():
            answer = pool.answer(future)
            if isinstance(answer, Unreadable):
                self.unknown.append(f"{ref.kind}/{ref.name}: {answer.why}")
            elif answer is not None:
                found.append(answer)
        return found

    def _refs(self) -> dict[Ref, Object]:
        refs: dict[Ref, Object] = {}
        for item in self.declared.objects:
            ref = ref_of(item, self.declared.namespace, self.kinds)
            if ref is not None:
                refs[ref] = item
            elif f"{object_name(item)}: the cluster does not serve {item['apiVersion']}" not in self.unknown:
                self.unknown.append(f"{object_name(item)}: the cluster does not serve {item['apiVersion']}")
        return refs

    def _live(self, pool: Pool) -> dict[Ref, Object | None]:
        """The declared objects as they are, None for those that are not there."""
        groups: dict[tuple[str, str, str], list[Ref]] = defaultdict(list)
        for ref in self._refs():
            groups[ref.api_version, ref.kind, ref.namespace].append(ref)
        asked = {group: partial(self._group, refs) for group, refs in groups.items()}
        live: dict[Ref, Object | None] = {}
        for group, answer in pool.answers(asked).items():
            if isinstance(answer, Unreadable):
                self.unknown.append(f"{group[1]}: can't be read: {answer.why}")
            else:
                live |= answer
        return live

    def _group(self, refs: Sequence[Ref]) -> dict[Ref, Object | None]:
        kind = self.kinds[refs[0].api_version, refs[0].kind]
        if len(refs) == 1:
            return {refs[0]: read_one(self.api, path_of(refs[0], kind))}
        listed = self.api.items(path_of(refs[0]._replace(name=""), kind).rstrip("/"))
        by_name = {name(item): {"apiVersion": refs[0].api_version, "kind": refs[0].kind, **item} for item in listed}
        return {ref: by_name.get(ref.name) for ref in refs}

    def _compare(self, item: Object, live: Object | None, ref: Ref, autoscaled: set[tuple[str, str]]) -> Drifted | None:
        path = path_of(ref, self.kinds[ref.api_version, ref.kind])
        if live is None or live["metadata"].get("deletionTimestamp"):
            return Drifted(item, path, live, found=[(self._let_be(self._about(item)), None)])
        if not any(manager.name not in CONTROL_PLANE for manager in managers_of(live)):
            raise ValueError("its managed fields were wiped, so nobody can tell what was added to it")
        aim = Drifted(item, path, live, autoscaled=(item["kind"], name(item)) in autoscaled)
        if aim.target(live) == live:
            return None
        try:
            expected, live = update(self.api, aim, live, dry=True)
        except client.ApiException as error:
            if error.status != 422:
                raise
            found = immutable(self.declared.release, self.declared.namespace, item, live, error, REMAKE)
            return replace(aim, fixed=REMAKE, found=[(self._let_be(found), None)])
        release, namespace = self.declared.release, self.declared.namespace
        drifts = [
            (self._let_be(told(release, namespace, item, each, self.mask)), each)
            for each in differences(expected, live)
        ]
        return replace(aim, live=live, found=drifts) if drifts else None

    def _about(self, item: Object) -> Drift:
        return about(self.declared.release, item, self.declared.namespace, "deleted")

    def _let_be(self, drift: Drift) -> Drift:
        return replace(drift, reason=excepted(drift, self.exceptions))

    def _start_foreign(self, pool: Pool) -> dict[tuple[str, str], Any]:
        questions: dict[tuple[str, str], Any] = {}
        seen: set[tuple[str, str]] = set()
        for (api_version, kind), served in self.kinds.items():
            if is_looked_at(served) and (served.group, served.resource) not in seen:
                seen.add((served.group, served.resource))
                path = path_of(Ref(api_version, kind, self.declared.namespace, ""), served)
                questions[api_version, kind] = pool.start(partial(_listed, self.api, path.rstrip("/")))
        return questions

    def _foreign(self, pool: Pool, asked: Mapping[tuple[str, str], Any]) -> list[tuple[Drift, str]]:
        declared = self.declared
        ours = {(item["kind"], name(item)) for item in declared.objects} | declared.hooks | self.referred
        found: list[tuple[Drift, str]] = []
        for (api_version, kind), future in asked.items():
            answer = pool.answer(future)
            if isinstance(answer, Unreadable):
                self.unlisted.append(f"{kind} in the namespace {declared.namespace}: can't be read: {answer.why}")
                continue
            for item in answer:
                if is_by_hand(kind, item, ours, (declared.release,)):
                    drift = about(
                        declared.release, {**item, "kind": kind}, declared.namespace, "foreign", creator(item)
                    )
                    ref = Ref(api_version, kind, declared.namespace, name(item))
                    found.append((self._let_be(drift), path_of(ref, self.kinds[api_version, kind])))
        return found


def _listed(api: Api, path: str) -> list[Object]:
    try:
        return api.items(path, accept=METADATA_ONLY)
    except client.ApiException as error:
        if error.status in (404, 405):
            return []  # Of a kind that can only be created, as a review.
        raise
