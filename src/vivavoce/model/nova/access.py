"""Whether there can be credentials for AWS here at all: looked at, not tried, so that it costs no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SECTION = re.compile(r"""^\s*\[\s*(?:profile\s+)?["']?(.+?)["']?\s*\]""", re.MULTILINE)
# Besides keys: what botocore's chain can get some by. A file may as well name a region alone.
_CREDENTIALS = re.compile(
    r"^\s*(aws_access_key_id|sso_|login_session|role_arn|credential_process|credential_source|web_identity)",
    re.MULTILINE,
)
_FILES = (("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), ("AWS_CONFIG_FILE", ".aws/config"))
_VENDOR = Path("/sys/class/dmi/id/sys_vendor")
GETTING_GOING = (
    "run `aws configure` or `aws sso login`; without an account, run `vivavoce emulate` and name its address with "
    "`--endpoint`"
)


def why_no_access(profile: str, environment: Mapping[str, str], *, vendor: Path = _VENDOR) -> str:
    """Empty if credentials may be there; whether they are good is only known when they are used."""
    if environment.get("AWS_BEARER_TOKEN_BEDROCK", "").strip():
        return ""
    given = [name for name in _PAIR if environment.get(name)]
    if len(given) == 1 and not profile:
        (absent,) = set(_PAIR) - set(given)
        return f"half of the AWS credentials: {absent} is not set (set both, or neither)"
    wanted = profile or ("" if given else environment.get("AWS_PROFILE", ""))
    if wanted and not _may_be_profile(wanted, environment):
        return f"there is no AWS profile {wanted!r} (`aws configure list-profiles` shows those there are)"
    if profile or has_keys(environment):
        return ""
    if _on_instance(environment, vendor):
        return ""
    return (
        "no AWS credentials: no keys or profile in the environment, none in ~/.aws, no role of a container or an "
        f"instance ({GETTING_GOING})"
    )


def has_keys(environment: Mapping[str, str]) -> bool:
    """Something that the environment or the user's files say of credentials."""
    if any(environment.get(name, "").strip() for name in _IN_ENVIRONMENT):
        return True
    return any(_says(config_file(environment, *file), _CREDENTIALS.search) for file in _FILES)


def has_config(environment: Mapping[str, str]) -> bool:
    """There is a file that may name a region."""
    return config_file(environment, *_FILES[1]) is not None


def config_file(environment: Mapping[str, str], variable: str, usual: str) -> Path | None:
    named = environment.get(variable, "")
    home = environment.get("HOME") or environment.get("USERPROFILE", "")
    path = Path(named) if named else Path(home) / usual if home else None
    return path if path is not None and path.is_file() else None


def _may_be_profile(name: str, environment: Mapping[str, str]) -> bool:
    """Whether one of AWS's files has a section for it."""
    return any(_says(config_file(environment, *file), lambda text: name in _SECTION.findall(text)) for file in _FILES)


def _says(path: Path | None, what: Callable[[str], object]) -> bool:
    """Whether a file says so. One that cannot be read here may."""
    try:
        return path is not None and bool(what(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError):
        return True


def _on_instance(environment: Mapping[str, str], vendor: Path) -> bool:
    """EC2, whose metadata service gives its role's keys."""
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    try:
        return "amazon" in vendor.read_text("utf-8", errors="replace").lower()
    except OSError:  # no Linux, or no such machine
        return False
