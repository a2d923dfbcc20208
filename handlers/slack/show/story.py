"""A run as its thread tells it: the folded run, and what the fold leaves out but people must see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from domain import events as e
from domain.evolve import evolve
from domain.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`asked`, `closed`, `granted` and `rationales` (as they were when it was asked; none for an offer) are by
    approval id; `untold` are the events since the last trace line.
    """

    run: Run
    asked: Mapping[str, e.ApprovalRequested] = field(default_factory=dict)
    closed: Mapping[str, e.ApprovalClosed] = field(default_factory=dict)
    granted: Mapping[str, e.ApprovalGranted] = field(default_factory=dict)
    rationales: Mapping[str, str] = field(default_factory=dict)
    untold: tuple[e.Recorded, ...] = ()

    def after(self, recorded: e.Recorded) -> "Story":
        """The story with one more event. Raises IllegalEvent."""
        run = evolve(self.run, recorded)
        event = recorded.event
        story = replace(self, run=run)
        if isinstance(event, e.Posted):
            return story
        story = replace(story, untold=(*self.untold, recorded))
        match event:
            case e.ApprovalRequested(request=request):
                offered = run.offer is not None and run.offer.call.call_id == request.call_id
                why = {**self.rationales, request.approval_id: "" if offered else run.rationale}
                return replace(story, asked={**self.asked, request.approval_id: event}, rationales=why)
            case e.ApprovalClosed(approval_id=approval_id):
                return replace(story, closed={**self.closed, approval_id: event})
            case e.ApprovalGranted(approval_id=approval_id):
                return replace(story, granted={**self.granted, approval_id: event})
            case _:
                return story

    def told(self) -> "Story":
        """The story once everything so far has been said in the thread."""
        return replace(self, untold=())


def tell(run_id: str, log: Iterable[e.Recorded]) -> Story:
    """The story of these events, all of them untold."""
    story = Story(run=Run(run_id=run_id))
    for recorded in log:
        story = story.after(recorded)
    return story
