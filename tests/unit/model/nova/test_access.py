"""Whether there can be credentials at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.model.nova.access import has_config, why_no_access

NOBODY = Path("/nonexistent/vendor")


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"},
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_PROFILE": "nobody"},
        {"AWS_BEARER_TOKEN_BEDROCK": "token"},
        {"AWS_BEARER_TOKEN_BEDROCK": "token", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/token"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/role"},
    ],
)
def test_takes_what_the_environment_names(environment: dict[str, str]) -> None:
    assert why_no_access("", environment, vendor=NOBODY) == ""


def test_takes_files_profiles_and_instances(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    environment = {"HOME": str(tmp_path)}
    assert why_no_access("", environment, vendor=NOBODY) != ""
    vendor = tmp_path / "vendor"
    vendor.write_text("Amazon EC2\n", "utf-8")
    assert why_no_access("", environment, vendor=vendor) == ""
    assert why_no_access("", environment | {"AWS_EC2_METADATA_DISABLED": "true"}, vendor=vendor) != ""
    assert not has_config(environment)
    config = tmp_path / ".aws" / "config"
    config.write_text("[default]\nregion = us-east-1\n", "utf-8")
    assert has_config(environment)
    assert why_no_access("", environment, vendor=NOBODY) != ""  # it names a region and nobody
    for line in ("aws_access_key_id = AKIDEXAMPLE", "sso_session = work", "credential_process = print-keys"):
        config.write_text(f"[default]\n{line}\n", "utf-8")
        assert why_no_access("", environment, vendor=NOBODY) == ""


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_of_the_keys_is_told_before_a_call(name: str) -> None:
    told = why_no_access("", {name: "secret"}, vendor=NOBODY)
    assert told.startswith("half of the AWS credentials: ")
    assert "secret" not in told


def test_a_profile_has_to_be_in_one_of_the_files(tmp_path: Path) -> None:
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    environment = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    assert "no AWS profile 'work'" in why_no_access("work", environment, vendor=NOBODY)
    config.write_text('[default]\nregion = us-east-1\n[profile work]\n[ profile "two words" ]\n', "utf-8")
    credentials.write_text("[kept]\n", "utf-8")
    for name in ("default", "work", "two words", "kept"):
        assert why_no_access(name, environment, vendor=NOBODY) == ""
        assert why_no_access("", environment | {"AWS_PROFILE": name}, vendor=NOBODY) == ""
    assert "list-profiles" in why_no_access("", environment | {"AWS_PROFILE": "gone"}, vendor=NOBODY)
    credentials.write_bytes(b"\xff")  # not for us to judge
    assert why_no_access("gone", environment, vendor=NOBODY) == ""


def test_says_what_is_missing_and_how_to_get_going() -> None:
    told = why_no_access("", {"HOME": "/nonexistent"}, vendor=NOBODY)
    assert "no AWS credentials" in told
    assert "vivavoce emulate" in told
    assert "--endpoint" in told
    assert "\n" not in told
