"""One data directory, managed through the command line as an operator would."""

import json
from pathlib import Path

from support import program
from support.access_key import AccessKey


class Installation:
    """Runs management commands on a data directory."""

    def __init__(self, data: Path):
        self.data = data

    def run(self, *arguments, **options) -> program.Outcome:
        """Runs a command with `--data`; the caller checks the exit code."""
        return program.run(*arguments, "--data", self.data, **options)

    def do(self, *arguments, **options) -> program.Outcome:
        """Runs a command that must succeed."""
        return self.run(*arguments, **options).expect(0)

    def root_key(self) -> AccessKey:
        """A new access key of the account itself, which needs no policy."""
        return AccessKey.from_json(self.do("key", "create", "--root", "--format", "json").json())

    def key_of(self, user: str) -> AccessKey:
        """A new access key of a user."""
        made = self.do("key", "create", "--user", user, "--format", "json")
        return AccessKey.from_json(made.json())

    def user(self, name: str, *, policies=(), system_policies=()) -> AccessKey:
        """Makes a user with the policies named, and a key of it."""
        self.do("user", "create", name)
        for policy in policies:
            self.do("policy", "attach", policy, "--user", name)
        for policy in system_policies:
            self.do("policy", "attach", policy, "--user", name, "--system")
        return self.key_of(name)

    def user_id(self, name: str) -> str:
        """The id that RAM gave a user."""
        users = self.do("user", "list", "--format", "json").json()
        return next(user["UserId"] for user in users if user["UserName"] == name)

    def policy(self, name: str, document: dict) -> str:
        """Makes a policy of a document."""
        path = self.data.parent / f"policy-{name}.json"
        path.write_text(json.dumps(document))
        self.do("policy", "create", name, "--document", path)
        return name

    def session(self, user: str, seconds: int, policy: dict | None = None) -> AccessKey:
        """A temporary key of a user."""
        extra = []
        if policy is not None:
            path = self.data.parent / f"session-policy-{user}.json"
            path.write_text(json.dumps(policy))
            extra = ["--policy", path]
        made = self.do(
            "key", "session", "--user", user, "--duration", seconds, *extra, "--format", "json"
        )
        return AccessKey.from_json(made.json())

    def import_advisories(self, directory: Path):
        """Imports all records of a directory."""
        self.do("db", "import", directory)

    def scan(self, image, *arguments, **options) -> program.Outcome:
        """Scans an image with the JSON report on standard output."""
        return self.run("scan", image, "--format", "json", *arguments, **options)

    def jobs(self) -> list:
        """The jobs of the installation."""
        return self.do("jobs", "--format", "json").json()
