"""Who may ask: whoever knows the token, in each of the ways in which clients can say it."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import HTTPConnection

from artistindex.server.problems import Problem


@dataclass(frozen=True, slots=True)
class Access:
    """The `token` that whoever asks must know; without one, everybody may ask."""

    token: str | None = field(default=None, repr=False)

    def knows(self, token: str) -> bool:
        """Tell whether this is the token, in a time that does not depend on what was guessed."""
        return self.token is None or hmac.compare_digest(self.token.encode(), token.encode())

    def knows_salted(self, digest: str, salt: str) -> bool:
        """Tell whether `digest` is MD5 of token and salt, as Subsonic's clients send it."""
        if self.token is None:
            return True
        expected = hashlib.md5(f"{self.token}{salt}".encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode(), digest.lower().encode())

    def check(self, connection: HTTPConnection) -> None:
        """Raise Problem unless the header Authorization has the token.

        It is a bearer's, or the password of HTTP's basic scheme, which browsers ask people for.
        """
        if self.token is None:
            return
        scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
        given = credentials.strip()
        if scheme.lower() == "basic":
            given = _password(given)
        if scheme.lower() not in ("bearer", "basic") or not self.knows(given):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "this server asks for a token (Authorization: Bearer TOKEN)",
                headers={"WWW-Authenticate": 'Bearer, Basic realm="artistindex", charset="UTF-8"'},
            )


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:  # neither base64 nor UTF-8
        return ""
