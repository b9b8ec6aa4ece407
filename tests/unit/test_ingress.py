"""The way in: host, certificate, what controllers are told, and no plain HTTP unawares."""

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import ABSENT, Changes, deploy, load_settings
from tests.unit.recording import POLICY, Deployment

HOSTS = [{"host": "chat.example.com", "paths": [{"path": "/", "pathType": "Prefix"}]}]
INGRESS_NGINX = {
    "nginx.ingress.kubernetes.io/proxy-body-size": "100m",
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "600",
    "nginx.ingress.kubernetes.io/proxy-send-timeout": "600",
    "nginx.ingress.kubernetes.io/proxy-buffering": "off",
}
F5_NGINX = {
    "nginx.org/client-max-body-size": "100m",
    "nginx.org/proxy-read-timeout": "600s",
    "nginx.org/proxy-send-timeout": "600s",
    "nginx.org/proxy-buffering": "False",
}
HAPROXY = {"haproxy.org/timeout-server": "600s", "haproxy-ingress.github.io/timeout-server": "600s"}


def ingress(changes: Changes | None = None) -> dict[str, Any]:
    """What the chart is told of the Ingress of the prod stack."""
    found: dict[str, Any] = deploy("prod", {"librechat": changes or {}}).values("librechat")["ingress"]
    return found


def only_fault(changes: Changes, stack: str = "prod") -> str:
    """The one fault of the changed settings."""
    with pytest.raises(SettingsError) as raised:
        load_settings(stack, {"librechat": changes})
    first, fault = str(raised.value).splitlines()
    assert first.startswith("1 setting can't be used")
    return fault.strip()


def test_with_a_host_the_ingress_serves_it_over_tls(prod: Deployment) -> None:
    found = prod.values("librechat")["ingress"]
    assert (found["enabled"], found["hosts"]) == (True, HOSTS)
    assert found["tls"] == [{"secretName": "chat-example-com-tls", "hosts": ["chat.example.com"]}]
    assert "className" not in found
    assert not [key for key in found["annotations"] if "cert-manager" in key]


@pytest.mark.parametrize(
    ("setting", "annotation"),
    [("certIssuer", "cert-manager.io/issuer"), ("certClusterIssuer", "cert-manager.io/cluster-issuer")],
)
def test_cert_manager_is_asked_for_a_certificate_in_a_secret_of_the_programs_naming(
    setting: str, annotation: str
) -> None:
    changes = {"tlsSecret": ABSENT, setting: "letsencrypt"}
    found = ingress(changes)
    assert found["annotations"][annotation] == "letsencrypt"
    assert [key for key in found["annotations"] if "cert-manager" in key] == [annotation]
    assert found["tls"] == [{"secretName": "librechat-tls", "hosts": ["chat.example.com"]}]
    deployed = deploy("prod", {"librechat": changes})
    assert deployed.outputs["url"] == "https://chat.example.com"
    assert "SESSION_COOKIE_SECURE" not in deployed.values("librechat")["librechat"]["configEnv"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, INGRESS_NGINX | F5_NGINX | HAPROXY),
        ("public", INGRESS_NGINX | F5_NGINX | HAPROXY),
        ("nginx", INGRESS_NGINX | F5_NGINX),
        ("nginx-internal", INGRESS_NGINX | F5_NGINX),
        ("haproxy", HAPROXY),
        ("traefik", {}),
    ],
)
def test_the_controllers_that_a_class_may_mean_are_told_of_uploads_and_streams(name: Any, expected: Any) -> None:
    found = ingress({"ingressClass": name})
    assert found["annotations"] == expected
    assert found.get("className") == name


