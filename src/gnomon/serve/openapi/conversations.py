"""Conversations: items under one name."""

from __future__ import annotations

from gnomon.serve.conversations import MOST_ADDED
from gnomon.serve.openapi.parts import (
    AFTER,
    ORDER,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    deleted,
    does,
    gives,
    limit,
    listing,
    obj,
    ref,
    text,
    whole,
)
from gnomon.serve.openapi.responses import METADATA

TAG = "conversations"
SCHEMAS: dict[str, Schema] = {
    "Conversation": obj(
        {
            "id": text(pattern="^conv_"),
            "object": always("conversation"),
            "created_at": whole(),
            "metadata": METADATA,
        }
    )
}
_ID = at("id", "The `id` of a conversation.")
_ITEM = at("item", "The `id` of an item.")
_SAID = [{"role": "user", "content": "When will Lantern Bridge open to cars?"}]
_PAGE = listing(ref("OutputItem"), paged=True)

PATHS: Paths = {
    "/v1/conversations": {
        "post": does(
            TAG,
            "create_conversation",
            "A conversation to which responses add what is said",
            {200: gives("It.", ref("Conversation"))},
            507,
            body=body(
                asked(
                    {"items": array(ref("InputItem"), maxItems=MOST_ADDED), "metadata": METADATA}
                ),
                {"empty": {}, "begun": {"items": _SAID, "metadata": {"about": "bridge"}}},
            ),
        )
    },
    "/v1/conversations/{id}": {
        "get": does(
            TAG,
            "conversation",
            "One of them",
            {200: gives("It.", ref("Conversation"))},
            404,
            params=[_ID],
        ),
        "post": does(
            TAG,
            "change_conversation",
            "Change its metadata",
            {200: gives("As it is now.", ref("Conversation"))},
            404,
            507,
            params=[_ID],
            body=body(asked({"metadata": METADATA}), {"renamed": {"metadata": {"about": "lead"}}}),
        ),
        "delete": does(
            TAG,
            "delete_conversation",
            "Forget it, its items with it",
            {200: gives("It is forgotten.", deleted("conversation.deleted"))},
            404,
            507,
            params=[_ID],
        ),
    },
    "/v1/conversations/{id}/items": {
        "get": does(
            TAG,
            "conversation_items",
            "Its items",
            {200: gives("A page of them.", _PAGE)},
            404,
            params=[_ID, AFTER, limit(100, 20), ORDER],
        ),
        "post": does(
            TAG,
            "add_items",
            "Add some",
            {200: gives("Those that were added.", _PAGE)},
            404,
            507,
            params=[_ID],
            body=body(
                asked(
                    {"items": array(ref("InputItem"), minItems=1, maxItems=MOST_ADDED)}, ["items"]
                ),
                {"one": {"items": _SAID}},
            ),
        ),
    },
    "/v1/conversations/{id}/items/{item}": {
        "get": does(
            TAG,
            "conversation_item",
            "One of them",
            {200: gives("It.", ref("OutputItem"))},
            404,
            params=[_ID, _ITEM],
        ),
        "delete": does(
            TAG,
            "delete_item",
            "Forget that item",
            {200: gives("The conversation without it.", ref("Conversation"))},
            404,
            507,
            params=[_ID, _ITEM],
        ),
    },
}
