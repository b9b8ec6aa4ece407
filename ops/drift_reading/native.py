"""What the engine applies itself beside a release: the namespace with its labels, Secrets, network rules, quota, roles.

They are compared with what was deployed, and not with the stack file, which may hold what nobody has deployed yet.
Of a Secret nothing but the engine knows the values. Who wrote a key tells whether it is still the engine's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from kubernetes import client

from ops.diagnosis.masking import Masker, secret_texts
from ops.diagnosis.objects import Object
from ops.drift_reading.comparing import Difference, differences
from ops.drift_reading.deployed import Deployed
from ops.drift_reading.drifted import Drifted, immutable, update
from ops.drift_reading.entries import Drift, Excepted, about, excepted, object_name, told
from ops.drift_reading.fields import managers_of, owner_of
from ops.preflight_checks.reading import Api, in_short, read_one
from ops.preflight_checks.rendering import Release

BY_UP = "pulumi up --refresh puts it back"
AHEAD = "the stack file holds changes of it that nobody has deployed: pulumi up --refresh"
REPLACED = "the engine replaces it"
NOT_KNOWN = "not known"
PLURALS = {"NetworkPolicy": "networkpolicies", "PriorityClass": "priorityclasses"}
"""How the API server calls kinds whose plural isn't made by an s."""


def read_native(
    api: Api,
    release: Release,
    deployed: Sequence[Deployed],
    program: Mapping[str, Deployed],
    exceptions: Sequence[Excepted],
) -> tuple[list[Drifted], list[str]]:
    """Drift of what was deployed beside a release, and what could not be told.

    `program` is what the stack file declares by now, by `Kind/name`.
    """
    drifted: list[Drifted] = []
    unknown: list[str] = []
    live: list[tuple[Deployed, Object | None]] = []
    for item in deployed:
        try:
            live.append((item, read_one(api, _path(item.manifest))))
        except client.ApiException as error:
            unknown.append(f"{object_name(item.manifest)}: {in_short(error)}")
    mask = Masker(secret_texts([found for _, found in live if found and found["kind"] == "Secret"]))
    for item, there in live:
        name = object_name(item.manifest)
        try:
            found = _compare(api, release, item, program.get(name), there, mask)
        except client.ApiException as error:
            unknown.append(f"{name}: {in_short(error)}")
            continue
        if found:
            let_be = [(replace(drift, reason=excepted(drift, exceptions)), each) for drift, each in found.found]
            drifted.append(replace(found, found=let_be))
    return drifted, unknown


def _path(item: Object) -> str:
    metadata, version, kind = item["metadata"], item["apiVersion"], item["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    inside = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{inside}/{PLURALS.get(kind, f'{kind.lower()}s')}/{metadata['name']}"


def _compare(
    api: Api, release: Release, item: Deployed, program: Deployed | None, live: Object | None, mask: Masker
) -> Drifted | None:
    declared, kind = item.holding((live or {}).get("data") or {}), item.manifest["kind"]
    namespace = item.manifest["metadata"].get("namespace", release.namespace)
    owner = next((manager.name for manager in managers_of(live or item.manifest) if manager.is_release), "")
    aim = Drifted(declared, _path(declared), live, owner=owner)
    ahead = program is None or not item.is_like(program)
    # The engine would deploy what the program says now.
    by_engine = replace(aim, fixed=AHEAD) if ahead else replace(aim, by_engine=True)
    # A deleted namespace takes all with it that is in it.
    by_up = replace(aim, fixed=BY_UP)
    if live is None:
        gone = about(release.name, declared, namespace, "deleted")
        return replace(by_up if kind == "Namespace" else by_engine, found=[(gone, None)])
    if kind == "Secret":
        aim = by_engine
    elif not owner:
        aim = by_up if kind == "Namespace" else by_engine
    try:
        expected, live = update(api, aim, live, dry=True)
    except client.ApiException as error:
        if error.status != 422:
            raise
        # Such as a RoleBinding that somebody made anew for another role: the engine replaces it.
        other = immutable(release.name, namespace, declared, live, error, REPLACED)
        return replace(by_engine, found=[(other, None)])
    found = [*differences(expected, live), *(_rewritten(live, item.keys) if kind == "Secret" else ())]
    drifts: list[tuple[Drift, Difference | None]] = [
        (told(release.name, namespace, declared, each, mask), each) for each in found
    ]
    return replace(aim, live=live, found=drifts) if drifts else None


def declared_natively(release: Release, keys: Mapping[str, Collection[str]]) -> dict[str, Deployed]:
    """What the program declares beside a release, by `Kind/name`; `keys` are those of each Secret by its name."""

    def bare(kind: str, name: str, labels: Mapping[str, str], **more: str) -> Object:
        own = {"name": name, "labels": dict(labels), "annotations": dict(release.annotations), **more}
        return {"apiVersion": "v1", "kind": kind, "metadata": own}

    of_namespace = {**release.namespace_labels, **release.labels}
    secrets = (
        Deployed(bare("Secret", name, release.labels, namespace=release.namespace), frozenset(keys.get(name, ())))
        for name in release.secrets
    )
    found = [Deployed(bare("Namespace", release.namespace, of_namespace)), *secrets, *map(Deployed, release.around)]
    return {object_name(item.manifest): item for item in found}


def _rewritten(live: Object, keys: Collection[str]) -> Iterator[Difference]:
    """The keys that the engine wrote and somebody else has written since."""
    managers = managers_of(live)
    for key in sorted(keys):
        path = ("f:data", f"f:{key}")
        owner = owner_of(path, managers)
        if key in (live.get("data") or {}) and owner is not None and owner.is_foreign:
            yield Difference(path, NOT_KNOWN, NOT_KNOWN, owner, (path,))