def test_body_size_timeout_and_annotations_are_settings_and_those_of_the_stack_win() -> None:
    own = {"nginx.ingress.kubernetes.io/proxy-send-timeout": "5", "external-dns.alpha.kubernetes.io/ttl": "60"}
    found = ingress({"ingressClass": "nginx", "ingress": {"bodySize": "1g", "timeout": 60, "annotations": own}})
    annotations = found["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "1g"
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "60"
    assert annotations["nginx.org/proxy-read-timeout"] == "60s"
    assert {key: annotations[key] for key in own} == own


@pytest.mark.parametrize("size", [0, "0", "25m", "2G", "512k", 1048576])
def test_a_body_size_may_be_written_in_every_way_that_nginx_reads(size: Any) -> None:
    found = ingress({"ingress": {"bodySize": size}})
    assert found["annotations"]["nginx.org/client-max-body-size"] == str(size)


@pytest.mark.parametrize(
    ("key", "value", "found", "allowed"),
    [
        ("bodySize", "25MB", '"25MB"', "a size such as 100m or 1g, or 0"),
        ("bodySize", "25Mi", '"25Mi"', "a size such as 100m or 1g, or 0"),
        ("bodySize", "025m", '"025m"', "a size such as 100m or 1g, or 0"),
        ("bodySize", "5m; return 403", '"5m; return 403"', "a size such as 100m or 1g, or 0"),
        ("timeout", 0, "0", "a whole number of seconds, 1 or more"),
        ("timeout", "60s", '"60s"', "a whole number of seconds, 1 or more"),
        ("annotations", ["a"], '["a"]', "annotation keys and texts"),
    ],
)
def test_what_a_controller_would_not_take_is_an_error(key: str, value: Any, found: str, allowed: str) -> None:
    fault = only_fault({"ingress": {key: value}})
    assert fault == f"Pulumi.prod.yaml: librechat.ingress.{key} found {found}; allowed: {allowed}"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"certIssuer": "a"}, "certIssuer"),
        ({"certClusterIssuer": "a"}, "certClusterIssuer"),
        ({"tlsSecret": ABSENT, "certIssuer": "a", "certClusterIssuer": "a"}, "certClusterIssuer"),
    ],
)
def test_two_ways_to_a_certificate_are_an_error(changes: Changes, key: str) -> None:
    first = "certIssuer" if "tlsSecret" in changes else "tlsSecret"
    assert only_fault(changes) == (
        f"Pulumi.prod.yaml: librechat.{key} is set beside librechat.{first}; allowed: one of them"
    )


@pytest.mark.parametrize("key", ["tlsSecret", "certIssuer", "certClusterIssuer"])
def test_a_certificate_on_localhost_is_an_error(key: str) -> None:
    fault = only_fault({key: "chat"}, stack="dev")
    assert fault.startswith(f"Pulumi.dev.yaml: librechat.{key} is set, but localhost has no Ingress")


def test_plain_http_is_an_error_that_names_the_ways_out_of_it() -> None:
    fault = only_fault({"tlsSecret": ABSENT})
    assert fault.startswith('Pulumi.prod.yaml: librechat.host found "chat.example.com" without TLS: ')
    for way in ("tlsSecret", "certIssuer", "certClusterIssuer", "allowPlainHttp: true"):
        assert f"librechat.{way}" in fault


def test_plain_http_that_is_allowed_by_name_is_served(prod: Deployment) -> None:
    changes = {"host": "chat.internal", "tlsSecret": ABSENT, "allowPlainHttp": True, "ingressClass": "nginx"}
    deployment = deploy("prod", {"librechat": changes})
    found = deployment.values("librechat")["ingress"]
    assert "tls" not in found and found["hosts"][0]["host"] == "chat.internal"
    assert deployment.outputs["url"] == "http://chat.internal"


@pytest.mark.parametrize(
    "values",
    [
        {"ingress": {"tls": [{"secretName": "wildcard", "hosts": ["chat.example.com"]}]}},
        {"ingress": {"tls": [{"secretName": "wildcard", "hosts": ["*.example.com"]}]}},
        {"ingress": {"tls": [{"secretName": "of-all-hosts"}]}},
        {"ingress": {"enabled": False}},
    ],
    ids=["tls by values", "tls by a wildcard", "tls of every host", "no Ingress"],
)
def test_tls_by_helm_values_and_no_ingress_at_all_are_no_plain_http(values: dict[str, Any]) -> None:
    load_settings("prod", {"librechat": {"tlsSecret": ABSENT, "values": values}})


