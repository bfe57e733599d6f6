"""Speech, transcriptions and spoken conversations: the addresses of sound."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from gnomon.serve import realtime, speech, transcriptions
from gnomon.serve.context import Context
from gnomon.serve.speech import Manifests


def routes(context: Context) -> Sequence[BaseRoute]:
    manifests = Manifests()
    return [
        *speech.routes(context, manifests),
        *transcriptions.routes(context),
        *realtime.routes(context, manifests),
    ]
