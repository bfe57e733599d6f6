"""The same rules in datatrove's pipelines, for corpora that outgrow one machine.

    from datatrove.executor import SlurmPipelineExecutor  # or Local, or Ray
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from gnomon.lab.data.datatrove import filters

    pipeline = [JsonlReader(...), *filters(settings, exclusion=JsonlWriter("dropped/")), ...]

Needs ``pip install datatrove`` (Apache-2.0), which nothing else here does. Its own filters of the
same rules (``GopherQualityFilter``, ``GopherRepetitionFilter``) want a word splitter for each
language (spaCy, stanza, NLTK): ours cut words as the rest of gnomon does, and know posts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datatrove.data import Document as TheirDocument
from datatrove.pipeline.filters.base_filter import BaseFilter

from gnomon.lab.data.documents import Document
from gnomon.lab.data.judging import Rule
from gnomon.lab.data.stage import Settings, rules


class RuleFilter(BaseFilter):
    """One rule as a filter: what it mends is mended in place, what it drops goes to
    ``exclusion_writer`` with its reason."""

    def __init__(self, make: Callable[[], Rule], name: str, exclusion_writer: Any = None) -> None:
        super().__init__(exclusion_writer)
        self.name = f"gnomon: {name}"
        self._make = make
        self._rule: Rule | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the rule, which every worker makes for itself."""
        return {**self.__dict__, "_rule": None}

    def filter(self, doc: TheirDocument) -> bool | tuple[bool, str]:
        if self._rule is None:
            self._rule = self._make()
        found = self._rule(Document(doc.text, str(doc.id), doc.metadata))
        if isinstance(found, str):
            return False, found
        doc.text, doc.metadata = found.text, dict(found.metadata)
        return True


def filters(settings: Settings, exclusion: Any = None) -> list[RuleFilter]:
    """The stage's rules in their order, each a step of a pipeline."""
    count = len(rules(settings))

    def maker(number: int) -> Callable[[], Rule]:
        return lambda: rules(settings)[number]

    names = [rule.__module__.rsplit(".", 1)[-1] for rule in rules(settings)]
    return [RuleFilter(maker(n), names[n], exclusion) for n in range(count)]
