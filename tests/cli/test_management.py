"""Users, keys and policies are managed while the server runs, and take effect at once."""

import json

import pytest

from support import program
from support.api_client import ApiClient
from support.polling import wait_until

ACTION = "DescribeCloudCenterInstances"
ALLOW_SERVERS = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": ["yundun-sas:DescribeCloudCenter*"], "Resource": ["*"]}
    ],
}


@pytest.fixture
def served(installation, start_server):
    """An installation whose server runs, and the server."""
    return installation, start_server(installation)


def _becomes(server, key, code: str | None):
    """Waits until a call with the key has an outcome; a second is enough for any cache."""

    def check():
        answer = ApiClient(server.address, key).try_call(ACTION)
        return answer.code == code

    wait_until(check, f"a call is answered with {code or 'a success'}", 3)


def test_a_new_user_may_do_nothing(served):
    installation, server = served
    _becomes(server, installation.user("ada"), "NoPermission")


def test_a_policy_takes_effect_at_once_and_ends_at_once(served):
    installation, server = served
    key = installation.user("ada")
    installation.policy("servers", ALLOW_SERVERS)
    installation.do("policy", "attach", "servers", "--user", "ada")
    _becomes(server, key, None)
    installation.do("policy", "detach", "servers", "--user", "ada")
    _becomes(server, key, "NoPermission")


@pytest.mark.parametrize("policy", ["AliyunYundunSASFullAccess", "AliyunYundunSASReadOnlyAccess"])
def test_system_policies_are_there_from_the_start(served, policy):
    installation, server = served
    _becomes(server, installation.user("ada", system_policies=[policy]), None)


def test_a_key_can_be_disabled_enabled_and_deleted(served):
    installation, server = served
    key = installation.root_key()
    _becomes(server, key, None)
    installation.do("key", "disable", key.id)
    _becomes(server, key, "InvalidAccessKeyId.Inactive")
    installation.do("key", "enable", key.id)
    _becomes(server, key, None)
    installation.do("key", "delete", key.id)
    _becomes(server, key, "InvalidAccessKeyId.NotFound")


def test_the_keys_of_a_deleted_user_are_gone(served):
    installation, server = served
    key = installation.user("ada", system_policies=["AliyunYundunSASReadOnlyAccess"])
    _becomes(server, key, None)
    outcome = installation.run("user", "delete", "ada")
    if outcome.exit_code != 0:
        # Refusing while something hangs on the user is fine, if it says what to do.
        assert "key" in outcome.stderr and "ada" in outcome.stderr
        installation.do("key", "delete", key.id)
        policy = "AliyunYundunSASReadOnlyAccess"
        installation.do("policy", "detach", policy, "--user", "ada", "--system")
        installation.do("user", "delete", "ada")
    _becomes(server, key, "InvalidAccessKeyId.NotFound")


def test_keys_have_the_form_of_the_cloud(installation):
    root = installation.root_key()
    installation.do("user", "create", "ada")
    session = installation.session("ada", 900)
    assert root.id.startswith("LTAI")
    assert session.id.startswith("STS.")
    assert session.security_token


def test_lists_show_what_was_made_and_no_secret(installation):
    key = installation.user("ada", system_policies=["AliyunYundunSASReadOnlyAccess"])
    installation.policy("servers", ALLOW_SERVERS)
    assert "ada" in installation.do("user", "list").stdout
    assert "servers" in installation.do("policy", "list").stdout
    keys = installation.do("key", "list").stdout
    assert key.id in keys
    assert key.secret not in keys


def test_the_data_directory_does_not_reveal_secrets(installation):
    key = installation.root_key()
    for path in installation.data.rglob("*"):
        if path.is_file():
            assert key.secret.encode() not in path.read_bytes(), path


def test_the_data_directory_belongs_to_its_owner_alone(installation):
    installation.root_key()
    assert installation.data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("user", "delete", "nobody"), ["nobody"]),
        (("key", "create", "--user", "nobody"), ["nobody"]),
        (("key", "disable", "LTAI5tNoSuchKey"), ["LTAI5tNoSuchKey"]),
        (("key", "session", "--user", "nobody", "--duration", "900"), ["nobody"]),
        (("policy", "attach", "no-such-policy", "--user", "ada"), ["no-such-policy"]),
        (("policy", "attach", "AliyunNoSuch", "--user", "ada", "--system"), ["AliyunNoSuch"]),
        (("user", "create", "ada"), ["ada"]),
        (("user", "create", "not a name!"), ["not a name!"]),
    ],
)
def test_an_error_names_the_thing(installation, arguments, words):
    installation.do("user", "create", "ada")
    outcome = installation.run(*arguments)
    assert outcome.exit_code != 0, str(outcome)
    assert all(word in outcome.stderr for word in words), str(outcome)
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    "document, word",
    [
        ("this is not JSON", "JSON"),
        (json.dumps({"Version": "1"}), "Statement"),
        (
            json.dumps(
                {
                    "Version": "1",
                    "Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}],
                }
            ),
            "Perhaps",
        ),
        (
            json.dumps(
                {
                    "Version": "1",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "*",
                            "Resource": "*",
                            "Condition": {"StringAlmost": {"acs:SourceIp": "x"}},
                        }
                    ],
                }
            ),
            "StringAlmost",
        ),
    ],
)
def test_a_policy_that_is_none_is_refused_with_the_reason(installation, tmp_path, document, word):
    path = tmp_path / "policy.json"
    path.write_text(document)
    outcome = installation.run("policy", "create", "bad", "--document", path)
    assert outcome.exit_code != 0
    assert word in outcome.stderr and "policy.json" in outcome.stderr


def test_a_policy_file_that_does_not_exist_is_named(installation, tmp_path):
    missing = tmp_path / "missing.json"
    outcome = installation.run("policy", "create", "bad", "--document", missing)
    assert outcome.exit_code != 0
    assert "missing.json" in outcome.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("user", "nonsense"), ("key",), ("db",)])
def test_a_command_that_is_none_is_a_usage_error(arguments):
    outcome = program.run(*arguments).expect(2)
    assert "Usage:" in outcome.stderr
