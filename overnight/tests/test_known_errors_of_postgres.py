"""What psycopg raises in a step that asks a database of its own, and what follows from it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from overnight.error_classes import ErrorTable
from overnight.store.database import Database

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def connect(database: Database) -> Iterator[Callable[[], Connection]]:
    """Connections to a database with a table of two rows."""
    with ExitStack() as stack:

        def connect() -> Connection:
            return stack.enter_context(psycopg.connect(database.url))

        with connect() as setup:
            setup.execute("create table pages (id int primary key, n int not null)")
            setup.execute("insert into pages values (1, 0), (2, 0)")
        yield connect


Connect = Callable[[], Connection]


def bump(connection: Connection, id_: int) -> None:
    connection.execute("update pages set n = n + 1 where id = %s", [id_])


def away(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    psycopg.connect(f"postgresql://127.0.0.1:{port}/x")


def no_such_database(connect: Connect) -> None:
    psycopg.connect(f"{connect().info.dsn} dbname=nothing")


def terminated(connect: Connect) -> None:
    victim = connect()
    connect().execute("select pg_terminate_backend(%s)", [victim.info.backend_pid])
    victim.execute("select 1")


def pool_used_up(connect: Connect) -> None:
    with ConnectionPool(connect().info.dsn, min_size=1, max_size=1) as pool, pool.connection():
        pool.getconn(timeout=0.01)


def closed(connect: Connect) -> None:
    connection = connect()
    connection.close()
    connection.execute("select 1")


def deadlock(connect: Connect) -> None:
    """Each of two waits for the other one; Postgres ends that which notices it first."""
    errors, both_hold = list[BaseException](), threading.Barrier(2, timeout=30)

    def swap(first: int, second: int) -> None:
        connection = psycopg.connect(dsn)
        try:
            connection.execute("set deadlock_timeout = '20ms'")
            bump(connection, first)
            both_hold.wait()
            bump(connection, second)
        except psycopg.Error as error:
            errors.append(error)
        finally:
            connection.close()

    dsn = connect().info.dsn
    threads = [threading.Thread(target=swap, args=rows) for rows in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raise errors[0]


def serialization_failure(connect: Connect) -> None:
    late, early = connect(), connect()
    late.execute("set transaction isolation level repeatable read")
    late.execute("select * from pages")
    bump(early, 1)
    early.commit()
    bump(late, 1)


def lock_timeout(connect: Connect) -> None:
    owner, other = connect(), connect()
    bump(owner, 1)
    other.execute("set lock_timeout = '10ms'")
    bump(other, 1)


def lock_refused(connect: Connect) -> None:
    owner, other = connect(), connect()
    bump(owner, 1)
    other.execute("select * from pages for update nowait")


def statement_timeout(connect: Connect) -> None:
    connection = connect()
    connection.execute("set statement_timeout = '10ms'")
    connection.execute("select pg_sleep(30)")


def read_only(connect: Connect) -> None:
    connection = connect()
    connection.execute("set transaction read only")
    bump(connection, 1)


def asks(sql: str, *params: Any) -> Callable[[Connect], None]:
    def ask(connect: Connect) -> None:
        connect().execute(sql, params)

    ask.__name__ = sql
    return ask


@pytest.mark.parametrize(
    ("fault", "class_"),
    [
        (away, "transient"),
        (terminated, "transient"),
        (closed, "transient"),
        (pool_used_up, "transient"),
        (deadlock, "transient"),
        (serialization_failure, "transient"),
        (lock_timeout, "transient"),
        (lock_refused, "transient"),
        (statement_timeout, "transient"),
        (read_only, "transient"),
        (no_such_database, "transient"),  # the driver gives no SQLSTATE of a failed connection
        (asks("insert into pages values (1, 1)"), "permanent"),
        (asks("insert into pages values (3, null)"), "permanent"),
        (asks("select 1/0"), "permanent"),
        (asks("select * from nothing"), "permanent"),
        (asks("select %s", 1, 2), "unknown"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_error_of_postgres_is_classed_by_its_sqlstate(
    connect: Connect, fault: Callable[[Connect], None], class_: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        fault(connect)
    assert ErrorTable().classify(caught.value) == class_, repr(caught.value)
