"""Simon Willison's ``llm``: a model in its extra-openai-models.yaml, prompted and streamed."""

import json
import os
import pathlib
import sys
import tempfile

base, question, _ = sys.argv[1:4]
folder = tempfile.mkdtemp()
os.environ["LLM_USER_PATH"] = folder
pathlib.Path(folder, "extra-openai-models.yaml").write_text(
    f"- model_id: gnomon\n  model_name: gnomon\n  api_base: {base}/v1\n"
)

import llm  # noqa: E402 - it reads its folder when it is imported

model = llm.get_model("gnomon")
model.key = "any"
conversation = model.conversation()
first = conversation.prompt(question, stream=False)
print(
    json.dumps(
        {
            "chat": first.text(),
            "streamed": "".join(model.prompt(question, stream=True)),
            "again": conversation.prompt(question).text(),
        }
    )
)
