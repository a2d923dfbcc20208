"""`/v1`: tasks in, runs and approvals out, words to runs. Approving is not here: approvers are people.

Every address needs a token, and a run that the token may not see does not exist for it.
"""

import time
from collections.abc import Mapping

from aiohttp import web

from domain.canonical import Json
from domain.runs import Run, Status
from domain.signals import Signal, SignalKind
from domain.tasks import Context, Source, Task, Trigger, Trust
from handlers.http import access, body, metrics, names, problems
from handlers.http.models import SignalIn, TaskIn
from handlers.http.ports import Ports, Settings
from handlers.http.shapes import approvals_json, run_json
from handlers.ports import Token
from loop.doors import Clash, Reply, Submitted
from loop.ports import Unrouted

_MOST_ROUNDS = 10  # how often a page is filled up again when many of its runs may not be seen

# Whose text it is, by the door that a token with `act_as` names; our own door's is signed by a known machine.
_TRUST = {Source.ALERT: Trust.UNTRUSTED, Source.WEBHOOK: Trust.UNTRUSTED, Source.EMAIL: Trust.UNTRUSTED}


class Api:
    """The operator, to programs with a token."""

    def __init__(self, ports: Ports, settings: Settings, meters: metrics.Meters) -> None:
        self._ports, self._settings, self._meters = ports, settings, meters

    # ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, request: web.Request) -> web.Response:
        """202 and the run of a new occurrence; 200 and the same run when the occurrence comes again."""
        started = time.perf_counter()
        token = await access.token_of(request, self._ports.tokens)
        body.query(request)
        form = await body.json_body(request, self._settings, TaskIn)
        task = self._task(form, token, request.headers.get("Idempotency-Key"))
        match await self._ports.operator.submit(task):
            case Submitted() as taken:
                self._meters.acknowledged("api", time.perf_counter() - started)
                return await self._accepted(taken)
            case Clash(run_id=run_id):
                detail = "The same occurrence was posted before with another body; its run is named here."
                members = {"run_id": run_id, "url": self._url(run_id)}
                raise problems.Problem(409, "other-body", detail, members=members)
            case Unrouted(why=why, nearest=nearest):
                raise problems.Problem(422, "unrouted", why, members={"nearest": list(nearest)})
            case Reply(text=text, help=who):
                raise problems.Problem(503, "not-now", text, headers={"Retry-After": "30"}, members={"help": list(who)})

    async def _accepted(self, taken: Submitted) -> web.Response:
        run = await self._ports.operator.run(taken.run_id)
        status = run.status if run is not None else Status.NEW
        again = not taken.created and not taken.joined
        url = self._url(taken.run_id)
        document = {"run_id": taken.run_id, "status": status.value, "url": url}
        return web.json_response(document, status=200 if again else 202, headers={"Location": url})

    def _task(self, form: TaskIn, token: Token, idempotency_key: str | None) -> Task:
        """The posted task with what the door sets: requester, source and trust."""
        trigger, context = form.trigger, form.context
        if (form.requester is not None or trigger.source is not None) and not token.act_as:
            detail = "Only a token with `act_as` may name requester or source."
            raise problems.Problem(403, "act-as", detail)
        if context.organization_id not in {None, self._settings.organization}:
            detail = "context.organization_id: this operator serves another organization."
            raise problems.Problem(422, "invalid", detail)
        source_id = trigger.source_id or idempotency_key
        if source_id is None or not names.KEY.fullmatch(source_id):
            detail = "trigger.source_id: name the occurrence, here or as Idempotency-Key (printable ASCII, no spaces)."
            raise problems.Problem(422, "invalid", detail)
        source = trigger.source or Source.API
        nobody = token.act_as and "requester" in form.model_fields_set  # named, as null
        return Task(
            type=form.type,
            goal=form.goal,
            requester=form.requester or (None if nobody else f"token:{token.name}"),
            trigger=Trigger(
                source=source,
                source_id=source_id,
                timestamp=trigger.timestamp or self._ports.clock.now(),
                correlation=trigger.correlation,
            ),
            context=Context(
                organization_id=self._settings.organization,
                repository_id=context.repository_id,
                agent_slug=context.agent_slug,
                priority=context.priority,
            ),
            payload=form.payload,
            trust=_TRUST.get(source, Trust.MACHINE),
        )

    # ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def runs(self, request: web.Request) -> web.Response:
        """A page of the runs that the token may see."""
        token = await access.token_of(request, self._ports.tokens)
        values = body.query(request, "status", "limit", "cursor")
        limit = body.number(values, "limit", 50, least=1, most=200)
        try:
            status = Status(values["status"]) if "status" in values else None
        except ValueError:
            detail = f"`status` is one of {', '.join(Status)}."
            raise problems.Problem(400, "bad-query", detail) from None
        shown: list[Mapping[str, Json]] = []
        cursor = values.get("cursor")
        for _ in range(_MOST_ROUNDS):
            try:
                page = await self._ports.views.runs(status=status, limit=limit - len(shown), cursor=cursor)
            except ValueError:
                raise problems.Problem(400, "bad-query", "`cursor` is not one that was given out here.") from None
            found = [run for run_id in page.run_ids if (run := await self._visible(token, run_id)) is not None]
            shown += [run_json(run, self._ports.thread_url(run)) for run in found]
            cursor = page.cursor
            if cursor is None or len(shown) >= limit:
                break
        return web.json_response({"runs": shown, "cursor": cursor})

    async def run(self, request: web.Request) -> web.Response:
        """One run."""
        token = await access.token_of(request, self._ports.tokens)
        body.query(request)
        run = await self.seen(token, request)
        return web.json_response(run_json(run, self._ports.thread_url(run)))

    async def signal(self, request: web.Request) -> web.Response:
        """A word to a run, if the token may say it."""
        token = await access.token_of(request, self._ports.tokens)
        body.query(request)
        form = await body.json_body(request, self._settings, SignalIn)
        run = await self.seen(token, request)
        question = run.open_question
        if form.signal == "answer" and question is not None and question.about is not None:
            detail = "Whether an action happened is for a person to say; tokens never answer that."
            raise problems.Problem(403, "people-only", detail)
        signal = Signal(kind=SignalKind(form.signal), by=f"token:{token.name}", text=form.text)
        reply = await self._ports.operator.signal(run.run_id, signal)
        if not reply.ok:
            # The operator names others who could where the caller may not; nobody where nobody could now.
            status, kind = (403, "not-allowed") if reply.help else (409, "not-possible")
            raise problems.Problem(status, kind, reply.text, members={"help": list(reply.help)})
        after = await self._ports.operator.run(run.run_id) or run
        return web.json_response({"run_id": run.run_id, "status": after.status.value, "text": reply.text})

    async def approvals(self, request: web.Request) -> web.Response:
        """What waits for people, in the runs that the token may see."""
        token = await access.token_of(request, self._ports.tokens)
        if body.query(request, "status").get("status", "open") != "open":
            raise problems.Problem(400, "bad-query", "`status` is `open`; a run lists the others that it had.")
        waiting: dict[str, set[str]] = {}
        for run_id, approval_id in await self._ports.views.open_approvals():
            waiting.setdefault(run_id, set()).add(approval_id)
        shown: list[Mapping[str, Json]] = []
        for run_id, ids in waiting.items():
            run = await self._visible(token, run_id)
            if run is not None:
                shown += [{"run_id": run_id, **a} for a in approvals_json(run) if a["approval_id"] in ids]
        return web.json_response({"approvals": shown})

    async def seen(self, token: Token, request: web.Request) -> Run:
        """The run that the address names. Raises 404 whether it does not exist or may not be seen."""
        run = await self._visible(token, request.match_info["run_id"])
        if run is None:
            raise problems.not_found()
        return run

    async def _visible(self, token: Token, run_id: str) -> Run | None:
        if not names.RUN_ID.fullmatch(run_id):
            return None
        run = await self._ports.operator.run(run_id)
        if run is None or run.task is None or not await self._ports.operator.may_read(f"token:{token.name}", run):
            return None
        return run

    def _url(self, run_id: str) -> str:
        return f"{self._settings.base_url.rstrip('/')}/v1/runs/{run_id}"
