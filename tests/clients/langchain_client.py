"""LangChain's OpenAI class, by way of Chat Completions and of Responses. Prints what it got."""

import json
import sys

from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

base, question, encoder = sys.argv[1:4]
options = {"base_url": f"{base}/v1", "api_key": "any", "model": "gnomon", "max_retries": 0}
chat = ChatOpenAI(**options)
responses = ChatOpenAI(**options, use_responses_api=True)

said = chat.invoke(question)
turns = [HumanMessage(question), AIMessage(said.content), HumanMessage(question)]
answered = responses.invoke(question, include=["web_search_call.action.sources"])
searched = responses.bind_tools([{"type": "web_search"}]).invoke(question)
got = {
    "chat": said.content,
    "usage": said.usage_metadata["total_tokens"],
    "streamed": "".join(chunk.text for chunk in chat.stream(question)),
    "again": chat.invoke(turns).content,
    "responses": answered.text,
    "citations": [
        note["url"]
        for block in answered.content
        for note in block.get("annotations", [])
        if isinstance(block, dict)
    ],
    "responses_streamed": "".join(chunk.text for chunk in responses.stream(question)),
    "searched": [block["type"] for block in searched.content],
}
if encoder:
    embed = OpenAIEmbeddings(
        base_url=f"{base}/v1", api_key="any", model=encoder, check_embedding_ctx_length=False
    )
    got["dimensions"] = len(embed.embed_query("sundial"))
print(json.dumps(got))
