"""Chat tuning: conversations, loss on answers only.

Conversations about held posts are put as the assistant will put them,
`gnomon.truth.own_words.prompt` (quotes on lines that begin with "> ", an empty line, the question),
so that `gnomon ask --model` asks a model as it was taught.
"""
