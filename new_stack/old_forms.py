"""Forms of older releases: taken where an era accepts them, refused with the way out elsewhere."""

from __future__ import annotations

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.era import accepts, current_era


class OldFormError(ModuleError, ValueError, TypeError):
    """Code speaks an older release; the message names the rewrite rule that brings it up to date.

    Both ValueError and TypeError, which are what Ray 2.60 raises for the various forms.
    """


def accept_old_form(form: str, *, until: str, now: str, rule: str) -> None:
    """Return if an old form is accepted here, raise OldFormError otherwise.

    Args:
        form: The form as the caller wrote it.
        until: The last release that took it.
        now: What it is called today.
        rule: The rewrite rule that changes it.
    """
    if accepts(until=until):
        return
    era = current_era()
    where = "any more" if era is None else f"in Ray {era}"
    raise OldFormError(
        f"{form} is not accepted {where}: Ray took it up to {until}. Use {now}; "
        f"`rlmigrate rewrite` changes it (rule {rule}). To run the code as it is, put it inside "
        "`with rlmigrate.ray_names():`"
    )
