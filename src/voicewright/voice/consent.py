"""`Consent`: what was stated about the speaker's permission."""

import hashlib
from dataclasses import dataclass

from voicewright.errors import NoConsent

NOT_STATED = "consent not stated"


@dataclass(frozen=True, slots=True)
class Consent:
    """A statement in the user's own words; empty when none was given. Kept in the voice and in every output's card."""

    statement: str = ""

    @property
    def stated(self) -> bool:
        return bool(self.statement.strip())

    @property
    def id(self) -> str:
        """A short content id of the statement, "" when none was given."""
        return hashlib.sha256(self.statement.encode()).hexdigest()[:16] if self.stated else ""

    def __str__(self) -> str:
        return self.statement if self.stated else NOT_STATED

    def required(self, *, by: str) -> "Consent":
        """This consent, or NoConsent if none was stated; `by` names what requires it."""
        if not self.stated:
            raise NoConsent(
                f"{by} requires the speaker's consent and none was stated; "
                "say who agreed to what, for example --consent 'I am the speaker'"
            )
        return self
