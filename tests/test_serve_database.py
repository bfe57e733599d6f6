"""The server's own database: on a real disk, from several threads."""

from __future__ import annotations

import threading

import pytest

from gnomon.errors import StoreError
from gnomon.serve.database import Database


def test_tables_are_made_once_and_brought_up_to_date(tmp_path):
    path = tmp_path / "home" / "server.db"
    first = Database(path)
    first.tables("notes", "CREATE TABLE notes (id TEXT)")
    first.run("INSERT INTO notes VALUES (?)", ("a",))
    first.close()
    second = Database(path)
    second.tables("notes", "CREATE TABLE notes (id TEXT)", "ALTER TABLE notes ADD COLUMN at REAL")
    second.tables("notes", "CREATE TABLE notes (id TEXT)", "ALTER TABLE notes ADD COLUMN at REAL")
    assert second.run("SELECT id, at FROM notes") == [("a", None)]
    second.close()
    assert path.stat().st_mode & 0o077 == 0  # other people of this machine cannot read it


def test_a_transaction_is_all_or_nothing():
    held = Database()
    held.tables("notes", "CREATE TABLE notes (id TEXT PRIMARY KEY)")

    def fail() -> None:
        with held.transaction():
            held.run("INSERT INTO notes VALUES ('a')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert held.run("SELECT * FROM notes") == []


def test_threads_do_not_lose_each_others_writes():
    held = Database()
    held.tables("counts", "CREATE TABLE counts (n INT); INSERT INTO counts VALUES (0)")

    def add() -> None:
        for _ in range(200):
            with held.transaction():
                (n,) = held.run("SELECT n FROM counts")[0]
                held.run("UPDATE counts SET n = ?", (n + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held.run("SELECT n FROM counts") == [(800,)]


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "server.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"server\.db"):
        Database(path)


def test_two_processes_that_read_before_they_write_both_come_through(tmp_path):
    path = tmp_path / "server.db"
    one, two = Database(path), Database(path)
    one.tables("numbers", "CREATE TABLE numbers (n INT)")
    one.run("INSERT INTO numbers VALUES (0)")

    def count(database):
        for _ in range(100):
            with database.transaction():
                (n,) = database.run("SELECT n FROM numbers")[0]
                database.run("UPDATE numbers SET n = ?", (n + 1,))

    threads = [threading.Thread(target=count, args=(each,)) for each in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.run("SELECT n FROM numbers") == [(200,)]

    def broken():
        with one.transaction():
            one.run("UPDATE numbers SET n = 0")
            with one.transaction():
                one.run("UPDATE numbers SET n = 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert two.run("SELECT n FROM numbers") == [(200,)]
