"""A server with images whose answers change: with the advisories, and with what is suppressed."""

from support import advisories
from support.agent import Agent
from support.api_client import ApiClient

LATER = "2026-11-02T00:00:00Z"
IMAGE = "registry.example.com/tools/flagged:1"


def probe_record(identifier: str, fixed: str, **options) -> dict:
    """A record of the package that the images hold in version 1.0.0."""
    return advisories.record(identifier, "PyPI", "tallyman-probe", fixed=fixed, **options)


FIRST = [
    probe_record("TALLY-GOES", "2"),
    probe_record("TALLY-RANGE", "0.5"),
    probe_record("TALLY-STAYS", "2"),
]
# One record is withdrawn, of one the range reaches the image's version now, one is new.
SECOND = [
    {**probe_record("TALLY-GOES", "2", withdrawn=LATER), "modified": LATER},
    {**probe_record("TALLY-RANGE", "1.5"), "modified": LATER},
    probe_record("TALLY-COMES", "1.1", vector="CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"),
]
FATES = {"TALLY-GOES": "went", "TALLY-RANGE": "came", "TALLY-COMES": "came"}


class Fleet:
    """A server with one image that the first records speak of."""

    def __init__(self, installation, start_server, layout, directory):
        self.installation = installation
        self.directory = directory
        self._start = start_server
        installation.import_advisories(
            advisories.write(directory / "first", [*FIRST, *advisories.coverage()])
        )
        self.key = installation.root_key()
        self.server = start_server(installation)
        agent = Agent(directory / "agent", "host")
        agent.report(self.server.url, self.key, "--oci-layout", layout).expect(0)
        (self.uuid,) = self.api().server_uuids()

    def api(self) -> ApiClient:
        return ApiClient(self.server.address, self.key)

    def restart(self):
        self.server = self._start(self.installation)

    def change(self):
        self.installation.import_advisories(
            advisories.write(self.directory / "second", SECOND)
        )

    def changes(self, **parameters) -> list:
        return self.api().call("DescribeImageRiskChanges", **parameters)["Changes"]

    def add_webhook(self, url: str, *events) -> dict:
        words = [word for event in events for word in ("--event", event)]
        return self.installation.do("webhook", "add", url, *words, "--format", "json").json()

    def webhooks(self) -> list:
        return self.installation.do("webhook", "list", "--format", "json").json()

    def import_records(self, name: str, *records):
        """Imports records of a name that was not used yet."""
        self.installation.import_advisories(
            advisories.write(self.directory / name, list(records))
        )

    def webhook(self) -> dict:
        """The only webhook."""
        (webhook,) = self.webhooks()
        return webhook