def test_values_that_take_the_certificate_away_are_plain_http() -> None:
    fault = only_fault({"values": {"ingress": {"tls": None}}})
    assert 'librechat.host found "chat.example.com" without TLS' in fault


OTHER = {"host": "other.example.com", "paths": []}
OF_OTHER = [{"secretName": "other", "hosts": ["other.example.com"]}]


@pytest.mark.parametrize(
    "tls",
    [
        OF_OTHER,
        [{"secretName": "wildcard", "hosts": ["*.com"]}],
        [{"secretName": "wildcard", "hosts": ["*.chat.example.com"]}],
    ],
)
def test_a_certificate_of_other_hosts_leaves_the_chat_on_plain_http(tls: list[Any]) -> None:
    fault = only_fault({"tlsSecret": ABSENT, "values": {"ingress": {"tls": tls}}})
    assert 'librechat.host found "chat.example.com" without TLS' in fault


@pytest.mark.parametrize(
    ("stack", "values", "key"),
    [
        ("dev", {"ingress": {"enabled": True, "hosts": [OTHER]}}, 'ingress.hosts.0 serves "other.example.com"'),
        ("dev", {"ingress": {"enabled": True}}, 'ingress.enabled serves "chat.example.com"'),
        ("prod", {"ingress": {"hosts": [*HOSTS, OTHER]}}, 'ingress.hosts.1 serves "other.example.com"'),
        ("prod", {"ingress": {"hosts": [{"paths": []}]}}, 'ingress.hosts.0 serves ""'),
        ("prod", {"service": {"type": "NodePort"}}, "service.type found NodePort"),
        ("dev", {"service": {"type": "LoadBalancer"}}, "service.type found LoadBalancer"),
    ],
)
def test_values_that_lead_to_the_chat_without_tls_are_an_error_with_their_place(
    stack: str, values: dict[str, Any], key: str
) -> None:
    fault = only_fault({"values": values}, stack)
    assert fault.startswith(f"Pulumi.{stack}.yaml: librechat.values: {key}, which ")
    assert fault.endswith("librechat.allowPlainHttp: true")
    load_settings(stack, {"librechat": {"values": values, "allowPlainHttp": True}})


def test_a_further_host_with_a_certificate_of_its_own_is_served() -> None:
    both = {"hosts": [*HOSTS, OTHER], "tls": [{"secretName": "chat", "hosts": ["chat.example.com"]}, *OF_OTHER]}
    load_settings("prod", {"librechat": {"values": {"ingress": both}}})


def test_a_host_is_a_stacks_own(prod: Deployment, dev: Deployment) -> None:
    other = deploy("prod", {"librechat": {"host": "red.example.com"}}).values("librechat")
    assert other["ingress"]["hosts"][0]["host"] == "red.example.com"
    assert other["ingress"]["tls"][0]["hosts"] == ["red.example.com"]
    assert other["librechat"]["configEnv"]["DOMAIN_SERVER"] == "https://red.example.com"
    assert dev.values("librechat")["ingress"] == {"enabled": False}


