"""Settings that fit each by itself and not together, secrets in the clear, and many faults in one error."""

from typing import Any

import pytest

from components.faults import SettingsError
from components.formats import KEY_LENGTHS
from tests.unit.deployment import ABSENT, Changes, attempt, load_settings
from tests.unit.recording import STACK

HEX_64 = "0123456789abcdef" * 4
HEX_32 = "fedcba9876543210" * 2


def message(changes: Changes, *, stack: str = "prod", encrypted: bool = False) -> str:
    """The error that the changed settings raise."""
    with pytest.raises(SettingsError) as raised:
        load_settings(stack, changes, encrypted=["librechat"] if encrypted else [])
    return str(raised.value)


def only_fault(changes: Changes, *, stack: str = "prod", encrypted: bool = False) -> str:
    """The one fault of the changed settings."""
    count, fault = message(changes, stack=stack, encrypted=encrypted).splitlines()
    assert count.startswith("1 setting can't be used")
    return fault.strip()


def test_a_default_model_that_is_not_pulled_is_an_error_that_lists_those_that_are() -> None:
    fault = only_fault({"ollama": {"models": ["a:1b", "b:2b"]}, "librechat": {"defaultModel": "c:3b"}})
    assert fault == (
        'Pulumi.prod.yaml: librechat.defaultModel found "c:3b", which is not pulled; allowed: a:1b, b:2b. '
        "Choose one, or add it to ollama.models"
    )


def test_a_model_that_stands_twice_is_an_error() -> None:
    fault = only_fault({"ollama": {"models": ["llama3.1:8b", "a:1b", "llama3.1:8b"]}})
    assert fault == 'Pulumi.prod.yaml: ollama.models found "llama3.1:8b" more than once; allowed: each model once'


@pytest.mark.parametrize("gpu", [ABSENT, {"count": 0, "runtimeClass": ABSENT}])
@pytest.mark.parametrize("label", ["nvidia.com/gpu.present", "cloud.google.com/gke-accelerator", "amd.com/gpu.family"])
def test_a_gpu_node_selector_without_a_gpu_is_an_error(gpu: Any, label: str) -> None:
    fault = only_fault({"ollama": {"gpu": gpu, "nodeSelector": {"nvidia.com/gpu.present": ABSENT, label: "a"}}})
    assert fault.startswith(
        f"Pulumi.prod.yaml: ollama.gpu.count found 0, but ollama.nodeSelector asks for GPU nodes ({label}); "
        "allowed: 1 or more. "
    )
    assert "drop the node selector" in fault


def test_a_node_selector_that_asks_for_no_gpu_needs_none() -> None:
    load_settings("dev", {"ollama": {"nodeSelector": {"topology.kubernetes.io/zone": "a"}}})


def test_a_runtime_class_without_a_gpu_is_an_error() -> None:
    fault = only_fault({"ollama": {"gpu": {"runtimeClass": "nvidia"}}}, stack="dev")
    assert fault == (
        "Pulumi.dev.yaml: ollama.gpu.count found 0, but ollama.gpu.runtimeClass is set; allowed: 1 or more. "
        "Set ollama.gpu.count, or drop the runtime class"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"librechat": {"namespace": "ollama"}},
        {"ollama": {"namespace": "librechat"}},
        {"ollama": {"namespace": "chat"}, "librechat": {"namespace": "chat"}},
    ],
)
def test_one_namespace_for_both_apps_is_an_error(changes: Changes) -> None:
    fault = only_fault(changes)
    assert fault.startswith("Pulumi.prod.yaml: librechat.namespace found ")
    assert "the namespace of Ollama; allowed: another one, since each app owns its namespace" in fault


def test_apps_may_swap_their_namespaces() -> None:
    settings = load_settings("prod", {"ollama": {"namespace": "librechat"}, "librechat": {"namespace": "ollama"}})
    assert settings.ollama and settings.librechat
    assert (settings.ollama.namespace, settings.librechat.namespace) == ("librechat", "ollama")


