"""Whether there can be credentials at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.model.nova.access import has_config, why_no_access

NOBODY = Path("/nonexistent/vendor")


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"},
        {"AWS_BEARER_TOKEN_BEDROCK": "token"},
        {"AWS_PROFILE": "work"},
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
    assert why_no_access("work", environment, vendor=NOBODY) == ""
    vendor = tmp_path / "vendor"
    vendor.write_text("Amazon EC2\n", "utf-8")
    assert why_no_access("", environment, vendor=vendor) == ""
    assert why_no_access("", environment | {"AWS_EC2_METADATA_DISABLED": "true"}, vendor=vendor) != ""
    assert not has_config(environment)
    (tmp_path / ".aws" / "config").write_text("[default]\n", "utf-8")
    assert has_config(environment)
    assert why_no_access("", environment, vendor=NOBODY) == ""


def test_says_what_is_missing_and_how_to_get_going() -> None:
    told = why_no_access("", {"HOME": "/nonexistent"}, vendor=NOBODY)
    assert "no AWS credentials" in told
    assert "vivavoce emulate" in told
    assert "--endpoint" in told
    assert "\n" not in told
