"""The same resources in plain Pulumi code: what somebody writes who has none of our components.

Every input is literal. What releases and namespaces are given stands in inputs.json beside this program; the bench
fills it from a preview of ours, so that both programs always ask for the same. Left out are settings and their checks,
values files and the outputs of components; the components themselves and the outputs of the stack are here.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import LimitRange, Namespace, ResourceQuota, Secret, ServiceAccount
from pulumi_kubernetes.helm.v3 import Release
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_random import RandomPassword

APPS: dict[str, Any] = json.loads(Path(__file__).with_name("inputs.json").read_text(encoding="utf-8"))


class Component(ComponentResource):
    """A node of the resource tree; a subclass, because only of those does the SDK write down where they were made."""

    def __init__(self, kind: str, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(f"chat:components:{kind}", name, None, opts)


def metadata(app: str, name: str, namespace: pulumi.Input[str] | None = None) -> ObjectMetaArgs:
    """Name and labels of an object that belongs to an app; those of Pod Security are the namespace's alone."""
    owned = {"pulumi.com/patchForce": "true"}
    labels = {
        label: value
        for label, value in APPS[app]["labels"].items()
        if namespace is None or not label.startswith("pod-security.")
    }
    return ObjectMetaArgs(name=name, namespace=namespace, labels=labels, annotations=owned)


def release(name: str, namespace: Namespace, values: Any, opts: ResourceOptions) -> Release:
    """One Helm release in its namespace."""
    return Release(
        name,
        name=name,
        namespace=namespace.metadata.name,
        chart=APPS[name]["chart"],
        version=APPS[name]["version"],
        values=values,
        allow_null_values=True,
        timeout=APPS[name]["timeout"],
        atomic=True,
        cleanup_on_fail=True,
        max_history=10,
        create_namespace=False,
        opts=opts,
    )


def around(app: str, namespace: Namespace, opts: ResourceOptions) -> list[pulumi.Resource]:
    """Network rules, limits and accounts beside a release."""
    made: list[pulumi.Resource] = []
    for name, inputs in APPS[app]["around"].items():
        inside = metadata(app, inputs["metadata"]["name"], namespace.metadata.name)
        match inputs["type"]:
            case "NetworkPolicy":
                made.append(NetworkPolicy(name, metadata=inside, spec=inputs["spec"], opts=opts))
            case "LimitRange":
                made.append(LimitRange(name, metadata=inside, spec=inputs["spec"], opts=opts))
            case "ServiceAccount":
                made.append(ServiceAccount(name, metadata=inside, automount_service_account_token=False, opts=opts))
    return made


def quota(app: str, namespace: Namespace, opts: ResourceOptions) -> None:
    """The quota, which changes after the release."""
    for name, inputs in APPS[app]["around"].items():
        if inputs["type"] == "ResourceQuota":
            inside = metadata(app, inputs["metadata"]["name"], namespace.metadata.name)
            ResourceQuota(name, metadata=inside, spec=inputs["spec"], opts=opts)


def plain_app(name: str, parent: pulumi.Resource | None = None) -> Release:
    """An app without Secrets."""
    app = Component("HelmApp", name, ResourceOptions(parent=parent))
    namespace = Namespace(name, metadata=metadata(name, APPS[name]["name"]), opts=ResourceOptions(parent=app))
    guardrails = around(name, namespace, ResourceOptions(parent=app, depends_on=[namespace]))
    made = release(name, namespace, APPS[name]["values"], ResourceOptions(parent=app, depends_on=guardrails))
    quota(name, namespace, ResourceOptions(parent=app, depends_on=[namespace, made]))
    return made


def key(name: str, length: int) -> Output[str]:
    """A generated key of hex characters."""
    return RandomPassword(
        f"librechat-{name}",
        length=length,
        upper=False,
        lower=False,
        numeric=True,
        special=True,
        override_special="abcdef",
        opts=ResourceOptions(parent=librechat, depends_on=[ollama]),
    ).result


