"""Old skills of language models over any chat model: story, debate, translate, read."""
