"""What changed is told to webhooks, whatever ends in between, and to whoever asks the API."""

import json

from aliyunsdkcore.auth.credentials import AccessKeyCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from recovery.changing_fleet import FATES, IMAGE, probe_record
from support import advisories
from support.polling import wait_until
from support.webhook_receiver import HOLD

def test_a_change_is_delivered_although_the_receiver_fails_and_the_server_is_killed(
    fleet, receiver
):
    hook = receiver(500, HOLD)
    added = fleet.add_webhook(hook.url)
    fleet.change()
    wait_until(lambda: hook.count() == 2, "the message came twice", 60)
    # The second message is with the receiver, and the server waits for its answer.
    fleet.server.kill()
    failed = fleet.webhooks()[0]
    assert "500" in failed["last_error"] and "last_success" not in failed
    fleet.restart()
    wait_until(lambda: not fleet.installation.jobs(), "nothing waits for delivery", 60)
    assert hook.count() == 3
    assert all(message.is_signed_with(added["secret"]) for message in hook.messages)
    assert not hook.messages[0].is_signed_with("whsec_" + "A" * 32)
    assert len({message.id for message in hook.messages}) == 1, "it is the same message"
    taken = fleet.webhooks()[0]
    assert taken["last_success"] and "last_error" not in taken

    message = hook.messages[-1].json
    assert (message["type"], message["data"]["page"]) == ("images.changed", 1)
    info = fleet.installation.do("db", "info", "--format", "json").json()
    assert message["data"]["revision"] == info["revision"]
    (image,) = message["data"]["images"]
    assert (image["change"], image["became_at_risk"]) == ("both", False)
    assert image["before"] == {"at_risk": True, "vulnerabilities": 2}
    assert image["after"] == {"at_risk": True, "vulnerabilities": 3}
    assert {it["id"]: it["change"] for it in image["vulnerabilities"]} == FATES
    assert all(it["advisory"] == it["id"] for it in image["vulnerabilities"])
    assert {it["package"]["name"] for it in image["vulnerabilities"]} == {"tallyman-probe"}
    assert [(it["uuid"], it["names"]) for it in image["servers"]] == [(fleet.uuid, [IMAGE])]


def test_the_api_the_command_line_and_the_diff_tell_the_same(fleet):
    assert fleet.changes() == [], "the first answer is no change"
    fleet.change()
    (change,) = fleet.changes()
    (info,) = fleet.api().image_infos(fleet.uuid)
    for name in ("ImageId", "Digest", "RepoName", "RepoNamespace", "Tag", "RepoId", "Endpoints"):
        assert change.get(name) == info.get(name), name
    assert (change["VulCountBefore"], change["VulCountAfter"]) == (2, info["VulCount"])
    assert (change["RiskStatusBefore"], change["RiskStatusAfter"]) == ("YES", info["RiskStatus"])
    assert {it["Name"]: it["Change"].lower() for it in change["Vulnerabilities"]} == FATES
    assert [it["Uuid"] for it in change["Servers"]] == [fleet.uuid]

    client = AcsClient(
        region_id="cn-hangzhou", credential=AccessKeyCredential(fleet.key.id, fleet.key.secret)
    )
    request = CommonRequest(
        domain=fleet.server.address, version="2018-12-03", action_name="DescribeImageRiskChanges"
    )
    request.set_protocol_type("http")
    request.add_query_param("Uuids", fleet.uuid)
    assert json.loads(client.do_action_with_exception(request))["Changes"] == [change]

    told = fleet.installation.do("changes", "--since", "1h", "--format", "json").json()
    assert told == [change]
    assert "TALLY-GOES" in fleet.installation.do("changes").stdout
    before = str(change["RevisionNumber"] - 1)
    assert fleet.installation.do("changes", "--since", before, "--format", "json").json() == told
    assert fleet.changes(SinceRevision=change["Revision"]) == []
    assert fleet.changes(Uuids="00000000-0000-4000-8000-000000000000") == []
    assert fleet.changes(Change="Worse") == fleet.changes(Change="Better") == [change]
    refused = fleet.api().try_call("DescribeImageRiskChanges", SinceRevision="unknown-revision")
    assert refused.status == 400

    difference = fleet.installation.run("db", "diff", "--format", "json").expect(1).json()
    (image,) = difference["images"]
    assert {it["id"]: it["change"] for it in image["vulnerabilities"]} == FATES
    # The same once more changes nothing, and what changed before is not told of it.
    fleet.change()
    assert fleet.changes() == [change]


def test_an_import_that_changes_no_answer_is_not_delivered(fleet, receiver):
    hook = receiver()
    fleet.add_webhook(hook.url)
    fleet.installation.import_advisories(
        advisories.write(
            fleet.directory / "other", [probe_record("TALLY-OTHER", "0.1")]
        )
    )
    fleet.change()
    wait_until(lambda: hook.count() == 1, "the change that counts was told", 60)
    assert len(fleet.changes()) == 1


def test_a_webhook_is_managed_and_tested(installation, receiver):
    hook = receiver()
    added = installation.do(
        "webhook", "add", hook.url, "--event", "image.worse", "--format", "json"
    ).json()
    installation.do("webhook", "test", added["id"])
    assert hook.messages[0].json["type"] == "webhook.test"
    assert hook.messages[0].is_signed_with(added["secret"])
    (listed,) = installation.do("webhook", "list", "--format", "json").json()
    assert (listed["url"], listed["events"]) == (hook.url, ["image.worse"])
    assert added["secret"] not in installation.do("webhook", "list").stdout
    installation.do("webhook", "remove", added["id"])
    gone = installation.run("webhook", "test", added["id"])
    assert gone.exit_code == 3 and added["id"] in gone.stderr
    for url in ("http://example.com/", "https://a:b@example.com/"):
        refused = installation.run("webhook", "add", url)
        assert refused.exit_code == 3 and "example.com" in refused.stderr
    assert installation.run("webhook", "add", hook.url, "--event", "other").exit_code == 2
