"""What is rising in the assembled product, and its stories: views kept up beside the answering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from gnomon.assemble.rising import Pulse
from gnomon.errors import InputError, StoreError
from gnomon.store.contract import Store
from gnomon.trends import stories as telling
from gnomon.trends.agreement import Verifier
from gnomon.trends.reading import read, seq_of
from gnomon.trends.spread import spread
from gnomon.trends.story_file import story_id
from gnomon.trends.story_view import StoryView
from gnomon.types import Spread, Stories, Story

DAY_S = 86_400.0
MOST_STORIES = 100


class Chronicle(Pulse):
    """Trends, and the stories. Thread-safe; made lazily, closed with the product."""

    def __init__(
        self,
        store: Store,
        folder: Path | None,
        now: Callable[[], float],
        *,
        verifier: Callable[[], Verifier | None] = lambda: None,
        readonly: bool = False,
    ) -> None:
        """``folder`` is where the views are kept (None: in memory). ``verifier`` gives what
        confirms that origins agree. ``readonly`` is for a process beside the one that writes: it
        reads the stories as that one last wrote them, or makes them in memory where there are none.
        """
        super().__init__(store, folder, now)
        self._stories_path = folder / "stories.db" if folder is not None else None
        self._verifier: Callable[[], Verifier | None] = verifier
        self._stories_readonly = readonly
        self._stories_lock = threading.Lock()
        self._stories_view: StoryView | None = None

    def stories(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        langs: Sequence[str] = (),
        k: int = 20,
        by: str = "interest",
    ) -> Stories:
        """The ``k`` best stories of a time (default: the 24 hours up to now, or up to the newest
        post where that is older), by "interest" or by "support". Raises InputError, StoreError."""
        if by not in ("interest", "support"):
            raise InputError(f"Stories cannot be ranked by {by[:40]!r}; give interest or support.")
        view = self.stories_caught_up()
        now = self._now()
        newest = self._store.status().newest
        end = until if until is not None else min(now, newest + 1 if newest is not None else now)
        start = since if since is not None else end - DAY_S
        if not start < end:
            raise InputError("The time for stories ends before it begins; give an earlier since.")
        return telling.rank(
            view,
            since=start,
            until=end,
            now=now,
            langs=langs,
            k=min(k, MOST_STORIES),
            by="support" if by == "support" else "interest",
        )

    def story(self, id: str) -> Story:
        """A story with its timeline, and what is agreed and disputed in it; ``id`` may be one that
        went into it, or that of a post in it. Raises NotFound, StoreError, ModelError."""
        return telling.tell(
            self.stories_caught_up(), id, now=self._now(), verifier=self._verifier()
        )

    def spread(self, post: str) -> Spread:
        """Who repeated the origin of a post, when and how. Raises NotFound, StoreError."""
        return spread(self._store, post)

    def story_of(self, post: str) -> str | None:
        """The id of the story that a post is in; None where it is in none. Raises StoreError."""
        view = self.stories_caught_up()
        with view.lock:
            found = telling.find(view, post)
        return story_id(found[1]) if found else None

    def stories_caught_up(self) -> StoryView:
        """The view of stories, with everything placed that is held (read-only: as it was last
        written). Where it is followed in the background anyway, nobody waits for all of it."""
        view = self._story_view()
        self._advance("stories", lambda: view.catch_up(steps=1), lambda: view.seq)
        return view

    def _story_view(self) -> StoryView:
        with self._stories_lock:
            if self._stories_view is None:
                path = self._stories_path
                if self._stories_readonly and path is not None and not path.exists():
                    path = None
                readonly = self._stories_readonly and path is not None
                if path is not None and not readonly:
                    path.parent.mkdir(parents=True, exist_ok=True)
                self._stories_view = StoryView(self._store, path, readonly=readonly)
            return self._stories_view

    def _held(self) -> dict[str, int]:
        view, path = self._stories_view, self._stories_path
        # From the file, so that nobody waits for a step that is being taken.
        held = seq_of(path) if path is not None else view.seq if view is not None else None
        return super()._held() | ({} if held is None else {"stories": held})

    def _step(self, health: dict[str, str]) -> int:
        if self._stories_readonly:
            return super()._step(health)
        try:
            given = read(self._store, self._story_view().seq)
        except StoreError as error:
            health["stories"] = str(error)
            return super()._step(health)
        trends = self._take("trends", lambda: self._opened().take(given), health)
        stories = self._take("stories", lambda: self._story_view().step(given=given), health)
        return max(trends, stories)

    def close(self) -> None:
        super().close()
        with self._stories_lock:
            if self._stories_view is not None:
                self._stories_view.close()
                self._stories_view = None
