"""No secret leaves in what `why` says."""

import base64
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.diagnosis.masking import COMMON, Masker, hidden, named_secrets, secret_texts
from tests.unit.ops.why_objects import record

ALPHABET = "".join(sorted(set(string.printable) - set(string.whitespace) - {"*"}))
SECRETS = st.text(alphabet=ALPHABET, min_size=8, max_size=60).filter(lambda text: text not in COMMON)


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_value_of_a_secret_is_left_in_any_form(secret: str, before: str, after: str) -> None:
    mask = Masker([secret])
    forms = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode())
    for form in forms:
        # Text beside it that repeats the secret's own beginning may be taken for a part of it: no harm.
        assert form not in mask(f"{before} {form} {after}")
        assert form not in mask(form)


@given(secret=SECRETS, cut=st.integers(min_value=6))
def test_a_secret_that_is_cut_at_the_end_of_a_message_is_masked_too(secret: str, cut: int) -> None:
    half = secret[: 6 + cut % (len(secret) - 6)]
    assert not Masker([secret])(f"the key is {half}").endswith(half)
    other = secret[-len(half) :]
    assert not Masker([secret])(f"{other} is the key").startswith(other)


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("abcde.xyz", "the key is abcde.", "the key is ***"),
        ("abcdefgh", "the key is abcdef...", "the key is ***"),
        ("abcdefgh-ijklmnop", "-ijklmnop and abcdefgh-", "*** and ***"),
    ],
)
def test_of_a_cut_secret_dots_of_its_own_and_both_ends_of_a_message_are_masked(
    secret: str, text: str, masked: str
) -> None:
    assert Masker([secret])(text) == masked


def test_the_password_in_a_uri_is_masked_by_itself_too() -> None:
    mask = Masker(["mongodb://librechat:s3cr3t-w0rd@librechat-mongodb:27017/LibreChat"])
    assert mask("auth failed for s3cr3t-w0rd") == "auth failed for ***"


def test_each_password_of_a_list_and_each_leaf_of_json_is_masked() -> None:
    mask = Masker(["password-1,password-2", json.dumps({"auths": {"registry": {"password": "hunter2-hunter2"}}})])
    assert mask("password-2 then hunter2-hunter2") == "*** then ***"


def test_a_short_value_is_masked_as_a_whole_word_only() -> None:
    assert Masker(["abcd"])("abcd, xabcdx and /abcd") == "***, xabcdx and /***"
    assert Masker(["abc"])("abc") == "abc"


def test_names_that_everybody_sees_are_not_masked_even_if_a_secret_holds_them() -> None:
    assert Masker(["librechat", "true", "t0ps3cret"], ["librechat"])("librechat is true: t0ps3cret") == (
        "librechat is true: ***"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("connect mongodb://user:pw@host:27017/db failed", "connect mongodb://user:***@host:27017/db failed"),
        ("redis://:p@ss:w@rd@host:6379", "redis://:***@host:6379"),
        ("MongoServerError uri=mongodb+srv://a:b@c/d", "MongoServerError uri=mongodb+srv://a:***@c/d"),
        ("Authorization: Bearer abcdef123456789", "Authorization: Bearer ***"),
        ("OPENAI_API_KEY=sk-abcdefghijklmnop", "OPENAI_API_KEY=***"),
        ('{"password": "x y z", "user": "u"}', '{"password": ***, "user": "u"}'),
        ("--master-key=0123", "--master-key=***"),
        ("db_pass = hunter2x", "db_pass = ***"),
        ('{"pass":"hunter2x"}', '{"pass":***}'),
        ("redisPass: hunter2x", "redisPass: ***"),
        ('{"password": "a\\"b"}', '{"password": ***}'),
        ('["{\\"pass\\": \\"hunter2x\\"}", "b"]', '["{\\"pass\\": ***}", "b"]'),
        ("mongosh --password hunter2x --port 8", "mongosh --password *** --port 8"),
        ("key eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ends", "key *** ends"),
        ("CREDS_KEY " + "0f" * 32, "CREDS_KEY ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc", "***"),
    ],
)
def test_what_looks_like_a_secret_is_masked_without_knowing_it(text: str, masked: str) -> None:
    assert Masker()(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        'MountVolume.SetUp failed for volume "x" : secret "librechat-credentials" not found',
        'secret "librechat-credentials" not found',
        "couldn't find key MEILI_MASTER_KEY in Secret librechat/librechat-credentials",
        "exceeded quota: small, requested: secrets=5, used: secrets=4, limited: secrets=8",
        "docker.io/ollama/ollama@sha256:" + "0f" * 32 + " not found",
        "exceeded quota: small, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi",
        "bypass: yes, passthrough=tls, pass-through: on, compass = north, and all tests pass",
        "serve --token-file /run/token --secret-name app --verbose-keys --port 8",
        "no label nvidia.com/gpu.present=true",
        'Get "http://10.0.0.5:3080/health": dial tcp 10.0.0.5:3080: connect: connection refused',
    ],
)
def test_what_a_cause_needs_to_be_understood_is_left_as_it_is(text: str) -> None:
    assert Masker(["0123456789abcdef"])(text) == text


def test_what_follows_a_flag_or_stands_under_a_name_of_a_secret_is_hidden() -> None:
    found = hidden(
        {
            "args": ["--password", "hunter2x", "--api-key", "hunter2x", "run"],
            "env": [{"name": "DB_PASS", "value": "hunter2x"}, {"name": "A", "value": "b"}],
        }
    )
    assert found == {
        "args": ["--password", "***", "--api-key", "***", "run"],
        "env": [{"name": "DB_PASS", "value": "***"}, {"name": "A", "value": "b"}],
    }


def test_what_says_where_a_secret_is_or_is_a_flag_itself_is_not_hidden() -> None:
    plain = {
        "args": ["--token-file", "/run/it", "--keys", "--port", "8", "password", "reset", "--", "x"],
        "env": [{"name": "ROOT_PASSWORD_FILE", "value": "/run/it"}],
        "secretName": "app",
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "topologyKey": "kubernetes.io/hostname",
    }
    assert hidden(plain) == plain


def test_the_secrets_of_settings_are_those_under_such_a_name() -> None:
    settings = {"auth": {"password": "one", "user": "u"}, "env": ({"name": "MY_TOKEN", "value": "two"}, {"KEY": 3})}
    assert list(named_secrets(settings)) == ["one", "two"]


def test_helms_records_and_harmless_variables_are_not_taken_for_secrets() -> None:
    def packed(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    secrets = [
        record("ollama", 1, "deployed", {}),
        {"type": "Opaque", "metadata": {"name": "a"}, "data": {"A": packed("one"), "B": packed("two")}},
        {"type": "Opaque", "metadata": {"name": "empty"}},
    ]
    variables = [
        {"name": "MONGODB_ROOT_PASSWORD", "value": "three"},
        {"name": "MONGODB_ROOT_PASSWORD_FILE", "value": "/run/secrets/it"},
        {"name": "MEILI_HOST", "value": "http://meili"},
        {"name": "FROM_SECRET", "valueFrom": {}},
    ]
    pods = [{"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "env": variables}, {"name": "d"}]}}]
    assert list(secret_texts(secrets, pods)) == ["one", "two", "three"]
