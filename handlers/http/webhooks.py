"""`POST /webhooks/{source}`: deliveries from configured senders, durable before they are acknowledged.

The sender is checked, then the body is read and understood, then it is committed to the inbox; only then comes the
answer. What a delivery asks for is done by the inbox's consumer, again after a crash: everything here is idempotent.
"""

import hashlib
import time
from collections.abc import Mapping

import structlog
from aiohttp import web

from domain.canonical import Json
from domain.envelopes import Envelope
from domain.runs import Status
from domain.signals import Signal, SignalKind
from domain.tasks import Task
from handlers.http import access, alertmanager, body, metrics, problems
from handlers.http.ports import Handle, Ports, Regret, Settings, SourceConfig
from handlers.http.shapes import moment
from loop.doors import Clash, Reply, Submitted
from loop.ports import Unrouted

log = structlog.get_logger(__name__)

_MOST_NAMED = 5


class Webhooks:
    """One door for each configured source."""

    def __init__(self, ports: Ports, settings: Settings, meters: metrics.Meters) -> None:
        self._ports, self._settings, self._meters = ports, settings, meters
        self._sources = {source.name: source for source in settings.sources}
        for source in settings.sources:
            ports.intake.register(door_of(source), self._handler(source), self._regret(source))

    async def receive(self, request: web.Request) -> web.Response:
        """202 when the delivery is durable. Bad secret 401, unknown source 404, bad body 400, 408, 413, 415, 422."""
        started = time.perf_counter()
        source = self._sources.get(request.match_info["source"])
        if source is None:
            raise problems.not_found()
        access.check_sender(request, source)
        body.must_be_json(request)
        raw = await body.read(request, self._settings)
        document = body.parsed(raw)
        try:
            notification = alertmanager.read(document)
        except alertmanager.Unreadable as error:
            detail = f"Not an Alertmanager notification, version 4: {error}."
            raise problems.Problem(422, "invalid", detail) from None
        await self._ports.intake.accept(self._envelope(source, raw, document, notification.group_key))
        self._meters.acknowledged(door_of(source), time.perf_counter() - started)
        return web.json_response({"accepted": len(notification.taken)}, status=202)

    def _envelope(self, source: SourceConfig, raw: bytes, document: Mapping[str, Json], group: str) -> Envelope:
        """The delivery as the inbox keeps it.

        Alertmanager signs nothing and stamps no delivery: the key is a hash of what came. With the hour in it a
        repetition much later is looked at again, so that an alert which could not be taken then may be taken now;
        exactly once per alert is the task's own key, not this one.
        """
        now = self._ports.clock.now()
        parts = (source.name.encode(), now.strftime("%Y-%m-%dT%H").encode(), hashlib.sha256(raw).digest())
        lane = hashlib.sha256(group.encode()).hexdigest()[:16]
        return Envelope(
            door=door_of(source),
            key=hashlib.sha256(b"\0".join(parts)).hexdigest(),
            lane=f"{door_of(source)}:{lane}",
            order=f"{now.timestamp():.6f}",
            body=document,
            received_at=now,
        )

    def _handler(self, source: SourceConfig) -> Handle:
        async def handle(envelope: Envelope) -> None:
            await self._consume(source, envelope)

        return handle

    def _regret(self, source: SourceConfig) -> Regret:
        async def regret(envelope: Envelope, why: str) -> None:
            log.error("delivery given up", source=source.name, key=envelope.key, why=why)
            text = f"A delivery from {source.name} of {moment(envelope.received_at)} could not be handled; it is kept."
            await self._ports.tell(source.channel, f"{text} The operator's log says why.")

        return regret

    async def _consume(self, source: SourceConfig, envelope: Envelope) -> None:
        """Submit what fires, pass on what is over, say what could not be taken."""
        notification = alertmanager.read(envelope.body)
        refused: dict[str, list[str]] = {}
        for task in alertmanager.tasks(notification, source, self._settings.organization):
            why = await self._submit(task)
            if why is not None:
                refused.setdefault(why, []).append(alertmanager.name_of(task.payload["labels"]))
        for resolved in alertmanager.resolutions(notification):
            await self._pass_on(source, resolved)
        text = _untaken(source, refused, notification.left_out)
        if text:
            await self._ports.tell(source.channel, text)

    async def _submit(self, task: Task) -> str | None:
        """None when the task is taken or known; else why not, and who or what could help."""
        match await self._ports.operator.submit(task):
            case Submitted() | Clash():
                # A Clash is the same alert with other annotations, such as a newer value: already known.
                return None
            case Unrouted(why=why, nearest=nearest):
                return why + (f" Nearest: {', '.join(nearest)}." if nearest else "")
            case Reply(ok=ok, text=text):
                return None if ok else text

    async def _pass_on(self, source: SourceConfig, resolved: alertmanager.Resolved) -> None:
        """Tell the open run about this alert, if there is one and it has not been told."""
        speaker = f"source:{source.name}"
        for run_id in await self._ports.log.correlated(self._settings.organization, resolved.correlation):
            run = await self._ports.operator.run(run_id)
            if run is None or run.task is None or run.status is Status.FINISHED:
                continue
            earlier = resolved.since < run.task.trigger.timestamp  # late news about a former occurrence
            text = f"Alertmanager says it is resolved: {resolved.name}, firing since {moment(resolved.since)}."
            known = any(message.by == speaker and message.text == text for message in run.messages)
            if not earlier and not known:
                said = Signal(kind=SignalKind.SAY, by=speaker, text=text)
                reply = await self._ports.operator.signal(run_id, said)
                if not reply.ok:
                    log.warning("run not told that its alert is resolved", run_id=run_id, why=reply.text)


def door_of(source: SourceConfig) -> str:
    """The inbox door of a source."""
    return f"webhook:{source.name}"


def _untaken(source: SourceConfig, refused: Mapping[str, list[str]], left_out: int) -> str:
    """What the channel is told about alerts that nobody works on; empty if there are none."""
    lines = []
    for why, names in refused.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        lines.append(f"Not taken from {source.name}: {', '.join(names[:_MOST_NAMED])}{more}. {why}")
    if left_out:
        lines.append(f"{left_out} more alerts of this group from {source.name} were left out; look at the sender.")
    return "\n".join(lines)