def checksum(salt: Output[str], data: dict[str, Output[str]]) -> Output[str]:
    """A pod annotation that changes when the Secret's data does."""

    def digest(known: Any) -> str:
        text = "".join(f"{name}\0{known['data'][name]}\0" for name in sorted(known["data"]))
        return hmac.new(known["salt"].encode(), text.encode(), hashlib.sha256).hexdigest()

    return Output.unsecret(Output.all(salt=salt, data=data).apply(digest))


ollama = Component("Ollama", "ollama")
ollama_release = plain_app("ollama", ollama)

librechat = Component("LibreChat", "librechat", ResourceOptions(depends_on=[ollama]))
jwt_secret = key("jwt-secret", 64)
jwt_refresh_secret = key("jwt-refresh-secret", 64)
creds_key = key("creds-key", 64)
creds_iv = key("creds-iv", 32)
meili_master_key = key("meili-master-key", 32)
mongodb_root_password = key("mongodb-root-password", 32)
mongodb_password = key("mongodb-password", 32)
salt = key("annotation-salt", 64)

credentials = {
    "JWT_SECRET": jwt_secret,
    "JWT_REFRESH_SECRET": jwt_refresh_secret,
    "CREDS_KEY": creds_key,
    "CREDS_IV": creds_iv,
    "MEILI_MASTER_KEY": meili_master_key,
    "MONGO_URI": Output.concat("mongodb://librechat:", mongodb_password, "@librechat-mongodb:27017/LibreChat"),
}
mongodb = {"mongodb-root-password": mongodb_root_password, "mongodb-passwords": mongodb_password}
meilisearch = {"MEILI_MASTER_KEY": meili_master_key}

app = Component("HelmApp", "librechat", ResourceOptions(parent=librechat, depends_on=[ollama]))
within_app = ResourceOptions(parent=app, depends_on=[ollama])
namespace = Namespace("librechat", metadata=metadata("librechat", APPS["librechat"]["name"]), opts=within_app)
secrets: list[Secret] = []
for name, data in {
    "librechat-mongodb-credentials": mongodb,
    "librechat-credentials": credentials,
    "librechat-meilisearch-credentials": meilisearch,
}.items():
    after_the_last = ResourceOptions(parent=app, depends_on=[ollama, namespace, *secrets])
    labelled = metadata("librechat", name, namespace.metadata.name)
    secrets.append(Secret(name, metadata=labelled, string_data=data, opts=after_the_last))
values = APPS["librechat"]["values"]
values["podAnnotations"]["checksum/credentials"] = checksum(salt, credentials)
values["mongodb"]["podAnnotations"]["checksum/credentials"] = checksum(salt, mongodb)
values["meilisearch"]["podAnnotations"]["checksum/credentials"] = checksum(salt, meilisearch)
guardrails = around("librechat", namespace, ResourceOptions(parent=app, depends_on=[ollama, namespace]))
before_librechat = ResourceOptions(parent=app, depends_on=[ollama, *secrets, *guardrails])
librechat_release = release("librechat", namespace, values, before_librechat)
after_librechat = ResourceOptions(parent=app, depends_on=[ollama, namespace, librechat_release])
quota("librechat", namespace, after_librechat)

for name in APPS:
    if name not in ("ollama", "librechat"):
        plain_app(name)

pulumi.export("url", values["librechat"]["configEnv"]["DOMAIN_CLIENT"])
context = pulumi.Config("kubernetes").require("context")
pulumi.export(
    "portForward", f"kubectl --context {context} --namespace librechat port-forward service/librechat 3080:3080"
)
pulumi.export("ollamaUrl", "http://ollama.ollama.svc:11434")
pulumi.export("models", APPS["ollama"]["values"]["ollama"]["models"]["pull"])
pulumi.export("namespaces", {"ollama": ollama_release.namespace, "librechat": librechat_release.namespace})
pulumi.export("chartVersions", {"ollama": ollama_release.version, "librechat": librechat_release.version})
pulumi.export("releaseStatus", {"ollama": ollama_release.status.status, "librechat": librechat_release.status.status})
