"""Answers and checks of texts as ``wire`` writes them, and the events they come by."""

from __future__ import annotations

from gnomon.serve.openapi.parts import (
    TIME,
    Schema,
    always,
    array,
    flag,
    null_or,
    number,
    obj,
    one_of,
    ref,
    text,
    whole,
)

LABEL: Schema = one_of("supported", "refuted", "disputed", "not_enough_evidence")
UNINDEXED = whole(
    "Changes of what is held that could not be searched yet, because the index is still being "
    "made; 0 where all but the newest could be.",
    minimum=0,
)
_COUNTS = ("origins_for", "origins_against", "posts_for", "posts_against")
_SENTENCE = {
    "text": text(),
    "start": whole("`text` of the answer, from here (code points)"),
    "end": whole("to here; its markers, such as ` [1]`, follow."),
    "kind": one_of("claim", "note", description="A note is gnomon's own remark."),
    "label": null_or(LABEL),
    "citations": array(whole(), "Numbers of citations."),
    "against": array(whole(), "Numbers of the citations that disagree."),
}
_ANSWER = {
    "id": text("It opens the receipt at /v1/answers/{id}."),
    "object": always("gnomon.answer"),
    "question": text(),
    "lang": text(),
    "text": text(),
    "abstained": flag("gnomon does not know, and `reason` says why."),
    "reason": text(),
    "confidence": number("Of the least certain claim.", minimum=0, maximum=1),
    "as_of": null_or(TIME),
    "newest": null_or({**TIME, "description": "The newest post that was held."}),
    "posts": whole("Posts about the question."),
    "origins": whole("Independent origins of these posts."),
    "sentences": array(ref("AnswerSentence")),
    "verdicts": array(ref("Verdict")),
    "citations": array(ref("CitedEvidence")),
    "left_out": array(ref("LeftOut")),
    "gaps": array(ref("Gap")),
    "model": text(),
    "energy": {**null_or(ref("Joules")), "description": "Null where no counter can be read."},
    "unindexed": UNINDEXED,
}
_FINDING = {
    "n": whole(minimum=1),
    "quote": text("The statement as it is written."),
    "claim": text("The same as it stands alone."),
    "context": text(),
    **{n: whole() for n in ("start", "end", "line", "column", "end_line", "end_column")},
    "lang": text(),
    "speaker": text(),
    "modality": text(),
    "label": null_or(LABEL),
    "not_checked": null_or(text("Why it was not checked.")),
    "confidence": null_or(number(minimum=0, maximum=1)),
    "reason": null_or(text()),
    "rule": null_or(text()),
    **{name: whole(minimum=0) for name in _COUNTS},
    "first_seen": null_or(TIME),
}
_DOCUMENT = {
    "name": text(),
    "kind": one_of("text", "markdown"),
    "title": text(),
    "author": text(),
    "url": text(),
    "date": null_or(TIME),
    "date_from": null_or(one_of("given", "stated", "file", "now")),
    "extracted": flag(),
    "hash": text("SHA-256 of the text."),
}
_VERIFICATION = {
    "id": text("It opens the receipt at /v1/answers/{id}; empty where nothing is kept."),
    "object": always("gnomon.verification"),
    "complete": flag(),
    "document": obj(_DOCUMENT),
    "statements": whole(minimum=0),
    "counts": obj(
        {
            name: whole(minimum=0)
            for name in ("supported", "refuted", "disputed", "not_enough_evidence", "not_checked")
        }
    ),
    "claims": array(ref("Finding")),
    "skipped": array(ref("Skipped")),
    "itself": array(text(), "Held posts that are the text itself, and so no evidence."),
    "as_of": null_or(TIME),
    "newest": null_or(TIME),
    "unindexed": UNINDEXED,
}


def schemas(values: dict[str, Schema]) -> dict[str, Schema]:
    """The components of this file, given those of the values."""
    evidence = values["Evidence"]
    cited = {"n": whole(minimum=1), "posts": whole(minimum=1)} | evidence["properties"]
    found = {"posts": whole(minimum=1)} | evidence["properties"]
    finding = _FINDING | {"evidence": array(obj(found))}
    streamed = _SENTENCE | {"verdicts": array(ref("Verdict"))}
    return {
        "CitedEvidence": obj(cited, description="What a number in the text stands for."),
        "AnswerSentence": obj(_SENTENCE | {"verdicts": array(whole(), "Numbers into `verdicts`.")}),
        "SentenceEvent": obj(
            {"sentence": obj(streamed), "citations": array(ref("CitedEvidence"))},
            description="A sentence that has passed its check.",
        ),
        "Answer": obj(_ANSWER, description="A checked answer, or an honest `I do not know`."),
        "Finding": obj(finding, description="A statement with its verdict."),
        "Verification": obj(_VERIFICATION, description="What came of checking a text."),
        "Unchecked": obj(
            {"checked": always(False), "model": text()},
            extra=True,
            description="What `gnomon` says of words that a model wrote and nobody checked.",
        ),
        "Form": obj(
            _ANSWER
            | {
                "unsupported": array(obj({}, extra=True), "Values the checked sentences lack."),
                "filled_by": text("The model that filled the form, or `rule`."),
            },
            description="The checked answer from which a form was filled.",
        ),
    }
