"""Where credentials come from, and what is said when they cannot be had. The chain itself is botocore's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vivavoce.errors import AccessFault
from vivavoce.model.bedrock.identity import ChainedIdentity, Identity
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.wire.sigv4 import Keys

VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """An environment with these AWS files and nothing else of this machine."""
    for name in (*VARIABLES, "AWS_DEFAULT_REGION", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(
        "[default]\nregion = eu-north-1\n"
        "[profile work]\nregion = us-west-2\n"
        "[profile gone]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid\nsso_region = us-east-1\n"
        "[profile renewed]\ncredential_process = "
        'echo \'{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"s","SessionToken":"t",'
        '"Expiration":"2100-01-01T00:00:00Z"}\'\n'
    )
    credentials.write_text("[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = worksecret\n")
    return {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}


def resolved(settings: BedrockSettings, environment: Mapping[str, str]) -> Identity:
    return asyncio.run(ChainedIdentity(settings, environment).identity())


def region_of(settings: BedrockSettings, environment: Mapping[str, str]) -> str:
    return asyncio.run(ChainedIdentity(settings, environment).region())


def test_keys_of_the_environment() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert resolved(BedrockSettings(), environment) == Identity(Keys("ASIA", "s", "t"))
    expiring = {**environment, "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z"}
    assert resolved(BedrockSettings(), expiring).expire == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_half_of_the_keys_is_a_mistake() -> None:
    with pytest.raises(AccessFault, match="AWS_SECRET_ACCESS_KEY is not set"):
        resolved(BedrockSettings(), {"AWS_ACCESS_KEY_ID": "a"})
    with pytest.raises(AccessFault, match="AWS_ACCESS_KEY_ID is not set"):
        resolved(BedrockSettings(), {"AWS_SECRET_ACCESS_KEY": "a"})
    with pytest.raises(AccessFault, match="no time"):
        resolved(
            BedrockSettings(),
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CREDENTIAL_EXPIRATION": "soon"},
        )


def test_a_bearer_key_comes_first() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s"}
    found = resolved(BedrockSettings(bearer_token="key"), environment)
    assert found == Identity(bearer_token="key")
    assert "key" not in repr(found).replace("keys", "")


def test_profiles(files: Mapping[str, str]) -> None:
    expected = Identity(Keys("AKIAWORK", "worksecret"))
    assert resolved(BedrockSettings(profile="work"), files) == expected
    assert resolved(BedrockSettings(), {**files, "AWS_PROFILE": "work"}) == expected
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert resolved(BedrockSettings(profile="work"), {**files, **keys}) == expected, "named, it comes before variables"
    assert resolved(BedrockSettings(), {**files, **keys, "AWS_PROFILE": "work"}) == Identity(Keys("a", "b"))


def test_regions(files: Mapping[str, str]) -> None:
    assert region_of(BedrockSettings(region="ap-northeast-1"), files) == "ap-northeast-1"
    assert region_of(BedrockSettings(), files) == "eu-north-1"
    assert region_of(BedrockSettings(profile="work"), files) == "us-west-2"


def test_keys_that_expire_say_when(files: Mapping[str, str]) -> None:
    found = resolved(BedrockSettings(profile="renewed"), files)
    assert found.keys == Keys("ASIA", "s", "t")
    assert found.expire == datetime(2100, 1, 1, tzinfo=UTC)


def test_keys_that_were_refused_as_expired_are_read_anew(files: Mapping[str, str]) -> None:
    keys_file = Path(files["AWS_SHARED_CREDENTIALS_FILE"])
    newer = keys_file.read_text().replace("WORK", "NEW")

    async def main() -> tuple[bool, Identity, bool, Identity]:
        source = ChainedIdentity(BedrockSettings(profile="work"), files)
        nothing_known = await source.renew()
        await source.identity()
        await asyncio.to_thread(keys_file.write_text, newer)
        remembered = await source.identity()
        return nothing_known, remembered, await source.renew(), await source.identity()

    nothing_known, remembered, renewed, fresh = asyncio.run(main())
    assert (nothing_known, remembered.keys) == (False, Keys("AKIAWORK", "worksecret"))
    assert (renewed, fresh.keys) == (True, Keys("AKIANEW", "worksecret"))


def test_without_any_it_says_where_it_looked_and_how_to_try(files: Mapping[str, str]) -> None:
    with pytest.raises(AccessFault) as caught:
        resolved(BedrockSettings(), files)
    for part in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "SSO", "AWS_BEARER_TOKEN_BEDROCK", "vivavoce emulate"):
        assert part in str(caught.value)


@pytest.mark.parametrize(("profile", "part"), [("nobody", "list-profiles"), ("gone", "aws sso login")])
def test_a_profile_that_does_not_work_says_what_to_do(files: Mapping[str, str], profile: str, part: str) -> None:
    with pytest.raises(AccessFault) as caught:
        resolved(BedrockSettings(profile=profile), files)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({"AWS_BEARER_TOKEN_BEDROCK": "se\ncret"}, "the bearer token"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "\u201csecret\u201d"}, "the bearer token"),
        ({"AWS_ACCESS_KEY_ID": "secret\r", "AWS_SECRET_ACCESS_KEY": "s"}, "the access key"),
        ({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "se cret"}, "the session token"),
    ],
)
def test_what_can_be_in_no_header_is_named_and_not_repeated(environment: Mapping[str, str], what: str) -> None:
    with pytest.raises(AccessFault, match=what) as caught:
        resolved(BedrockSettings().with_environment(environment), environment)
    assert "cret" not in str(caught.value)
