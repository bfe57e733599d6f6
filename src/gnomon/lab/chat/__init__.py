"""Chat tuning: conversations, loss on answers only."""
