"""Services for runs: look at one, read its log, restart it. A restart happens exactly once per key."""

from dataclasses import dataclass

from domain.calls import Doubt, ErrorKind, Preview, ToolSpec
from domain.canonical import Json
from domain.tiers import Effect
from loop.ports import OutcomeUnknown
from tools.port import Arguments, Done, Look, Reading, ToolFailure, Workplace
from tools.schema import NAME, number, record, text
from tools.services.port import ServiceControl, ServiceError, ServiceStatus, UnknownServiceError

_SERVICE = text("the service's name", at_most=63, pattern=NAME)


def _spec(name: str, effect: Effect, describe: str, environment: str, **more: Json) -> ToolSpec:
    changes = effect is Effect.CHANGE
    return ToolSpec(
        name=name,
        version=1,
        effect=effect,
        describe=describe,
        arguments=record(required=["service"], service=_SERVICE, **more),
        selectors=("service",),
        resource=f"{environment}/{{service}}",
        idempotent=True,
        checkable=changes,
        timeout_s=90 if changes else 30,
    )


def status_spec(environment: str) -> ToolSpec:
    describe = "Whether a service runs and is healthy, since when, and its generation (how often it was started)."
    return _spec("service.status", Effect.READ, describe, environment)


def logs_spec(environment: str) -> ToolSpec:
    lines = number("how many of the last lines; 50 when left out", least=1, most=500)
    contains = text("only lines that contain this", at_most=100)
    describe = "The last lines of a service's log."
    return _spec("service.logs", Effect.READ, describe, environment, lines=lines, contains=contains)


def restart_spec(environment: str) -> ToolSpec:
    describe = "Restart a service: end its process and start the next generation. Requests under way are lost."
    return _spec("service.restart", Effect.CHANGE, describe, environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Reading):
    services: ServiceControl
    spec: ToolSpec

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        status = await _status(self.services, arguments["service"])
        return Done(summary=_sentence(status), data=_described(status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs(Reading):
    services: ServiceControl
    spec: ToolSpec

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        name, wanted, contains = arguments["service"], arguments.get("lines", 50), arguments.get("contains")
        await _status(self.services, name)
        lines = (await self.services.logs(name, 5000 if contains else wanted)).splitlines()
        chosen = [line for line in lines if contains is None or contains in line][-wanted:]
        errors = sum(" ERROR " in line for line in chosen)
        data = {"service": name, "lines": len(chosen), "errors": errors, "text": "\n".join(chosen)}
        return Done(summary=f"{len(chosen)} lines of {name}'s log, {errors} of them errors.", data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Reading):
    services: ServiceControl
    spec: ToolSpec

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        status = await _status(self.services, arguments["service"])
        facts = (
            ("running", "yes" if status.running else "no"),
            ("health", status.detail or ("healthy" if status.healthy else "not healthy")),
            ("generation", f"{status.generation}, becomes {status.generation + 1}"),
            ("process", str(status.pid) if status.pid else "none"),
            ("up for", "-" if status.uptime_s is None else f"{status.uptime_s:.0f} s"),
        )
        preview = Preview(summary=f"Restart {status.service}. Requests under way are lost.", facts=facts)
        return Look(fingerprint=f"generation {status.generation}", preview=preview)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        name = arguments["service"]
        await _status(self.services, name)
        try:
            restarted = await self.services.restart(name, at.key)
        except (ServiceError, OSError, TimeoutError) as error:
            raise OutcomeUnknown(f"the restart of {name} was cut off: {error}") from error
        data = {
            "service": name,
            "before": restarted.before,
            "generation": restarted.after,
            "pid": restarted.pid,
            "healthy": restarted.healthy,
            "repeated": restarted.repeated,
        }
        health = "healthy" if restarted.healthy else "not healthy"
        return Done(summary=f"{name} was restarted: generation {restarted.after}, {health}.", data=data)

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        return await self.services.check(arguments["service"], at.key)


async def _status(services: ServiceControl, name: str) -> ServiceStatus:
    try:
        return await services.status(name)
    except UnknownServiceError as error:
        raise ToolFailure(ErrorKind.ARGUMENTS, str(error)) from error


def _sentence(status: ServiceStatus) -> str:
    if not status.running:
        return f"{status.service} is not running."
    health = "healthy" if status.healthy else "not healthy"
    return f"{status.service} runs and is {health} ({status.detail or 'nothing to ask'})."


def _described(status: ServiceStatus) -> dict[str, Json]:
    return {
        "service": status.service,
        "running": status.running,
        "healthy": status.healthy,
        "generation": status.generation,
        "pid": status.pid,
        "uptime_s": None if status.uptime_s is None else round(status.uptime_s, 1),
        "url": status.url,
        "detail": status.detail,
    }
