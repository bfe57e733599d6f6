"""What the command line shows a person: answers, posts, status, progress. No decisions."""

from gnomon.terminal.answers import citation, follow, sentence, step
from gnomon.terminal.checks import follow_checks
from gnomon.terminal.console import count, err, line, out, prose, safe, warn, when
from gnomon.terminal.holdings import status
from gnomon.terminal.model_table import models, pulled
from gnomon.terminal.posts import pictures_found, post, results
from gnomon.terminal.taken import pictures_taken, reports, sources, tried
from gnomon.terminal.waiting import catching_up, download, pictures, progress

__all__ = [
    "catching_up",
    "citation",
    "count",
    "download",
    "err",
    "follow",
    "follow_checks",
    "line",
    "models",
    "out",
    "pictures",
    "pictures_found",
    "pictures_taken",
    "post",
    "progress",
    "prose",
    "pulled",
    "reports",
    "results",
    "safe",
    "sentence",
    "sources",
    "status",
    "step",
    "tried",
    "warn",
    "when",
]
