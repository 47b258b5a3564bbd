"""What an error of the driver means: an outage, a refusal, or what the ledger's guards say. Loaded
with the first one.
"""

from __future__ import annotations

import re

import psycopg

from overnight.errors import (
    IdConflict,
    IllegalTransition,
    LedgerUnavailable,
    NotReady,
    OvernightError,
    Refused,
    TooSlow,
)
from overnight.store.database import POOLED, first_line

# Classes of SQLSTATE that say "not now": connection, sign-in, rollback (deadlock), resources,
# object in use, operator, system; and single ones: a database that is gone, a transaction that was
# idle for too long.
OUTAGES = {"08", "28", "40", "53", "55", "57", "58"}
OUTAGE_STATES = {"3D000", "25P03"}
TOO_SLOW, READ_ONLY = (
    "57014",
    "25006",
)  # a statement past its time limit; a standby, which is an outage
CANNOT_SERVE = {
    "57P03",
    "53300",
    READ_ONLY,
}  # it is there: it starts, recovers, shuts down, is full, is a standby
# The driver gives no SQLSTATE of a connection that failed. The last three are PgBouncer's.
CANNOT_SERVE_TEXT = re.compile(
    r"the database system is |too many (clients|connections)|connection slots are reserved"
    r"|server login has been failing|no more connections allowed|cannot connect to server"
)
POOLER = (
    "OVERNIGHT_DATABASE_URL leads through a pooler that gives each transaction another "
    "session (such as PgBouncer with "
    "pool_mode = transaction), in which locks, time limits and prepared statements do "
    "not hold; workers and migrations "
    "need sessions of their own: set pool_mode = session for this database, or name "
    "Postgres itself in the URL"
)


def meaning(error: psycopg.Error) -> OvernightError:
    """The error that a failed statement raises."""
    if error.sqlstate == "OV001":
        return IdConflict(f"{error.diag.message_primary}; {error.diag.message_hint}")
    if error.sqlstate == "OV002":
        return IllegalTransition(error.diag.message_primary)
    if error.sqlstate == TOO_SLOW:
        return TooSlow(f"the database did not get to it in time: {first_line(error)}")
    if _is_outage(error):
        return _away(error)
    return Refused(f"the database refused it: {first_line(error)}")


def away(error: psycopg.Error) -> LedgerUnavailable | None:
    """What says that the server itself is gone; None for any other error."""
    is_connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return _away(error) if is_connection or _is_outage(error) else None


def _is_outage(error: psycopg.Error) -> bool:
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in OUTAGES or state in OUTAGE_STATES | CANNOT_SERVE | POOLED


def _away(error: psycopg.Error) -> LedgerUnavailable:
    text = first_line(error)
    if error.sqlstate in POOLED:
        return LedgerUnavailable(f"a pooler has changed the session ({text}): {POOLER}")
    if error.sqlstate == READ_ONLY:
        return NotReady(
            f"the database is read-only ({text}): it is a standby, or set so; a worker "
            "waits until it is not"
        )
    if error.sqlstate in CANNOT_SERVE or CANNOT_SERVE_TEXT.search(str(error)):
        return NotReady(f"the database cannot serve now: {text}")
    return LedgerUnavailable(f"the database does not answer: {text}")