def test_a_tls_secret_on_localhost_is_an_error() -> None:
    fault = only_fault({"librechat": {"tlsSecret": "chat-tls"}}, stack="dev")
    assert fault.startswith("Pulumi.dev.yaml: librechat.tlsSecret is set, but localhost has no Ingress")
    assert "allowed: nothing with host localhost" in fault


@pytest.mark.parametrize("section", ["env", "secretEnv"])
@pytest.mark.parametrize("name", [*KEY_LENGTHS, "MONGO_URI"])
def test_an_environment_variable_that_is_one_of_our_keys_is_an_error(section: str, name: str) -> None:
    fault = only_fault({"librechat": {section: {name: HEX_64}}}, encrypted=True)
    assert fault.startswith(f"Pulumi.prod.yaml: librechat.{section}.{name} is ")
    assert "librechat.keys" in fault, "says where it belongs"
    assert HEX_64 not in fault


def test_an_environment_variable_that_stands_twice_is_an_error() -> None:
    fault = only_fault({"librechat": {"env": {"A": "x", "B": "x"}, "secretEnv": {"B": "y", "C": "z"}}}, encrypted=True)
    assert fault == "Pulumi.prod.yaml: librechat.env.B is also in librechat.secretEnv; allowed: one of them"


@pytest.mark.parametrize(
    ("section", "content"), [("secretEnv", {"TOKEN": "hunter2-hunter2"}), ("keys", {"JWT_SECRET": HEX_64})]
)
def test_a_secret_in_plain_text_is_an_error_that_says_how_to_encrypt_it(section: str, content: dict[str, str]) -> None:
    fault = only_fault({"librechat": {section: content}})
    assert fault.startswith(f"Pulumi.prod.yaml: librechat.{section} found plain text; allowed: encrypted values.")
    assert f"pulumi config set --secret --path 'private-chatgpt:librechat.{section}.NAME'" in fault
    assert not any(text in fault for text in content.values())
    load_settings("prod", {"librechat": {section: content}}, encrypted=["librechat"])


@pytest.mark.parametrize("section", ["secretEnv", "keys"])
def test_an_empty_map_is_no_secret_in_plain_text(section: str) -> None:
    load_settings("prod", {"librechat": {section: {}}})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        *((name, HEX_64[:-1], "64 hex characters") for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY")),
        *((name, HEX_64 + "0", "64 hex characters") for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY")),
        *((name, HEX_64[:-1] + "g", "64 hex characters") for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY")),
        ("CREDS_IV", HEX_64, "32 hex characters"),
        ("CREDS_IV", HEX_32[:-1] + "-", "32 hex characters"),
        ("CREDS_IV", HEX_32 + "\n", "32 hex characters"),
        ("MEILI_MASTER_KEY", "short-of-16-byt", "16 or more printable ASCII characters, no space"),
        ("MEILI_MASTER_KEY", "sixteen or more bytes", "16 or more printable ASCII characters, no space"),
        ("MONGODB_ROOT_PASSWORD", "with space", "printable ASCII characters, no space"),
        ("MONGODB_ROOT_PASSWORD", "pässwörter", "printable ASCII characters, no space"),
        ("MONGODB_PASSWORD", "one,two-three", "printable ASCII characters, no space or comma"),
        ("MONGODB_PASSWORD", 123456789012, "printable ASCII characters, no space or comma"),
    ],
)
def test_a_key_of_the_wrong_form_is_an_error_that_does_not_show_it(name: str, value: Any, allowed: str) -> None:
    fault = only_fault({"librechat": {"keys": {name: value}}}, encrypted=True)
    assert fault.startswith(
        f"Pulumi.prod.yaml: librechat.keys.{name} found a value that is not shown; allowed: {allowed}"
    )
    assert str(value).strip()[:8] not in fault


@pytest.mark.parametrize(
    "librechat",
    [
        {"keys": "hunter2-hunter2"},
        {"keys": ["hunter2-hunter2"]},
        {"keys": {"JWT_SECRT": "hunter2-hunter2"}},
        {"secretEnv": "hunter2-hunter2"},
        {"secretEnv": {"TOKEN": ["hunter2-hunter2"]}},
        {"secretEnv": {"TO-KEN": "hunter2-hunter2"}},
    ],
)
def test_no_fault_shows_what_was_found_in_a_secret_setting(librechat: dict[str, Any]) -> None:
    text = message({"librechat": librechat}, encrypted=True)
    assert "hunter2" not in text


@pytest.mark.parametrize("value", ['{"keys": {"JWT_SECRET": "hunter2-hunter2"', ["hunter2-hunter2"]])
def test_an_encrypted_value_that_is_no_map_is_not_shown(value: Any) -> None:
    # `pulumi config set --secret librechat '{…}'` with a typing error in it.
    assert "hunter2" not in message({"librechat": value}, encrypted=True)


def test_an_error_about_secrets_drags_nothing_along_that_a_traceback_would_show() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {"librechat": {"keys": {"JWT_SECRET": "hunter2"}}}, encrypted=["librechat"])
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_the_same_secret_for_sessions_and_refresh_tokens_is_an_error() -> None:
    keys = {"JWT_SECRET": HEX_64, "JWT_REFRESH_SECRET": HEX_64}
    fault = only_fault({"librechat": {"keys": keys}}, encrypted=True)
    assert fault.startswith("Pulumi.prod.yaml: librechat.keys.JWT_REFRESH_SECRET equals JWT_SECRET; allowed: ")
    assert HEX_64 not in fault


