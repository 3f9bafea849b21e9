"""`tallyman serve`: where it listens and how it fails."""

import hashlib
import socket

from support import program
from support.raw_http import RawRequest, send


def test_the_server_says_that_it_is_well(installation, start_server):
    server = start_server(installation)
    answer = send(server.address, RawRequest("GET", "/healthz", ()))
    assert answer.status == 200
    assert answer.json()["status"] == "ok"


def test_the_address_is_written_for_other_commands(installation, start_server):
    server = start_server(installation)
    assert (installation.data / "endpoint").read_text().strip() == server.url


def test_the_server_ends_when_asked(installation, start_server):
    start_server(installation).stop()


def _indexes(installation) -> list:
    return sorted(installation.data.rglob("index-*.tix"))


def _is_whole(index) -> bool:
    """An index is named after the SHA-256 of what is behind its head of 48 bytes."""
    return hashlib.sha256(index.read_bytes()[48:]).hexdigest() in index.name


def test_an_index_that_rotted_is_compiled_anew_when_the_server_starts(installation, start_server):
    installation.run("db", "info").expect(0)
    (index,) = _indexes(installation)
    content = bytearray(index.read_bytes())
    content[len(content) // 2] ^= 1
    index.unlink()
    index.write_bytes(content)
    assert not _is_whole(index)
    start_server(installation).stop()
    assert [_is_whole(index) for index in _indexes(installation)] == [True]


def test_a_port_that_is_taken_is_named(installation):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = installation.run("serve", "--listen", address, timeout=30)
    assert outcome.exit_code != 0
    assert address in outcome.stderr


def test_a_data_directory_that_is_a_file_is_named(tmp_path):
    path = tmp_path / "not-a-directory"
    path.write_text("")
    outcome = program.run("serve", "--data", path, "--listen", "127.0.0.1:0", timeout=30)
    assert outcome.exit_code != 0
    assert "not-a-directory" in outcome.stderr


def test_a_listen_address_that_is_none_is_a_usage_error(installation):
    outcome = installation.run("serve", "--listen", "nonsense", timeout=30).expect(2)
    assert "nonsense" in outcome.stderr


def test_paths_that_are_not_the_api_are_not_found(installation, start_server):
    server = start_server(installation)
    assert send(server.address, RawRequest("GET", "/no/such/path", ())).status == 404
