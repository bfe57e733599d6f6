"""The owner's log of what the policy refused or warned of: one line of JSON each, in one file.

It holds the words of those who asked, because an appeal cannot be judged without them; so it is the
owner's alone (mode 600) and forgets after ``Policy.log_days``.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnomon.errors import StoreError
from gnomon.guardrails import Ruling

FILE = "pictures.log.jsonl"
MOST_PROMPT = 2000
DAY_S = 86_400.0


class PictureLog:
    """Safe among threads and processes: each entry is one append under a lock."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def write(
        self, ruling: Ruling, *, prompt: str, caller: str, model: str, stage: str, at: float
    ) -> str:
        """Returns the entry's reference, which a refusal names. Raises StoreError."""
        reference = f"pic-{secrets.token_hex(4)}"
        entry = {
            "reference": reference,
            "at": at,
            "action": ruling.action,
            "kind": ruling.kind,
            "rule": ruling.rule,
            "judge": ruling.judge,
            "stage": stage,
            "saw": ruling.words,
            "caller": caller,
            "model": model,
            "prompt": prompt[:MOST_PROMPT],
        }
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._held() as file:
            os.write(file, line)
        return reference

    def read(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest entries first."""
        return list(reversed(list(self._entries())))[:limit]

    def forget(self, *, before: float | None = None, caller: str | None = None) -> int:
        """Drop entries older than a time, or of one caller; how many went. Raises StoreError."""

        def goes(entry: dict[str, Any]) -> bool:
            old = before is not None and float(entry.get("at", 0)) < before
            return old or (caller is not None and entry.get("caller") == caller)

        return self._rewrite(goes)

    def trim(self, days: float) -> None:
        """Once a day is enough; it is cheap to ask."""
        oldest = next(self._entries(), None)
        limit = time.time() - days * DAY_S
        if oldest is not None and float(oldest.get("at", 0)) < limit:
            self.forget(before=limit)

    def _entries(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read ({error.strerror}).") from error
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a line that a full disk cut short
            if isinstance(entry, dict):
                yield entry

    def _rewrite(self, goes: Callable[[dict[str, Any]], bool]) -> int:
        if not self._path.exists():
            return 0
        with self._held() as file:
            entries = list(self._entries())
            kept = [entry for entry in entries if not goes(entry)]
            if len(kept) < len(entries):
                os.ftruncate(file, 0)
                lines = (json.dumps(entry, ensure_ascii=False) + "\n" for entry in kept)
                os.write(file, "".join(lines).encode("utf-8", "replace"))
        return len(entries) - len(kept)

    @contextmanager
    def _held(self) -> Iterator[int]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written ({error.strerror}).") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written ({error.strerror}).") from error
        finally:
            os.close(file)
