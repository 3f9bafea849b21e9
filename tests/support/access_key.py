"""The credentials of a caller."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class AccessKey:
    """An access key; temporary ones carry a security token."""

    id: str
    secret: str
    security_token: str | None = None

    @classmethod
    def from_json(cls, answer: dict) -> "AccessKey":
        """Reads what `tallyman key create` and `tallyman key session` print."""
        return cls(answer["AccessKeyId"], answer["AccessKeySecret"], answer.get("SecurityToken"))

    def with_secret(self, secret: str) -> "AccessKey":
        return replace(self, secret=secret)

    def with_token(self, token: str | None) -> "AccessKey":
        return replace(self, security_token=token)
