"""Who asks: what every route may know of it. The guards decide; everything else only reads."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """``id`` is what a caller's things (kept responses, uploads, history) are filed under.

    ``scopes`` are what it may do: "ask" (every road that reads what is held and runs a model),
    "write" (uploads, sources, models), "admin" (keys, users, settings). Without keys or users
    there is one caller, the owner at this machine, who may do everything.
    """

    id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes


OWNER = Caller("owner", frozenset({"ask", "write", "admin"}))


def caller_of(request: Request) -> Caller:
    """The caller of a request that has passed the guards."""
    held = request.scope.get("gnomon.caller", OWNER)
    assert isinstance(held, Caller)
    return held
