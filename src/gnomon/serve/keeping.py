"""The routes whose answers are kept: responses, our own ``ask``, conversations, and the history
of them all. They share one ledger."""

from __future__ import annotations

from starlette.routing import Route

from gnomon.serve.asking import Asks
from gnomon.serve.context import Context
from gnomon.serve.conversations import Conversations
from gnomon.serve.history import History
from gnomon.serve.ledger import Ledger
from gnomon.serve.responses import Responses
from gnomon.serve.run import Runs


def routes(context: Context) -> list[Route]:
    ledger, runs = Ledger(context.database), Runs()
    conversations = Conversations(context, ledger)
    return [
        *Responses(context, ledger, runs, conversations).routes(),
        *conversations.routes(),
        *Asks(context, ledger).routes(),
        *History(context, ledger, runs).routes(),
    ]
