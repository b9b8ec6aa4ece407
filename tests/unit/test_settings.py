"""Every key of a stack file is checked: an error says where, what was found and what is allowed."""

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import ABSENT, Changes, load_settings

A_LABEL = "label keys and values"
A_COUNT = "a whole number, 0 or more"
A_QUANTITY = "quantities such as cpu: 500m, memory: 2Gi"
A_VERSION = "a version such as 1.77.0"
A_MODEL = "a list of one or more names such as llama3.2:1b"
A_HOST = "a DNS name or localhost"
DEFAULT = "llama3.1:8b"


def faults(changes: Changes, *, stack: str = "prod") -> list[str]:
    """The lines of the error that the changed settings raise, without the first, which counts them."""
    with pytest.raises(SettingsError) as raised:
        load_settings(stack, changes)
    first, *lines = str(raised.value).splitlines()
    assert first == f"{len(lines)} setting{'s' if len(lines) > 1 else ''} can't be used; nothing was changed."
    return [line.strip() for line in lines]


def at(key: str, value: Any) -> dict[str, Any]:
    """A change of one dotted key."""
    first, _, rest = key.partition(".")
    return {first: at(rest, value) if rest else value}


@pytest.mark.parametrize(
    ("key", "value", "found", "allowed"),
    [
        ("protect", "maybe", '"maybe"', "true or false"),
        ("protect", 1, "1", "true or false"),
        ("charts", ["upstream"], '["upstream"]', "upstream, an http(s):// or oci:// address"),
        ("ollama", "llama", '"llama"', "the keys of ollama"),
        ("ollama.storage", None, "null", "the keys of storage"),
        ("ollama.gpu.count", "1", '"1"', A_COUNT),
        ("ollama.gpu.count", True, "true", A_COUNT),
        ("ollama.gpu.count", 1.5, "1.5", A_COUNT),
        ("ollama.gpu.count", -1, "-1", A_COUNT),
        ("ollama.gpu.vendor", "intel", '"intel"', "nvidia or amd"),
        ("ollama.gpu.runtimeClass", "Nvidia!", '"Nvidia!"', "a Kubernetes name"),
        ("ollama.models", DEFAULT, f'"{DEFAULT}"', A_MODEL),
        ("ollama.models", [], "[]", A_MODEL),
        ("ollama.namespace", "ollama.prod", '"ollama.prod"', "a DNS label of up to 63 characters"),
        ("ollama.namespace", "o" * 64, f'"{"o" * 64}"', "a DNS label of up to 63 characters"),
        ("ollama.labels", ["team"], '["team"]', A_LABEL),
        ("ollama.labels.team", "two words", '"two words"', A_LABEL),
        ("ollama.labels.-team", "a", '"-team"', A_LABEL),
        ("ollama.nodeSelector.zone", True, "true", A_LABEL),
        ("ollama.tolerations", {"key": "a"}, '{"key": "a"}', "a list of tolerations"),
        ("ollama.storage", "30Gi", '"30Gi"', "the keys of storage"),
        ("ollama.storage.class", "Fast SSD", '"Fast SSD"', "the name of a StorageClass"),
        ("ollama.chart.version", "latest", '"latest"', A_VERSION),
        ("ollama.chart.version", "v1.77.0", '"v1.77.0"', A_VERSION),
        ("ollama.chart.timeout", "1h", '"1h"', "a whole number of seconds"),
        ("ollama.chart.timeout", 0, "0", "a whole number of seconds"),
        ("ollama.values", "replicas: 2", '"replicas: 2"', "any values that the chart reads"),
        ("librechat.tlsSecret", "TLS_secret", '"TLS_secret"', "the name of a Secret in the namespace"),
        ("librechat.ingressClass", "nginx class", '"nginx class"', "the name of an IngressClass"),
        ("librechat.title", "", '""', "any text"),
        ("librechat.title", 7, "7", "any text"),
        ("librechat.registration", "yes", '"yes"', "true or false"),
        ("librechat.env", ["DEBUG=1"], '["DEBUG=1"]', "names and texts (numbers and booleans quoted)"),
        ("librechat.env.DEBUG", 1, "1", "names and texts (numbers and booleans quoted)"),
        ("librechat.env.MY-NAME", "x", '"MY-NAME"', "names and texts (numbers and booleans quoted)"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_what_was_found_and_is_allowed(
    key: str, value: Any, found: str, allowed: str
) -> None:
    (fault,) = faults(at(key, value))
    assert fault.startswith(f"Pulumi.prod.yaml: {key} found {found}; allowed: {allowed}")


@pytest.mark.parametrize("quantity", ["16GB", "-1", "1 Gi", "", "1.Gi", "a lot", 0.5, True, None])
@pytest.mark.parametrize("part", ["requests", "limits"])
@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_a_bad_quantity_is_an_error(app: str, part: str, quantity: Any) -> None:
    (fault,) = faults({app: {"resources": {part: {"memory": quantity}}}})
    assert fault.startswith(f"Pulumi.prod.yaml: {app}.resources.{part}.memory found ")
    assert f"; allowed: {A_QUANTITY if part == 'requests' else 'quantities such as cpu: 4, memory: 8Gi'}" in fault


@pytest.mark.parametrize("quantity", ["500m", "4", 4, "1.5Gi", "2G", "0"])
def test_a_quantity_may_be_written_in_every_way_that_a_manifest_allows(quantity: Any) -> None:
    settings = load_settings("prod", {"ollama": {"resources": {"requests": {"cpu": quantity}}}})
    assert settings.ollama
    assert settings.ollama.resources.requests["cpu"] == str(quantity)


@pytest.mark.parametrize("size", ["0", "0Gi", "10", "10GiB", "ten", "-5Gi", 10])
@pytest.mark.parametrize(
    "key",
    ["ollama.storage.size", "librechat.storage.images", "librechat.storage.mongodb", "librechat.storage.meilisearch"],
)
def test_a_volume_needs_a_size_with_a_unit(key: str, size: Any) -> None:
    (fault,) = faults(at(key, size))
    assert fault.startswith(f"Pulumi.prod.yaml: {key} found ")
    assert "; allowed: a size such as " in fault


@pytest.mark.parametrize(
    "host",
    [
        "",
        "Chat.example.com",
        "chat_example.com",
        "https://chat.example.com",
        "chat.example.com:443",
        "chat.example.com/",
        "-chat.example.com",
        "chat..example.com",
        "chat.example.com.",
        f"{'a' * 64}.example.com",
        ".".join(["abcdefghi"] * 26),
        "chat.example.com\n",
        "*.example.com",
        # The API server refuses an Ingress for an address, only then: after Ollama's models are pulled.
        "192.168.1.10",
        "::1",
    ],
)
def test_a_host_that_is_no_dns_name_is_an_error(host: str) -> None:
    (fault,) = faults({"librechat": {"host": host}})
    assert fault.startswith("Pulumi.prod.yaml: librechat.host found ")
    assert f"; allowed: {A_HOST}" in fault


@pytest.mark.parametrize("host", ["chat", "chat.example.com", "1chat.example.com", "a-b.c-d.e"])
def test_a_dns_name_is_a_host(host: str) -> None:
    librechat = load_settings("prod", {"librechat": {"host": host}}).librechat
    assert librechat and librechat.host == host


@pytest.mark.parametrize(
    "model",
    [
        "llama3; reboot",
        "$(reboot)",
        "`reboot`",
        "llama3|sh",
        "llama3&",
        "a b",
        "llama3:8b\n",
        "'a'",
        '"a"',
        "a>b",
        "a\\b",
        "",
    ],
)
def test_a_model_name_that_a_shell_would_read_otherwise_is_an_error(model: str) -> None:
    (fault,) = faults({"ollama": {"models": [DEFAULT, model]}})
    assert fault.startswith("Pulumi.prod.yaml: ollama.models.1 found ")
    assert f"; allowed: {A_MODEL}" in fault


@pytest.mark.parametrize(
    "model", ["llama3.2", "llama3.2:1b", "library/qwen2.5-coder:14b-instruct-q4_K_M", "hf.co/o/m:Q4_0"]
)
def test_a_model_name_of_any_registry_may_be_pulled(model: str) -> None:
    ollama = load_settings("prod", {"ollama": {"models": [DEFAULT, model]}}).ollama
    assert ollama and ollama.models == (DEFAULT, model)


@pytest.mark.parametrize(
    ("toleration", "part", "found", "allowed"),
    [
        ({"operator": "Equals"}, "operator", '"Equals"', "Equal or Exists"),
        ({"effect": "noSchedule"}, "effect", '"noSchedule"', "NoSchedule, PreferNoSchedule or NoExecute"),
        ({"key": "a b"}, "key", '"a b"', "a label key"),
        ({"value": 1}, "value", "1", "a label value"),
        ({"tolerationSeconds": -1}, "tolerationSeconds", "-1", "a whole number of seconds, 0 or more"),
    ],
)
def test_a_fault_in_a_list_names_its_place(toleration: dict[str, Any], part: str, found: str, allowed: str) -> None:
    (fault,) = faults({"ollama": {"tolerations": [{"operator": "Exists"}, toleration]}})
    assert fault == f"Pulumi.prod.yaml: ollama.tolerations.1.{part} found {found}; allowed: {allowed}"


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        (
            "ollama",
            "the keys of ollama. A stack with librechat has ollama, or names another stack's by sharedOllama",
        ),
        ("ollama.models", A_MODEL),
        ("librechat.host", A_HOST),
        ("librechat.defaultModel", "one of ollama.models, or of the shared Ollama's"),
    ],
)
def test_a_missing_key_is_an_error_that_says_what_belongs_there(key: str, allowed: str) -> None:
    assert faults(at(key, ABSENT)) == [f"Pulumi.prod.yaml: {key} is missing; allowed: {allowed}"]


@pytest.mark.parametrize(
    ("key", "known", "hint"),
    [
        (
            "librchat",
            "access, charts, drift, images, librechat, network, ollama, owner, preflight, protect",
            "librechat",
        ),
        ("ollama.model", "chart, clients, egress, gpu, labels, models, ", "models"),
        ("ollama.gpu.vender", "count, runtimeClass, vendor", "vendor"),
        ("ollama.storage.clas", "class, size", "class"),
        ("librechat.tlsSecrt", "tlsSecret", "tlsSecret"),
        ("librechat.chart.timeOut", "timeout, version", "timeout"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_known_name(key: str, known: str, hint: str) -> None:
    (fault,) = faults(at(key, {"value": "1"}))
    assert fault.startswith(f"Pulumi.prod.yaml: {key} is not a known key; allowed: ")
    assert known in fault
    assert fault.endswith(f". Did you mean {hint}?")


@pytest.mark.parametrize(
    ("name", "known"),
    [("tls_secret", "tlsSecret"), ("secret_env", "secretEnv"), ("ingress_class", "ingressClass")],
)
def test_what_python_calls_a_key_is_no_key(name: str, known: str) -> None:
    # Were it one, the checks that look at the real name (plain-text secrets among them) would pass it by.
    (fault,) = faults({"librechat": {"host": "chat.example.com", name: "x"}}, stack="dev")
    assert fault.startswith(f"Pulumi.dev.yaml: librechat.{name} is not a known key; allowed: ")
    assert fault.endswith(f"Did you mean {known}?")


def test_an_unknown_key_like_no_other_comes_without_a_guess() -> None:
    (fault,) = faults({"ollama": {"chart": {"zzz": "1"}}})
    assert fault == "Pulumi.prod.yaml: ollama.chart.zzz is not a known key; allowed: timeout, version"


def test_an_unknown_key_in_a_list_is_found() -> None:
    (fault,) = faults({"ollama": {"tolerations": [{"efect": "NoSchedule"}]}})
    assert fault.startswith("Pulumi.prod.yaml: ollama.tolerations.0.efect is not a known key; allowed: effect, ")
    assert fault.endswith("Did you mean effect?")


@pytest.mark.parametrize(
    ("changes", "key", "known"),
    [
        (
            {"ollama.gpu.count": 1},
            "ollama.gpu.count",
            "access, charts, drift, images, librechat, network, ollama, owner, preflight, protect",
        ),
        ({"ollama": {"gpu.count": 1}}, "ollama.gpu.count", "chart, clients, egress, gpu, labels, "),
    ],
)
def test_a_dotted_key_is_not_taken_for_a_path(changes: Changes, key: str, known: str) -> None:
    # `pulumi config set ollama.gpu.count 1`, its --path forgotten, writes the first of these.
    (fault,) = faults(changes)
    assert f"{key} is not a known key; allowed: {known}" in fault


def test_keys_of_other_programs_are_none_of_ours() -> None:
    load_settings("prod", {"aws:region": "eu-central-1", "private-chatgpt-two:ollama": "x"})


@pytest.mark.parametrize("context", [ABSENT, ""])
def test_a_stack_that_names_no_context_is_an_error_that_says_how_to_name_it(context: Any) -> None:
    (fault,) = faults({"kubernetes:context": context})
    assert fault.startswith("Pulumi.prod.yaml: kubernetes:context is missing; allowed: the kubeconfig context")
    assert "pulumi config set kubernetes:context NAME" in fault


def test_the_file_that_is_named_is_that_of_the_running_stack() -> None:
    (fault,) = faults({"librechat": {"title": ""}}, stack="dev")
    assert fault.startswith("Pulumi.dev.yaml: librechat.title ")
