"""Whether there can be credentials for AWS here at all: looked at, not tried, so that it costs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_IN_ENVIRONMENT = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_FILES = (("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), ("AWS_CONFIG_FILE", ".aws/config"))
_VENDOR = Path("/sys/class/dmi/id/sys_vendor")
GETTING_GOING = (
    "run `aws configure` or `aws sso login`; without an account, run `vivavoce emulate` and name its address with "
    "`--endpoint`"
)


def why_no_access(profile: str, environment: Mapping[str, str], *, vendor: Path = _VENDOR) -> str:
    """Empty if credentials may be there; whether they are good is only known when they are used."""
    if profile or has_keys(environment):
        return ""
    if _on_instance(environment, vendor):
        return ""
    return (
        "no AWS credentials: no keys or profile in the environment, no files in ~/.aws, no role of a container or an "
        f"instance ({GETTING_GOING})"
    )


def has_keys(environment: Mapping[str, str]) -> bool:
    """Something that the environment or the user's files say of credentials."""
    if any(environment.get(name, "").strip() for name in _IN_ENVIRONMENT):
        return True
    return any(config_file(environment, variable, usual) is not None for variable, usual in _FILES)


def has_config(environment: Mapping[str, str]) -> bool:
    """There is a file that may name a region."""
    return config_file(environment, *_FILES[1]) is not None


def config_file(environment: Mapping[str, str], variable: str, usual: str) -> Path | None:
    named = environment.get(variable, "")
    home = environment.get("HOME") or environment.get("USERPROFILE", "")
    path = Path(named) if named else Path(home) / usual if home else None
    return path if path is not None and path.is_file() else None


def _on_instance(environment: Mapping[str, str], vendor: Path) -> bool:
    """EC2, whose metadata service gives its role's keys."""
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    try:
        return "amazon" in vendor.read_text("utf-8", errors="replace").lower()
    except OSError:  # no Linux, or no such machine
        return False
