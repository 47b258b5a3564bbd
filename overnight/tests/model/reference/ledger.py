"""The protocol of the ledger in plain Python: what each verb has to do and what it must refuse. No
SQL, no concurrency.

Every method changes the state as the ledger has to change, and returns the answer that the ledger
has to give.
"""

from __future__ import annotations

from .breakers import Breakers
from .claims import Claims
from .decisions import Decisions
from .endings import Endings
from .rescues import Rescues


class Ledger(Claims, Endings, Rescues, Breakers, Decisions):
    """The reference: all families of verbs on one state."""