def test_settings_that_are_printed_do_not_show_their_secrets() -> None:
    librechat = {"keys": {"JWT_SECRET": HEX_64}, "secretEnv": {"TOKEN": "hunter2"}}
    settings = load_settings("prod", {"librechat": librechat}, encrypted=["librechat"])
    assert settings.librechat
    assert settings.librechat.secret_env["TOKEN"].get_secret_value() == "hunter2"
    assert not any(text in f"{settings} {settings!r}" for text in (HEX_64, "hunter2"))


TEN_FAULTS: dict[str, Any] = {
    "kubernetes:context": ABSENT,
    "protct": True,
    "ollama": {
        "models": ["a:1b", "a:1b"],
        "gpu": {"count": 0, "vendor": "intel"},
        "storage": {"size": "big"},
        "namespace": "chat",
    },
    "librechat": {
        "namespace": "chat",
        "host": "chat_example",
        "keys": {"CREDS_IV": "abc"},
        "env": {"JWT_SECRET": "x"},
    },
}


def test_every_fault_is_in_one_error_those_between_settings_too() -> None:
    count, *lines = message(TEN_FAULTS).splitlines()
    found = sorted(line.split()[1] for line in lines)
    assert count == f"{len(found)} settings can't be used; nothing was changed."
    assert found == [
        "kubernetes:context",
        "librechat.defaultModel",
        "librechat.env.JWT_SECRET",
        "librechat.host",
        "librechat.keys",
        "librechat.keys.CREDS_IV",
        "librechat.namespace",
        "ollama.gpu.count",
        "ollama.gpu.count",
        "ollama.gpu.vendor",
        "ollama.models",
        "ollama.storage.size",
        "protct",
    ]


def test_a_value_that_the_chart_ignores_is_in_the_same_error_as_faulty_settings() -> None:
    changes = {"ollama": {"gpu": {"count": 0}}, "librechat": {"values": {"persistence": {"size": "1Gi"}}}}
    text = message(changes)
    assert "ollama.gpu.count" in text
    assert "persistence.size" in text


@pytest.mark.parametrize(
    "changes", [TEN_FAULTS, {"librechat": {"host": "chat_example"}}, {"ollama": {"chart": {"version": "1"}}}]
)
def test_bad_settings_stop_the_program_before_it_registers_anything(changes: Changes) -> None:
    deployment = attempt("prod", changes)
    assert isinstance(deployment.error, SettingsError)
    assert [registration.type for registration in deployment.registrations] == [STACK]
    assert deployment.outputs == {}
