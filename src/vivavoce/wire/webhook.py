"""How what goes to an address of the operator's is signed, so that it can be told from anybody else's.

The header :data:`SIGNATURE` is ``t=SECONDS,v1=HEX``: the HMAC-SHA256, by the shared secret, of the time, a full stop
and the body, as Stripe signs (docs.stripe.com/webhooks#verify-manually) and its libraries check.
"""

from __future__ import annotations

import hashlib
import hmac

SIGNATURE = "Vivavoce-Signature"


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The value of the header :data:`SIGNATURE`."""
    signed = hmac.new(secret.encode(), b"%d.%b" % (seconds, body), hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
