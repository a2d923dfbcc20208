"""The conditions of an append, judged against the fold at the stream's end, the switch and the organization's seq: all
as of this transaction.

`domain.evolve` knows what an approval has come to, so its row need not be asked, and can never say otherwise.
"""

from collections.abc import Callable, Sequence

from domain.runs import Run
from loop.ports import ApprovalUnused, Guard, GuardRefused, OrganizationAt, SwitchOff, WithinBudget
from state.projections import CONSUMED, GRANTED, OPEN, approval_status


def check(guards: Sequence[Guard], run: Run | None, *, stopped: bool, organization: Callable[[], int]) -> None:
    """Before anything is appended. Raises GuardRefused."""
    for guard in guards:
        match guard:
            case SwitchOff():
                if stopped:
                    raise GuardRefused(guard, "everything is stopped")
            case OrganizationAt(seq=seq):
                actual = organization()
                if actual != seq:
                    raise GuardRefused(guard, f"the organization has moved on, from {seq} to {actual}")
            case ApprovalUnused(approval_id=approval_id):
                status = approval_status(run, approval_id)
                if status not in (OPEN, GRANTED, None):  # None: it may be asked for in this very append
                    raise GuardRefused(guard, f"approval {approval_id} is {status}")
            case WithinBudget():
                pass  # `state.spending.check_drawn`, once it is known what the append draws


def check_taken(guards: Sequence[Guard], run: Run | None) -> None:
    """After: the append must have taken its approval, or a second one could take it as well. Raises GuardRefused."""
    for guard in guards:
        if isinstance(guard, ApprovalUnused):
            status = approval_status(run, guard.approval_id)
            if status is None:
                raise GuardRefused(guard, f"nothing was asked as {guard.approval_id}")
            if status != CONSUMED:
                raise GuardRefused(guard, f"approval {guard.approval_id} is {status}; no action starts under it here")
