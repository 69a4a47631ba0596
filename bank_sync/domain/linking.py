"""What a person chooses from when connecting a bank, pure.

Belongs here: institutions. Does not belong here: what a provider needs to begin (`domain.models.LinkStart`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Institution:
    """One bank as one provider offers it; `country` is an ISO code in upper case."""

    provider: str
    institution_id: str
    name: str
    country: str
