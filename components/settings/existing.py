"""What a stack brings along in place of what the program would make: a database, a search engine, Secrets."""

from __future__ import annotations

from pydantic import Secret

from components.formats import Cidr, DnsLabel, DnsName, HttpAddress, MasterKey, MongoUri, Ports, SecretKey
from components.ports import MEILISEARCH, MONGODB
from components.settings.base import NETWORK, REQUIRED, Model, setting


class DatabasePlace(Model):
    """Where a database runs, for the network rules: outside of the cluster, or in a namespace of it."""

    cidr: Cidr | None = setting(None, "addresses outside of the cluster", NETWORK)
    namespace: DnsLabel | None = setting(None, "or a namespace of the cluster", "the name of a namespace")
    ports: Ports = setting((MONGODB,), "its TCP ports", "a list of ports from 1 to 65535")


class SearchPlace(DatabasePlace):
    """Where a search engine runs: as DatabasePlace, with a port of its own."""

    ports: Ports = setting((MEILISEARCH,), "its TCP ports", "a list of ports from 1 to 65535")


class ExistingMongodb(Model):
    """A MongoDB that is there already."""

    uri: Secret[MongoUri] | None = setting(
        None,
        "its address with user, password and the name of the database; encrypted config only",
        "mongodb:// or mongodb+srv:// with a database, such as mongodb+srv://user:password@host/LibreChat",
    )
    secret: DnsName | None = setting(
        None, "or the Secret of the chat's namespace that holds the address", "the name of a Secret"
    )
    secret_key: SecretKey = setting("MONGO_URI", "the key of that Secret", "a key of a Secret")
    at: tuple[DatabasePlace, ...] = setting(
        (), "where it runs, for the network rules", "a list of cidr or namespace, and ports"
    )


class ExistingMeilisearch(Model):
    """A Meilisearch that is there already."""

    host: HttpAddress = setting(REQUIRED, "its address", "http:// or https://, a host and perhaps a port, nothing else")
    key: Secret[MasterKey] | None = setting(
        None, "its key; encrypted config only", "16 or more printable ASCII characters, no space"
    )
    secret: DnsName | None = setting(
        None, "or the Secret of the chat's namespace that holds the key", "the name of a Secret"
    )
    secret_key: SecretKey = setting("MEILI_MASTER_KEY", "the key of that Secret", "a key of a Secret")
    at: tuple[SearchPlace, ...] = setting(
        (), "where it runs, for the network rules", "a list of cidr or namespace, and ports"
    )


class CredentialKeys(Model):
    """Which key of a Secret holds which of LibreChat's own keys."""

    jwt_secret: SecretKey = setting("JWT_SECRET", "the key that holds JWT_SECRET", "a key of a Secret", "JWT_SECRET")
    jwt_refresh_secret: SecretKey = setting(
        "JWT_REFRESH_SECRET", "the key that holds JWT_REFRESH_SECRET", "a key of a Secret", "JWT_REFRESH_SECRET"
    )
    creds_key: SecretKey = setting("CREDS_KEY", "the key that holds CREDS_KEY", "a key of a Secret", "CREDS_KEY")
    creds_iv: SecretKey = setting("CREDS_IV", "the key that holds CREDS_IV", "a key of a Secret", "CREDS_IV")


class ExistingCredentials(Model):
    """A Secret with LibreChat's own keys; whatever else it holds becomes environment of LibreChat too."""

    secret: DnsName = setting(
        REQUIRED, "the Secret of the chat's namespace with LibreChat's own keys", "the name of a Secret"
    )
    secret_keys: CredentialKeys = setting(
        CredentialKeys(), "which of its keys holds which", "JWT_SECRET, JWT_REFRESH_SECRET, CREDS_KEY and CREDS_IV"
    )