@pytest.mark.parametrize(
    "values",
    [
        {"ingress": {"tls": "chat-tls"}},
        {"ingress": {"tls": ["chat-tls"]}},
        {"ingress": {"tls": [{"hosts": "chat.example.com"}]}},
        {"ingress": {"hosts": "chat.example.com"}},
        {"ingress": {"hosts": ["chat.example.com"], "tls": 5}},
        {"ingress": 5},
    ],
)
def test_an_ingress_of_another_shape_is_an_error_and_no_traceback(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        load_settings("prod", {"librechat": {"tlsSecret": ABSENT, "values": values}})


ISSUER = {"cert-manager.io/cluster-issuer": "letsencrypt"}
LISTENERS = "alb.ingress.kubernetes.io/listen-ports"
ENTRY_POINTS = "traefik.ingress.kubernetes.io/router.entrypoints"
OPENING = [
    ("nginx.ingress.kubernetes.io/ssl-redirect", "false"),
    ("haproxy.org/ssl-redirect", "False"),
    ("kubernetes.io/ingress.allow-http", "true"),
    (LISTENERS, '[{"HTTP": 80}]'),
    (LISTENERS, '[{"HTTP": 80}, {"HTTPS": 443}]'),
    (ENTRY_POINTS, "web"),
    (ENTRY_POINTS, "websecure, web"),
]


@pytest.mark.parametrize(("key", "text"), OPENING)
def test_an_annotation_that_lets_plain_http_in_beside_tls_is_an_error_with_its_place(key: str, text: str) -> None:
    by_setting = {"ingress": {"annotations": {key: text}}}
    by_values = {"values": by_setting}
    fault = only_fault(by_setting)
    assert fault.startswith(f'Pulumi.prod.yaml: librechat.ingress.annotations.{key} found "{text}", by which the chat')
    assert fault.endswith("librechat.allowPlainHttp: true")
    fault = only_fault(by_values)
    assert fault.startswith(f'Pulumi.prod.yaml: librechat.values: ingress.annotations.{key} found "{text}", by which')
    for changes in (by_setting, by_values):
        load_settings("prod", {"librechat": {**changes, "allowPlainHttp": True}})


@pytest.mark.parametrize(
    "annotations",
    [
        {"nginx.ingress.kubernetes.io/ssl-redirect": "true"},
        {
            "nginx.ingress.kubernetes.io/ssl-redirect": "false",
            "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
        },
        {"kubernetes.io/ingress.allow-http": "false"},
        {LISTENERS: '[{"HTTPS": 443}]'},
        {LISTENERS: '[{"HTTP": 80}, {"HTTPS": 443}]', "alb.ingress.kubernetes.io/ssl-redirect": "443"},
        {ENTRY_POINTS: "websecure"},
    ],
)
def test_annotations_that_leave_tls_alone_are_let_through(annotations: dict[str, str]) -> None:
    load_settings("prod", {"librechat": {"ingress": {"annotations": annotations}}})


OWN_TLS = {"tls": [{"secretName": "search", "hosts": ["search.example.com"]}]}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"meilisearch": {"ingress": {"enabled": True}}}, "meilisearch.ingress.enabled"),
        ({"mongodb": {"extraDeploy": [{"kind": "Ingress", "spec": {}}]}}, "mongodb.extraDeploy.0"),
        ({"mongodb": {"extraDeploy": ["kind: Ingress\nspec:\n  tls: {{ .Values.tls }}\n"]}}, "mongodb.extraDeploy.0"),
        (
            {
                "mongodb": {
                    "extraDeploy": [
                        {"kind": "Ingress", "metadata": {"annotations": {ENTRY_POINTS: "web"}}, "spec": OWN_TLS}
                    ]
                }
            },
            "mongodb.extraDeploy.0",
        ),
    ],
)
def test_a_further_ingress_without_tls_is_an_error(values: dict[str, Any], path: str) -> None:
    fault = only_fault({"values": values})
    assert fault.startswith(f"Pulumi.prod.yaml: librechat.values: {path} is an Ingress that serves without TLS")
    load_settings("prod", {"librechat": {"values": values, "allowPlainHttp": True}})


def test_further_ingresses_with_tls_are_let_through() -> None:
    of_search = {"meilisearch": {"ingress": {"enabled": True, **OWN_TLS}}}
    extra = {"mongodb": {"extraDeploy": [{"kind": "Ingress", "spec": OWN_TLS}, {"kind": "ConfigMap"}]}}
    load_settings("prod", {"librechat": {"values": {**of_search, **extra}}})


@pytest.mark.parametrize(
    "changes", [{"ingress": {"annotations": ISSUER}}, {"values": {"ingress": {"annotations": ISSUER}}}]
)
def test_a_challenge_is_answered_for_an_issuer_that_an_annotation_names(changes: Changes, prod: Deployment) -> None:
    name = "librechat-allow-acme"
    assert [item.name for item in deploy("prod", {"librechat": changes}).of_type(POLICY)].count(name) == 1
    assert name not in [item.name for item in prod.of_type(POLICY)]
