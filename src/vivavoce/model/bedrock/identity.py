"""As whom Bedrock is called: keys from wherever AWS's own tools would find them, or a bearer key.

``botocore`` knows the chain: profiles, SSO, assumed roles, web identity, containers, instance metadata. It blocks and
takes its time to load, so it is loaded late and runs in a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from vivavoce.errors import AccessFault
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.wire.sigv4 import Keys

if TYPE_CHECKING:
    from botocore.session import Session

LOOKED_FOR = (
    "AWS_BEARER_TOKEN_BEDROCK, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, the profile of AWS_PROFILE or 'default', "
    "SSO, a web identity, and the role of a container or an instance"
)
WITHOUT_AN_ACCOUNT = "run `aws configure` or `aws sso login`; to try without an account, `vivavoce emulate`"

_IN_A_HEADER = re.compile(r"[\x21-\x7e]*")

# Where botocore looks for its files, so that an environment given as a mapping counts in full.
_FILES = {"AWS_CONFIG_FILE": "config_file", "AWS_SHARED_CREDENTIALS_FILE": "credentials_file"}


@dataclass(frozen=True, slots=True)
class Identity:
    """One of ``keys`` and ``bearer_token``. ``expire`` is when the keys do; None if they do not."""

    keys: Keys | None = None
    bearer_token: str = field(default="", repr=False)
    expire: datetime | None = None


class IdentitySource(Protocol):
    """Gives an identity for each stream that is opened, fresh enough for it."""

    async def identity(self) -> Identity:
        """Raises AccessFault where there is none."""
        ...

    async def renew(self) -> bool:
        """The identity was refused as expired: forget what is remembered of it. False if there is nothing to forget,
        and the next one would be the same.
        """
        ...

    async def region(self) -> str:
        """The region that belongs to it; empty if there is none."""
        ...


class FixedIdentity:
    """An identity that is known beforehand."""

    def __init__(self, identity: Identity, region: str = "") -> None:
        self._identity = identity
        self._region = region

    async def identity(self) -> Identity:
        return self._identity

    async def renew(self) -> bool:
        return False

    async def region(self) -> str:
        return self._region


class ChainedIdentity:
    """What the settings, the environment and botocore's chain give. Keys that expire are renewed by botocore ten to
    fifteen minutes before they do, when the next stream is opened."""

    def __init__(self, settings: BedrockSettings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self._session: Session | None = None
        self._lock = asyncio.Lock()

    async def identity(self) -> Identity:
        if self._settings.bearer_token:
            return _checked(Identity(bearer_token=self._settings.bearer_token))
        if not self._settings.profile and (identity := _from_variables(self._environment)) is not None:
            return _checked(identity)
        async with self._lock:
            return _checked(await asyncio.to_thread(self._resolve))

    async def renew(self) -> bool:
        """Files may hold newer keys by now, which botocore would not look for: it reads them once."""
        async with self._lock:
            known, self._session = self._session, None
        return known is not None

    async def region(self) -> str:
        if self._settings.region:
            return self._settings.region
        async with self._lock:
            return await asyncio.to_thread(self._region_of_profile)

    def _resolve(self) -> Identity:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            credentials = self._botocore().get_credentials()
            if credentials is None:
                raise AccessFault(f"no AWS credentials; looked for {LOOKED_FOR}", hint=WITHOUT_AN_ACCOUNT)
            frozen = credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise _fault_of(error) from error
        if not frozen.access_key or not frozen.secret_key:
            raise AccessFault("AWS credentials without access key or secret", hint=WITHOUT_AN_ACCOUNT)
        expire: Any = getattr(credentials, "_expiry_time", None)  # botocore has no other way to tell
        return Identity(Keys(frozen.access_key, frozen.secret_key, frozen.token), expire=expire)

    def _region_of_profile(self) -> str:
        from botocore.exceptions import BotoCoreError

        try:
            return str(self._botocore().get_config_variable("region") or "")
        except BotoCoreError as error:
            raise _fault_of(error) from error

    def _botocore(self) -> Session:
        from botocore.session import Session

        if self._session is None:
            profile = self._settings.profile or self._environment.get("AWS_PROFILE") or None
            session = Session(profile=profile)
            for variable, name in _FILES.items():
                if self._environment.get(variable):
                    session.set_config_variable(name, self._environment[variable])
            self._session = session
        return self._session


def _checked(identity: Identity) -> Identity:
    """What was copied with a line break or a quotation mark can be in no header, and the service would only hang up."""
    keys = identity.keys
    sent = {
        "the bearer token": identity.bearer_token,
        "the access key": keys.access_key if keys is not None else "",
        "the session token": (keys.session_token or "") if keys is not None else "",
    }
    for what, text in sent.items():
        if not _IN_A_HEADER.fullmatch(text):
            raise AccessFault(
                f"{what} of the AWS credentials has a blank, a line break or a letter that no such token has",
                hint="copy it again, without what stands around it",
            )
    return identity


def _from_variables(environment: Mapping[str, str]) -> Identity | None:
    """The keys that the environment holds itself, which come before any profile's."""
    access_key, secret_key = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not access_key and not secret_key:
        return None
    if not access_key or not secret_key:
        absent = "AWS_SECRET_ACCESS_KEY" if access_key else "AWS_ACCESS_KEY_ID"
        raise AccessFault(f"half of the AWS credentials: {absent} is not set", hint="set both, or neither")
    token = environment.get("AWS_SESSION_TOKEN") or None
    return Identity(Keys(access_key, secret_key, token), expire=_expiry(environment.get("AWS_CREDENTIAL_EXPIRATION")))


def _expiry(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise AccessFault(
            f"AWS_CREDENTIAL_EXPIRATION is no time: {text!r}", hint="it looks like 2026-01-02T03:04:05Z"
        ) from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _fault_of(error: Exception) -> AccessFault:
    name = type(error).__name__
    if "SSO" in name or "Token" in name:
        hint = "run `aws sso login`"
    elif name == "ProfileNotFound":
        hint = "`aws configure list-profiles` shows those there are"
    else:
        hint = WITHOUT_AN_ACCOUNT
    return AccessFault(f"AWS credentials cannot be had: {error}", hint=hint)
