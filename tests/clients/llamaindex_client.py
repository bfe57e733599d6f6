"""LlamaIndex's OpenAI classes: OpenAILike (Chat Completions) and OpenAIResponses."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike

base, question, _ = sys.argv[1:4]
chat = OpenAILike(
    api_base=f"{base}/v1", api_key="any", model="gnomon", is_chat_model=True, max_retries=0
)
message = ChatMessage(role="user", content=question)


class Responses(OpenAIResponses):
    """LlamaIndex knows only OpenAI's own model names, and asks each for its context."""

    @property
    def _tokenizer(self):
        return None

    @property
    def metadata(self):
        return chat.metadata


responses = Responses(api_base=f"{base}/v1", api_key="any", model="gnomon", max_retries=0)
print(
    json.dumps(
        {
            "chat": chat.chat([message]).message.content,
            "completed": chat.complete(question).text,
            "streamed": "".join(part.delta for part in chat.stream_chat([message])),
            "responses": responses.chat([message]).message.content,
            "responses_streamed": "".join(
                part.delta or "" for part in responses.stream_chat([message])
            ),
        }
    )
)
