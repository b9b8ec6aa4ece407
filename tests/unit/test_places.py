"""A database and a search engine at an address: refused where the network rules lead elsewhere, or a key would leak."""

from __future__ import annotations

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import ABSENT, load_settings
from tests.unit.test_existing import KEY

CIDR = "203.0.113.0/24"
AT_443 = [{"cidr": CIDR, "ports": [443]}]


def search(host: str, at: Any, **others: Any) -> dict[str, Any]:
    """A chat whose search engine is there."""
    return {"meilisearch": {"host": host, "key": KEY, "at": at}, "storage": {"meilisearch": ABSENT}, **others}


def database(uri: str, at: Any, **others: Any) -> dict[str, Any]:
    """A chat whose database is there."""
    return {"mongodb": {"uri": uri, "at": at}, "storage": {"mongodb": ABSENT}, **others}


def load(librechat: dict[str, Any], **others: Any) -> None:
    """The prod stack with this chat."""
    load_settings("prod", {"librechat": librechat, **others}, encrypted=["librechat"])


def fault(librechat: dict[str, Any]) -> str:
    """The one fault of this chat."""
    with pytest.raises(SettingsError) as refused:
        load(librechat)
    count, text = str(refused.value).splitlines()
    assert count.startswith("1 setting can't be used")
    return text.strip().removeprefix("Pulumi.prod.yaml: ")


@pytest.mark.parametrize(
    ("host", "at", "asked"),
    [
        ("https://search.example.com", [{"cidr": "203.0.113.7/32"}], "port 443"),
        ("https://search.example.com:8443", AT_443, "port 8443"),
        ("https://198.51.100.7", AT_443, "198.51.100.7 and port 443"),
        ("http://10.0.0.7:7700", [{"cidr": "10.1.0.0/16"}], "10.0.0.7 and port 7700"),
    ],
)
def test_a_search_engine_that_the_rules_do_not_lead_to_is_an_error(host: str, at: Any, asked: str) -> None:
    text = fault(search(host, at))
    assert text.startswith(f"librechat.meilisearch.at has no entry with {asked}, but that is where ")
    assert text.endswith("or the namespace where it runs")


def test_a_key_that_would_cross_the_internet_in_the_open_is_an_error() -> None:
    text = fault(search("http://search.example.com:443", AT_443))
    assert text.startswith('librechat.meilisearch.host found "http://search.example.com:443": outside of the cluster')
    assert KEY not in text


@pytest.mark.parametrize("host", ["http://localhost:7700", "http://127.0.0.1:7700"])
def test_a_search_engine_in_the_pod_itself_is_an_error(host: str) -> None:
    assert "which in a pod is the pod itself" in fault(search(host, [{"cidr": CIDR}]))


@pytest.mark.parametrize("port", ["99999", "0"])
def test_a_port_that_is_none_is_an_error(port: str) -> None:
    text = fault(search(f"http://search:{port}", [{"cidr": CIDR}]))
    assert text.startswith(f'librechat.meilisearch.host found "http://search:{port}"; allowed: http:// or https://')


@pytest.mark.parametrize(
    ("librechat", "others"),
    [
        (search("https://search.example.com", AT_443), {}),
        (search("https://search.example.com/", [{"cidr": CIDR}, *AT_443]), {}),
        (search("https://search.example.com", [{"cidr": CIDR}], egress=AT_443), {}),
        (search("https://203.0.113.7", AT_443), {}),
        (search("http://10.0.0.7:7700", [{"cidr": "10.0.0.0/16"}]), {}),
        (search("http://search.corp.internal:7700", [{"cidr": CIDR}]), {}),
        (search("http://search.data.svc:80", [{"cidr": CIDR}]), {}),
        (search("http://search.data", [{"namespace": "data"}]), {}),
        (search("https://search.example.com", [{"cidr": CIDR}]), {"network": {"policies": False}}),
    ],
)
def test_a_search_engine_where_the_rules_lead_is_let_through(librechat: dict[str, Any], others: dict[str, Any]) -> None:
    load(librechat, **others)


USER = "mongodb://chat:hunter2@"


@pytest.mark.parametrize(
    ("uri", "at"),
    [
        (f"{USER}db.example.com:27018/LibreChat", [{"cidr": CIDR}]),
        (f"{USER}db.example.com/LibreChat", AT_443),
        (f"{USER}a.example.com,b.example.com:27018/LibreChat?replicaSet=rs0", [{"cidr": CIDR}]),
        (f"{USER}198.51.100.7/LibreChat", [{"cidr": CIDR}]),
    ],
)
def test_a_database_that_the_rules_do_not_lead_to_is_an_error_that_does_not_show_it(uri: str, at: Any) -> None:
    text = fault(database(uri, at))
    assert text.startswith("librechat.mongodb.at has no entry with the port, or around the address, of a host in ")
    assert not [secret for secret in ("hunter2", "27018", "example.com", "198.51") if secret in text]


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("localhost", "in a pod is the pod itself"),
        ("[::1]:27017", "in a pod is the pod itself"),
        ("db:hunter3", "a host or port that is none"),
        ("db:99999", "a host or port that is none"),
        ("[db", "a host or port that is none"),
    ],
)
def test_an_address_of_no_other_host_is_an_error_that_does_not_show_it(server: str, found: str) -> None:
    text = fault(database(f"{USER}{server}/LibreChat", [{"cidr": CIDR}]))
    assert text.startswith("librechat.mongodb.uri found a value that is not shown, ") and found in text
    assert "hunter" not in text


@pytest.mark.parametrize(
    ("uri", "at"),
    [
        (f"{USER}db.example.com/LibreChat", [{"cidr": CIDR}]),
        (f"{USER}db.example.com:27018/LibreChat", [{"cidr": CIDR, "ports": [27018]}]),
        (f"{USER}db.data.svc:27018/LibreChat", [{"cidr": CIDR}]),
        (f"{USER}db:27018/LibreChat", [{"namespace": "data", "ports": [27017]}]),
        ("mongodb+srv://chat:hunter2@cluster0.example.net/LibreChat", [{"cidr": CIDR, "ports": [27018]}]),
    ],
)
def test_a_database_where_the_rules_lead_is_let_through(uri: str, at: Any) -> None:
    load(database(uri, at))
