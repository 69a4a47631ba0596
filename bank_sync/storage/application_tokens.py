"""The application's own tokens at a provider, sealed, one set for all processes.

Belongs here: `bank.application_tokens`, and letting one process at a time renew them. Does not belong here:
when a token is renewed (`providers.gocardless.token`).

Without this row every run would ask for tokens of its own, and GoCardless gives a hundred an hour.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.dialects.postgresql import insert

from bank_sync.security.cipher import Cipher, CredentialUnreadable, Sealed
from bank_sync.storage.database import transaction
from bank_sync.storage.tables import application_tokens


class ApplicationTokens:
    """One application's tokens, as text that only its client understands.

    Args:
        engine: not the one whose transactions are long; `storage.database.side_engine`.
        cipher: seals them.
        provider: part of what the seal is bound to.
        token_key: names the application, without its secrets.
    """

    def __init__(self, engine: Engine, cipher: Cipher, provider: str, token_key: str) -> None:
        self._engine = engine
        self._cipher = cipher
        self._provider = provider
        self._key = token_key

    def read(self) -> str | None:
        """The stored tokens; None before the first, or when no key opens them any more."""
        with transaction(self._engine) as db:
            return self._open(db)

    def replace(self, renew: Callable[[str | None], str]) -> str:
        """Store what `renew` makes of the stored tokens; other processes wait meanwhile.

        Raises:
            ProviderError: what `renew` raises; the stored tokens stay.
        """
        with transaction(self._engine) as db:
            db.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                {"name": f"application_tokens:{self._key}"},
            )
            renewed = renew(self._open(db))
            self._store(db, renewed)
        return renewed

    def _open(self, db: Connection) -> str | None:
        query = select(application_tokens).where(application_tokens.c.token_key == self._key)
        row = db.execute(query).one_or_none()
        if row is None:
            return None
        sealed = Sealed(key_id=row.key_id, nonce=row.nonce, ciphertext=row.ciphertext)
        try:
            return self._cipher.open(sealed, provider=self._provider, connection_id=self._key)
        except CredentialUnreadable:
            return None  # new ones are a call away

    def _store(self, db: Connection, tokens: str) -> None:
        sealed = self._cipher.seal(tokens, provider=self._provider, connection_id=self._key)
        values = {
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
            "sealed_at": func.now(),
        }
        statement = insert(application_tokens).values(token_key=self._key, **values)
        db.execute(statement.on_conflict_do_update(index_elements=["token_key"], set_=values))
