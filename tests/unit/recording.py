"""Pulumi's mocks with a memory: everything that the program asks of the engine, as it would have come over the wire."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime import mocks
from pulumi.runtime.rpc import _special_asset_sig, _special_secret_sig, _special_sig_key

NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
QUOTA = "kubernetes:core/v1:ResourceQuota"
LIMITS = "kubernetes:core/v1:LimitRange"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
PRIORITY_CLASS = "kubernetes:scheduling.k8s.io/v1:PriorityClass"
RELEASE = "kubernetes:helm.sh/v3:Release"
GUARD = "pulumi-python:dynamic:ReleaseGuard"
GUARDS = "pulumi:providers:pulumi-python"
RANDOM_PASSWORD = "random:index/randomPassword:RandomPassword"
STACK = "pulumi:pulumi:Stack"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
OLLAMA = "chat:components:Ollama"
LIBRECHAT = "chat:components:LibreChat"
HELM_APP = "chat:components:HelmApp"


@dataclass(frozen=True)
class Secret:
    """A value that was registered as secret: the engine encrypts it in the state and hides it on screen."""

    value: Any


@dataclass(frozen=True)
class Registration:
    """One request to the engine to register a resource."""

    type: str
    name: str
    urn: str
    parent: str
    """URN of the parent; empty for the stack."""
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    """URNs, explicit ones and those of inputs together."""
    protect: bool
    custom: bool

    @property
    def key(self) -> str:
        """Type and name, for failures that a person can read."""
        return f"{self.type} {self.name}"


@dataclass
class Deployment:
    """What one run of the program asked of the engine."""

    registrations: list[Registration] = field(default_factory=list)
    """In the order in which the engine was asked."""
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Outputs of components by URN, those of the stack among them."""
    error: BaseException | None = None
    """What the program raised."""

    def of_type(self, *types: str) -> list[Registration]:
        """Every registration of these types."""
        return [registration for registration in self.registrations if registration.type in types]

    def one(self, type_: str, name: str) -> Registration:
        """The registration of that type and name; raises KeyError unless there is exactly one."""
        found = [registration for registration in self.of_type(type_) if registration.name == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} registrations of {type_} {name}; there are {self.registered()}")
        return found[0]

    def registered(self) -> list[str]:
        """Type and name of everything that was registered."""
        return [registration.key for registration in self.registrations]

    def below(self, component: Registration) -> list[Registration]:
        """The component and everything in it, at every depth."""
        found = [component]
        for registration in self.registrations:
            if registration.parent in {above.urn for above in found}:
                found.append(registration)
        return found

    def dependencies(self, registration: Registration) -> set[str]:
        """URNs of everything that has to be there before it, directly or by way of others."""
        by_urn = {known.urn: known for known in self.registrations}
        found: set[str] = set()
        open_urns = set(registration.dependencies)
        while open_urns:
            urn = open_urns.pop()
            found.add(urn)
            open_urns |= by_urn[urn].dependencies - found
        return found

    def release(self, name: str) -> dict[str, Any]:
        """Inputs of a Helm release."""
        return self.one(RELEASE, name).inputs

    def values(self, name: str) -> dict[str, Any]:
        """Helm values of a release."""
        return cast(dict[str, Any], self.release(name)["values"])

    def secret_data(self, name: str) -> dict[str, str]:
        """What a Kubernetes Secret holds, in the clear."""
        return cast(dict[str, str], revealed(self.one(SECRET, name).inputs["stringData"]))

    @property
    def outputs(self) -> dict[str, Any]:
        """What the program exported."""
        (stack,) = self.of_type(STACK)
        return self.component_outputs[stack.urn]


def revealed(value: Any) -> Any:
    """The value with the marks of secrets taken off, at every depth."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def secrets_in(value: Any) -> Iterator[Any]:
    """Every value in it that is marked as secret."""
    if isinstance(value, Secret):
        yield revealed(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from secrets_in(item)


def generated(name: str, inputs: Mapping[str, Any]) -> str:
    """What RandomPassword gives in these tests: the asked length and alphabet, the same again for the same name."""
    alphabet = "".join(
        characters
        for asked, characters in (
            (inputs.get("lower", True), "abcdefghijklmnopqrstuvwxyz"),
            (inputs.get("upper", True), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            (inputs.get("numeric", True), "0123456789"),
            (inputs.get("special", True), inputs.get("overrideSpecial", "!@#$%&*()-_=+[]{}<>:?")),
        )
        if asked
    )
    digest = hashlib.shake_256(name.encode()).digest(int(inputs["length"]))
    return "".join(alphabet[byte % len(alphabet)] for byte in digest)


class ProviderMocks(mocks.Mocks):
    """Answers as the providers do, as far as the program looks at the answers."""

    stacks: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Outputs of other stacks, by name."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program called {args.token}: a preview without a cluster can't answer that")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == STACK_REFERENCE:
            return args.name, {"name": args.name, "outputs": dict(self.stacks[args.name]), "secretOutputNames": []}
        if args.typ == RANDOM_PASSWORD:
            return "none", {**args.inputs, "result": generated(args.name, args.inputs)}
        if args.typ == RELEASE:
            return args.name, {**args.inputs, "status": {"status": "deployed", "version": args.inputs.get("version")}}
        return args.name, args.inputs


class Recorder(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps the requests and marks secret outputs as the engine does."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(ProviderMocks())
        self._deployment = deployment
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the RPC
        with self._lock:
            self._deployment.registrations.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    urn=self.make_urn(request.parent, request.type, request.name),
                    parent=request.parent,
                    inputs=_decoded(json_format.MessageToDict(request.object)),
                    dependencies=frozenset(request.dependencies),
                    protect=request.protect,
                    custom=request.custom,
                )
            )
        response: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        for name in set(request.additionalSecretOutputs) & set(response.object.fields):
            answer = json_format.MessageToDict(response.object)[name]
            response.object.update({name: {_special_sig_key: _special_secret_sig, "value": answer}})
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the name of the RPC
        with self._lock:
            self._deployment.component_outputs[request.urn] = _decoded(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _decoded(value: Any) -> Any:
    """What came over the wire: whole numbers as int, secrets as `Secret`, text assets as their text."""
    if isinstance(value, dict):
        kind = value.get(_special_sig_key)
        if kind == _special_secret_sig:
            return Secret(_decoded(value["value"]))
        if kind == _special_asset_sig:
            return value["text"]
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
