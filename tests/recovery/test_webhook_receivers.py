"""What receivers of webhooks answer is heeded, whatever ends in between."""

import time
from email.utils import formatdate

import pytest

from images.oci_builder import write_layout
from recovery.changing_fleet import Fleet, probe_record
from support.fleet import python_distribution
from support.polling import wait_until
from support.webhook_receiver import HOLD

MANY = 230
PAGE = 200
FAILED = 3


@pytest.fixture
def large_fleet(installation, start_server, builder, tmp_path):
    """A server with more images than one message is about, which show the same packages."""
    layer = builder.layer(python_distribution("tallyman-probe", "1.0.0"))
    images = {
        f"registry.example.com/tools/number-{number}:1": builder.image(
            [layer], labels={"number": str(number)}
        )
        for number in range(MANY)
    }
    layout = write_layout(tmp_path / "layout", images)
    return Fleet(installation, start_server, layout, tmp_path)


def _delivered(fleet):
    wait_until(lambda: not fleet.installation.jobs(), "nothing waits for delivery", 90)


def test_a_receiver_that_is_gone_is_told_nothing_until_it_is_enabled(fleet, receiver):
    hook = receiver(410)
    identifier = fleet.add_webhook(hook.url)["id"]
    fleet.change()
    wait_until(lambda: "disabled" in fleet.webhook(), "the webhook is disabled", 60)
    wait_until(lambda: fleet.webhook()["given_up"] == 1, "the delivery is given up", 60)
    assert "410" in fleet.webhook()["last_error"]
    fleet.import_records("third", probe_record("TALLY-THIRD", "1.1"))
    assert len(fleet.changes()) == 2
    assert fleet.webhook()["waiting"] == 0, "what changes now is not queued for it"
    fleet.server.kill()
    fleet.restart()
    refused = fleet.installation.run("webhook", "retry", identifier).expect(FAILED)
    assert "webhook enable" in refused.stderr
    # Who queues it by hand is told why it is given up again.
    fleet.installation.do("jobs", "--retry-dead")
    wait_until(lambda: fleet.webhook()["given_up"] == 1, "it is given up again", 60)
    (job,) = fleet.installation.jobs()
    assert "disabled" in job["last_error"] and hook.count() == 1

    fleet.installation.do("webhook", "enable", identifier)
    assert "disabled" not in fleet.webhook()
    assert fleet.installation.do("webhook", "retry", identifier).stdout == "Queued again: 1.\n"
    _delivered(fleet)
    assert [message.id for message in hook.messages] == [hook.messages[0].id] * 2
    fleet.import_records("fourth", probe_record("TALLY-FOURTH", "1.1"))
    _delivered(fleet)
    assert hook.count() == 3
    assert fleet.installation.run("webhook", "enable", "wh-other").expect(FAILED)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(fleet, receiver, form):
    wait = 20
    after = str(wait) if form == "seconds" else formatdate(time.time() + wait + 5, usegmt=True)
    status = 429 if form == "seconds" else 503
    hook = receiver((status, {"retry-after": after}))
    fleet.add_webhook(hook.url)
    fleet.change()
    wait_until(lambda: "paused_until" in fleet.webhook(), "it waits", 60)
    # What is to be told meanwhile waits too, also in the next process.
    fleet.server.kill()
    fleet.import_records("third", probe_record("TALLY-THIRD", "1.1"))
    fleet.restart()
    _delivered(fleet)
    first, *others = hook.messages
    assert len({message.id for message in others}) == 2 and first.id in {it.id for it in others}
    assert all(message.timestamp - first.timestamp >= wait - 1 for message in others)
    assert "paused_until" not in fleet.webhook() and "last_error" not in fleet.webhook()


def test_no_redirect_is_followed_and_what_was_given_up_is_listed(fleet, receiver):
    elsewhere = receiver()
    hook = receiver(*[(status, {"location": elsewhere.url}) for status in (301, 307, 308)])
    fleet.add_webhook(hook.url)
    fleet.change()
    wait_until(lambda: hook.count() == 1, "the message came", 60)
    wait_until(lambda: "301" in fleet.webhook().get("last_error", ""), "it was no success", 60)
    _delivered(fleet)
    assert hook.count() == 4
    assert elsewhere.count() == 0


