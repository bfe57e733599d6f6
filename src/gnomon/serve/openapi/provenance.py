"""Who signed a file, and our own keys."""

from __future__ import annotations

from gnomon.serve.openapi.parts import (
    Paths,
    Schema,
    always,
    anything,
    array,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    listing,
    null_or,
    number,
    obj,
    one_of,
    record,
    ref,
    text,
    whole,
)

TAG = "provenance"
FORM = "multipart/form-data"
_STATES = ("trusted", "valid", "invalid")

_MADE = obj(
    {
        "kind": one_of("picture", "sound", "text"),
        "model": text(),
        "model_sha256": text("Of its weights; empty where they are elsewhere."),
        "prompt_sha256": text("Of the prompt as UTF-8."),
        "at": number("Epoch seconds."),
        "from_sha256": text("Of the file that it was made out of."),
    }
)
_MARK = obj(
    {
        "found": flag(),
        "score": number("In standard deviations from unmarked pictures."),
        "threshold": number(),
        "p_false": number("How often an unmarked picture is over the threshold."),
        "key": text(),
    }
)

SCHEMAS: dict[str, Schema] = {
    "Provenance": obj(
        {
            "state": one_of(*_STATES, "absent"),
            "why": text("One sentence."),
            "mime": text("By the bytes."),
            "reasons": array(text("A code of C2PA.")),
            "signer": obj(
                {
                    "organization": text(),
                    "name": text(),
                    "serial": text(),
                    "key": text("The id of one of our own keys, or empty."),
                },
                description="As the certificate says; trust it where `state` is trusted.",
            ),
            "generator": text(),
            "model": text(),
            "at": null_or(text(format="date-time")),
            "source_type": text("IPTC's term for how it came about."),
            "machine": null_or(flag("Whether it says that a model made it.")),
            "made": null_or(_MADE),
            "title": text(),
            "ingredients": whole(minimum=0),
            "mark": null_or(_MARK),
        }
    ),
    "ProvenanceCheck": obj(
        {
            "object": always("content_provenance_check"),
            "created_at": whole(),
            "results": array(
                obj(
                    {
                        "type": always("c2pa"),
                        "outcome": one_of("detected", "not_detected"),
                        "validation_state": one_of(*_STATES, "not_present"),
                        "issuer": null_or(text()),
                        "model": null_or(text()),
                        "generated_at": null_or(text(format="date-time")),
                    }
                )
            ),
            "gnomon": ref("Provenance"),
        }
    ),
    "Receipt": obj(
        {
            "object": always("gnomon.receipt"),
            "id": text("The id of the answer."),
            "statement": record(anything(), "What is signed: models, index, joules, hashes."),
            "jws": text("Detached, ES256, over the statement in its canonical form (RFC 8785)."),
            "leaves": array(
                array(text(), minItems=3, maxItems=3),
                "For each text: where it is, its digest, its salt (empty: it was erased).",
            ),
            "answer": record(anything(), "What was answered, as it is kept."),
            "public_key": text("PEM."),
            "certificates": text("PEM: the key's certificate and its root."),
        }
    ),
    "ReceiptCheck": obj(
        {
            "object": always("gnomon.receipt_check"),
            "state": one_of(*_STATES),
            "why": text("One sentence."),
            "answer": text(),
            "key": text(),
            "at": null_or(text(format="date-time")),
            "kept": whole("Texts that hold.", minimum=0),
            "erased": whole("Texts that were taken out since.", minimum=0),
        }
    ),
    "SigningKey": obj(
        {
            "id": text("The beginning of the SHA-256 of its public key."),
            "since": text(format="date-time"),
            "until": text(format="date-time"),
            "retired": flag("It only verifies."),
            "public": text("PEM: all that verifying a receipt needs."),
            "root": text("PEM: for others' lists of whom they trust."),
        }
    ),
}

PATHS: Paths = {
    "/v1/content_provenance_checks": {
        "post": does(
            TAG,
            "check_provenance",
            "Read the manifest (C2PA) of a picture, a sound or a video",
            {200: gives("What it says and whether it holds.", ref("ProvenanceCheck"))},
            501,
            body=body(
                obj(
                    {"file": {"type": "string", "format": "binary"}},
                    required=["file"],
                    extra=True,
                ),
                {"svg": {"file": '<svg xmlns="http://www.w3.org/2000/svg"/>'}},
                FORM,
            ),
        )
    },
    "/v1/answers/{id}/receipt": {
        "get": does(
            TAG,
            "receipt",
            "The signed receipt of a kept answer or check",
            {200: gives("To take away and verify.", ref("Receipt"))},
            404,
            params=[at("id", "The `id` of an answer.")],
        )
    },
    "/v1/posts/{id}/media_checks": {
        "post": does(
            TAG,
            "check_media",
            "Fetch the pictures of a post and say who signed them; only the verdicts are kept",
            {200: gives("What was found in each.", listing(ref("MediaCheck")))},
            404,
            501,
            params=[at("id", "The id of a post, which may hold slashes.", pattern=r"^[\s\S]+$")],
            scope="write",
        )
    },
    "/v1/receipts/verify": {
        "post": does(
            TAG,
            "verify_receipt",
            "Whether a receipt holds",
            {200: gives("What holds of it.", ref("ReceiptCheck"))},
            body=body(
                asked(
                    {
                        "statement": record(anything()),
                        "jws": text(),
                        "leaves": array(array(text(), minItems=3, maxItems=3)),
                        "answer": record(anything()),
                        "public_key": text(),
                        "key": text("A public key (PEM) to trust for it."),
                    },
                    ["statement", "jws", "leaves", "answer"],
                ),
                {},
            ),
        )
    },
    "/v1/provenance/keys": {
        "get": does(
            TAG,
            "signing_keys",
            "Our own signing keys, the newest first",
            {200: gives("The keys.", listing(ref("SigningKey")))},
        )
    },
}
