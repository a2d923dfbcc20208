"""The parts of a running playground, as every door sees them."""

from dataclasses import dataclass

from playground.blobs import Blobs
from playground.delivery import Delivery
from playground.events import Events
from playground.faults import Faults
from playground.rates import Limiter
from playground.sockets import Sockets
from playground.traffic import Traffic
from playground.triggers import Triggers
from playground.workspace import Timing
from playground.world import World


@dataclass(slots=True, kw_only=True)
class Hub:
    world: World
    events: Events
    delivery: Delivery
    sockets: Sockets
    triggers: Triggers
    faults: Faults
    traffic: Traffic
    limiter: Limiter
    blobs: Blobs
    timing: Timing
    url: str = ""  # known once the server listens