def test_many_images_are_told_in_pages_although_the_server_is_killed_between_them(
    large_fleet, receiver
):
    hook = receiver(200, HOLD)
    large_fleet.add_webhook(hook.url)
    large_fleet.change()
    wait_until(lambda: hook.count() == 2, "the second page is with the receiver", 120)
    large_fleet.server.kill()
    large_fleet.restart()
    _delivered(large_fleet)
    pages = [message.json["data"]["page"] for message in hook.messages]
    assert pages == [1, 2, 2], "what was taken is not sent again"
    first, second, again = hook.messages
    assert second.id == again.id != first.id
    told = [image["image_id"] for page in (first, again) for image in page.json["data"]["images"]]
    assert len(first.json["data"]["images"]) == PAGE
    assert len(told) == len(set(told)) == MANY


def test_both_secrets_sign_until_the_time_of_the_old_one_is_over(fleet, receiver):
    hook = receiver()
    added = fleet.add_webhook(hook.url)
    identifier, old = added["id"], added["secret"]

    def rotate(hours: int) -> str:
        words = ("webhook", "rotate", identifier, "--keep-hours", hours, "--format", "json")
        return fleet.installation.do(*words).json()["secret"]

    new = rotate(1)
    assert new != old and "old_secret_until" in fleet.webhook()
    fleet.server.kill()
    fleet.restart()
    fleet.change()
    _delivered(fleet)
    (message,) = hook.messages
    assert message.is_signed_with(old) and message.is_signed_with(new)
    newest = rotate(0)
    assert "old_secret_until" not in fleet.webhook()
    fleet.installation.do("webhook", "test", identifier)
    message = hook.messages[-1]
    assert message.is_signed_with(newest)
    assert not message.is_signed_with(new) and not message.is_signed_with(old)
    assert fleet.installation.run("webhook", "rotate", "wh-other").expect(FAILED)


def test_addresses_within_the_machine_or_its_cloud_are_refused(installation):
    for url in (
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.100.200/latest",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/hook",
    ):
        refused = installation.run("webhook", "add", url).expect(FAILED)
        assert "connect to" in refused.stderr, url
    installation.do("webhook", "add", "https://10.0.0.1/hook")


def test_what_rules_suppress_is_not_told_and_what_rules_change_is(fleet, receiver):
    hook = receiver()
    fleet.add_webhook(hook.url)
    why = ("--reason", "never called", "--author", "Ada")
    fleet.installation.do("ignore", "add", "lookup", "--vulnerability", "TALLY-COMES", *why)
    # What comes is suppressed and no change; the others are told.
    fleet.change()
    _delivered(fleet)
    (message,) = hook.messages
    (image,) = message.json["data"]["images"]
    told = {it["id"]: it["change"] for it in image["vulnerabilities"]}
    assert told == {"TALLY-GOES": "went", "TALLY-RANGE": "came"}
    assert image["before"]["vulnerabilities"] == image["after"]["vulnerabilities"] == 2

    fleet.server.kill()
    fleet.installation.do("ignore", "remove", "lookup")
    fleet.restart()
    _delivered(fleet)
    (image,) = hook.messages[-1].json["data"]["images"]
    (came,) = image["vulnerabilities"]
    assert (came["id"], came["change"]) == ("TALLY-COMES", "came")
    cause = {"kind": "rule", "id": "lookup", "author": "Ada", "reason": "never called"}
    assert came["cause"] == {**cause, "fate": "removed"}
    assert (image["before"]["vulnerabilities"], image["after"]["vulnerabilities"]) == (2, 3)

    newest, before = fleet.changes()
    (told,) = newest["Vulnerabilities"]
    expected = {
        "Type": "IgnoreRule",
        "Id": "lookup",
        "Author": "Ada",
        "Reason": "never called",
        "Effect": "Removed",
    }
    assert told["Cause"] == expected and newest["Change"] == "Worse"
    (info,) = fleet.api().image_infos(fleet.uuid)
    assert newest["VulCountAfter"] == info["VulCount"] == 3
    assert newest["Revision"] == before["Revision"]
    # It came after the revision, and is none of its changes.
    assert fleet.changes(SinceRevision=newest["Revision"]) == [newest]
    difference = fleet.installation.run("db", "diff", "--format", "json").expect(1).json()
    assert [len(image["vulnerabilities"]) for image in difference["images"]] == [2]
    # A cell breaks its lines between words.
    listed = fleet.installation.do("changes").stdout
    assert all(word in listed for word in ("TALLY-COMES", "lookup", "Ada", "removed"))
