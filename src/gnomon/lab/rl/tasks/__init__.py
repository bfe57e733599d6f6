"""Tasks that a machine makes and a machine checks: a module a family."""

from gnomon.lab.rl.tasks.task import (
    Family,
    Side,
    Task,
    clean,
    drawn,
    final,
    rng,
    side_of,
    up_to,
)

__all__ = ["Family", "Side", "Task", "clean", "drawn", "final", "rng", "side_of", "up_to"]
