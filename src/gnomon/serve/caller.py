"""Who asks: what every route may know of it. The guards decide; everything else only reads."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from gnomon.serve.http import ApiError

SCOPES = ("ask", "write", "admin")
"""What a caller may do: "ask" (every road that reads what is held and runs a model), "write"
(uploads, sources, models), "admin" (keys, users, settings). None includes another."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``id`` is what a caller's things (kept responses, uploads, history) are filed under.

    ``scopes`` are some of ``SCOPES``. ``key`` names the API key that was shown, for its limits and
    the log ("" without one). Without keys or users there is one caller, the owner at this machine,
    who may do everything.
    """

    id: str
    scopes: frozenset[str]
    key: str = ""

    def may(self, scope: str) -> bool:
        return scope in self.scopes


OWNER = Caller("owner", frozenset(SCOPES))


def caller_of(request: Request) -> Caller:
    """The caller of a request that has passed the guards."""
    held = request.scope.get("gnomon.caller", OWNER)
    assert isinstance(held, Caller)
    return held


def require(request: Request, scope: str) -> Caller:
    """The caller of a request, who may do ``scope``; raises ApiError 403 for one who may not."""
    assert scope in SCOPES, scope
    caller = caller_of(request)
    if not caller.may(scope):
        raise missing(scope, caller)
    return caller


def missing(scope: str, caller: Caller) -> ApiError:
    """The refusal of a caller without ``scope``."""
    has = ", ".join(name for name in SCOPES if name in caller.scopes) or "nothing"
    return ApiError(
        403,
        f"This needs the scope {scope!r}, and your key or account has {has}; "
        f"ask the owner for one that has it (`gnomon keys create --scope {scope}`).",
        type="permission_error",
        code="missing_scope",
    )
