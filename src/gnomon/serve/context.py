"""What every group of routes works with."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from gnomon.serve.database import Database
from gnomon.serve.desk import Desk
from gnomon.serve.gate import Gate
from gnomon.serve.limits import Limiter


@dataclass(frozen=True, slots=True)
class Context:
    """The engine behind its desk, the server's own database, who may come in, and where citations
    point (``base_url``; None: the host of the request)."""

    desk: Desk
    database: Database
    gate: Gate
    limiter: Limiter
    base_url: str | None = None

    def base(self, request: Request) -> str:
        """The beginning of our own addresses, as ``http://127.0.0.1:8080``."""
        return self.base_url or f"{request.url.scheme}://{request.url.netloc}"
