"""What people ask to see: lists, one run, its reasons, open approvals, the home tab, the pages of Details."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from domain.canonical import Json
from domain.events import Recorded
from domain.runs import CallStatus, Run
from domain.tasks import Principal
from handlers.ports import Outbox
from handlers.slack.commands import HELP
from handlers.slack.envelopes import text_of
from handlers.slack.gateway import Gateway
from handlers.slack.show import kit
from handlers.slack.show.budgets import budgets
from handlers.slack.show.card import card, request_line, whole
from handlers.slack.show.freezes import freezes
from handlers.slack.show.home import Row, home, listing
from handlers.slack.show.message import Message, note
from handlers.slack.show.parts import Part, parts
from handlers.slack.show.story import tell
from handlers.slack.show.why import why_message, why_parts, words_part
from loop.doors import Operator, Views
from policy.sources.autonomy import described

_LISTED = 15
_LOOKED_AT = 60


class Log(Protocol):
    """The part of the journal that is read here."""

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """The stream's events with `seq > after`, in order."""
        ...


class Shows:
    """Everything here is shown to one person, and holds only what that person may read."""

    def __init__(
        self,
        *,
        operator: Operator,
        views: Views,
        log: Log,
        outbox: Outbox,
        gateway: Gateway,
        unconfined: bool = False,
        rules: Callable[[], str] = str,
    ) -> None:
        self._operator = operator
        self._views = views
        self._log = log
        self._outbox = outbox
        self._gateway = gateway
        self._unconfined = unconfined
        self._rules = rules

    async def run(self, who: Principal, run_id: str) -> Run | None:
        """The run, if there is one and this person may read it."""
        run = await self._operator.run(run_id)
        return run if run is not None and run.task is not None and await self._operator.may_read(who, run) else None

    async def message(self, who: Principal, what: str, run_id: str | None) -> Message:
        """The answer to `/ops help|status|why|approvals|freezes|budgets`."""
        if what == "help":
            return note(HELP)
        if what == "freezes":
            return freezes(await self._operator.freezes())
        if what == "budgets":
            return budgets(await self._operator.budgets(who))
        if what == "approvals":
            rows = await self.waiting(who)
            return _listed("Waiting for a countersignature", rows, "Nothing waits for a countersignature.")
        if run_id is None:
            stopped = await self._operator.everything_stopped()
            title = "■ Everything is stopped · runs" if stopped else "Runs, the latest first"
            none = "There are no runs yet. `/ops help` says what to ask for."
            return _listed(title, await self.runs(who), none, below=self._rules())
        run = await self.run(who, run_id)
        if run is None:
            return await self._unknown(who, run_id)
        if what == "why":
            return why_message(run, await self._why(run))
        return card(run, unconfined=self._unconfined, stopped=await self._operator.everything_stopped())

    async def _why(self, run: Run) -> list[Part]:
        return why_parts(run, await self._log.read(run.run_id), await self._operator.why(run))

    async def standings(self, agent: str) -> Message:
        """The answer to `/ops autonomy [AGENT]`."""
        standings = [one for one in await self._operator.standings() if agent in {"", one.agent}]
        if not standings:
            return note(f"There is no agent {agent}. /ops autonomy lists them.")
        return note("\n\n".join("\n".join(f"{name}: {said}" for name, said in described(one)) for one in standings))

    async def home(self, who: Principal) -> dict[str, object]:
        """The home tab of one person."""
        mine = [row for row in await self.runs(who) if row.run.received.requester == who]
        stopped = await self._operator.everything_stopped()
        waiting = await self.waiting(who)
        frozen = [one for one in await self._operator.freezes() if one.holds]
        return home(waiting, mine, stopped=stopped, frozen=frozen, unconfined=self._unconfined, rules=self._rules())

    async def runs(self, who: Principal) -> list[Row]:
        """The latest runs that this person may read."""
        page = await self._views.runs(limit=_LOOKED_AT)
        found: list[Row] = []
        for run_id in page.run_ids:
            run = await self.run(who, run_id)
            if run is not None:
                found.append(Row(run=run, url=await self._url(f"{run_id}:card")))
            if len(found) == _LISTED:
                break
        return found

    async def waiting(self, who: Principal) -> list[Row]:
        """Open approvals that this person may read, the oldest first; those they cannot serve last."""
        found: list[Row] = []
        for run_id, approval_id in (await self._views.open_approvals())[:_LOOKED_AT]:
            run = await self.run(who, run_id)
            record = run.approval(approval_id) if run else None
            if run is None or record is None or record.request is None or record.status is not CallStatus.AWAITING:
                continue
            url = await self._url(f"{run_id}:{approval_id}:card")
            found.append(Row(run=run, url=url, waits_for=request_line(record)))
        return sorted(found, key=lambda row: who in row.run.excluded)[:_LISTED]

    async def details(self, who: Principal, about: Mapping[str, Json]) -> list[Part]:
        """Everything behind a Details button; [] for what this person may not read."""
        run_id, approval_id = text_of(about, "run"), text_of(about, "approval")
        run = await self.run(who, run_id)
        if run is None:
            return []
        what = text_of(about, "what")
        if what == "why":
            return await self._why(run)
        if what == "rules":
            return words_part(await self._operator.why(run))
        record = run.approval(approval_id) if approval_id else None
        if record is None:
            return [Part(title=title, text=text) for title, text in whole(run)]
        return parts(tell(run_id, await self._log.read(run_id)), record)

    async def _url(self, key: str) -> str | None:
        where = await self._outbox.where(key)
        return await self._gateway.link(*where) if where else None

    async def _unknown(self, who: Principal, run_id: str) -> Message:
        rows = await self.runs(who)
        near = kit.lines(kit.say(f"There is no run {run_id} that you can see. The latest:"))
        return Message(text=f"There is no run {run_id}", blocks=[*near, *listing(rows[:5], "There are none yet.")])


def _listed(title: str, rows: Sequence[Row], none: str, *, below: str = "") -> Message:
    blocks = [*kit.header(title), *(listing(rows, none) if rows else kit.told(none)), *kit.context(below)]
    return Message(text=f"{title}: {len(rows)}", blocks=blocks)
