"""An answer's words as they are sent, and where in them each citation stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gnomon.types import Answer, Checked, Citation
from gnomon.types.said import MARKER

_CJK = re.compile("[\u3005\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_AGAINST = {"en": "against: ", "zh": "反对："}


@dataclass(frozen=True, slots=True)
class Annotation:
    """A marker such as ``[1]`` or ``[2, against]`` at ``[start:end]`` (code points) of the text,
    and what it cites. ``title`` says so, too, where the cited words disagree; ``source`` is where
    they were taken in from."""

    start: int
    end: int
    url: str
    title: str
    source: str = ""

    def flat(self) -> dict[str, object]:
        """As Responses has it."""
        return {
            "type": "url_citation",
            "start_index": self.start,
            "end_index": self.end,
            "url": self.url,
            "title": self.title,
        }

    def nested(self) -> dict[str, object]:
        """As Chat Completions has it."""
        inner = self.flat()
        return {"type": inner.pop("type"), "url_citation": inner}


@dataclass(frozen=True, slots=True)
class Piece:
    """The next words of the answer, with the annotations that lie in them."""

    delta: str
    annotations: tuple[Annotation, ...] = ()


_Named = tuple[re.Match[str], Citation, str]


class Transcript:
    """Puts an answer together from its checked sentences, so that what was streamed is the text.

    Sentences are joined as ``Answer.text`` joins them: by a line break where the question is in
    Chinese or Japanese, else by a space. ``link`` turns a citation into the address that it points
    to. ``max_tokens`` ends the text at the last sentence that fits (see ``tokens``); ``cut`` then
    is True. Without ``markers`` no ``[1]`` is in the text, and a citation covers its sentence.
    A citation that disagrees with its sentence is marked so, in the text and in its title.
    """

    def __init__(
        self,
        question: str,
        link: Callable[[Citation], str],
        max_tokens: int | None = None,
        *,
        markers: bool = True,
    ) -> None:
        self._lang = "zh" if mostly_cjk(question) else "en"
        self._joint = "\n" if self._lang == "zh" else " "
        self._link = link
        self._max = max_tokens
        self._markers = markers
        self._cited: dict[int, Citation] = {}
        self.text = ""
        self.annotations: list[Annotation] = []
        self.cut = False

    def checked(self, event: Checked) -> Piece:
        """A sentence that passed, with its markers."""
        sentence = event.sentence
        self._cited.update({citation.n: citation for citation in event.citations})
        markers = sentence.markers(self._lang)
        joint = self._joint if self.text and not self.text.endswith("\n") else ""
        if not self._markers:
            found = MARKER.finditer(markers)
            return self._add(joint + sentence.text, "", self._named(found), len(joint))
        return self._add(joint + sentence.text, markers)

    def finished(self, answer: Answer) -> Piece:
        """What the complete answer has beyond the sentences: all of it where none was sent."""
        self._cited.update({citation.n: citation for citation in answer.citations})
        whole = answer.text or answer.reason
        sent = bool(self.text)
        if self.cut or (sent and not self._markers) or not whole.startswith(self.text):
            return Piece("")
        body = whole[len(self.text) :]
        return self._add(body, "")

    def _add(
        self, words: str, markers: str, covering: Iterable[_Named] = (), skipped: int = 0
    ) -> Piece:
        """``covering`` cite the words themselves, but for the first ``skipped`` of them."""
        delta = words + markers
        if self.cut or (self._max is not None and tokens(self.text + delta) > self._max):
            self.cut = True
            return Piece("")
        offset = len(self.text)
        self.text += delta
        marked = MARKER.finditer(delta, len(words) if markers else 0) if self._markers else ()
        spans = [(m.start(), m.end(), cited, said) for m, cited, said in self._named(marked)]
        spans += [(skipped, len(words), cited, said) for _, cited, said in covering]
        found = tuple(
            Annotation(
                offset + start,
                offset + end,
                self._link(cited),
                said + title(cited),
                cited.evidence.source,
            )
            for start, end, cited, said in spans
        )
        self.annotations.extend(found)
        return Piece(delta, found)

    def _named(self, markers: Iterable[re.Match[str]]) -> Iterator[_Named]:
        """What markers cite, those of it that are known, and what is said of it."""
        for marker in markers:
            if cited := self._cited.get(int(marker[1])):
                yield marker, cited, _AGAINST[self._lang] if marker[2] else ""


def mostly_cjk(text: str) -> bool:
    """Whether at least half the letters are Chinese, Japanese or Korean."""
    letters = sum(character.isalpha() for character in text)
    return letters > 0 and 2 * len(_CJK.findall(text)) >= letters


def title(citation: Citation) -> str:
    """Who said it, or the headline: what a list of sources shows."""
    evidence = citation.evidence
    return evidence.title or evidence.author or evidence.source or evidence.post


class Links:
    """Where citations lead: their own address on the web, or else the page on which we show the
    held post, which ``base_url`` begins."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url

    @property
    def base(self) -> str:
        """The beginning of our own addresses."""
        return self._base

    def __call__(self, citation: Citation) -> str:
        return self.to(citation.evidence.url, citation.evidence.post)

    def to(self, url: str, post: str) -> str:
        """The address of a post with this URL and id."""
        if urlsplit(url).scheme in ("http", "https"):
            return url
        return f"{self._base}/posts/{quote(post, safe='')}"


def links(base_url: str) -> Links:
    """``Links`` from ``base_url``."""
    return Links(base_url)


def urls(annotations: Sequence[Annotation]) -> list[str]:
    """Each cited address once, in the order of the text."""
    return list(dict.fromkeys(annotation.url for annotation in annotations))


def tokens(text: str) -> int:
    """An estimate: four bytes of UTF-8 to a token.

    An answer composed of quotes passes through no tokenizer, and clients demand a number; this is
    OpenAI's rule of thumb (https://help.openai.com/en/articles/4936856).
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
