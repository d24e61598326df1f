"""Compare a legacy model with its RLModule over many cases."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.cases import Case, CaseOptions, edges, plan_cases
from rlmigrate.compat.parity.cases.plain import to_plain
from rlmigrate.compat.parity.compare_cases import compare_cases
from rlmigrate.compat.parity.gradients import compare_gradients, compare_step
from rlmigrate.compat.parity.judge import NOISE_LIMIT
from rlmigrate.compat.parity.localise import Location
from rlmigrate.compat.parity.localise import localise as find_location
from rlmigrate.compat.parity.model_configs import new_model_config as default_model_config
from rlmigrate.compat.parity.pairing import compare_parameters, pair_names
from rlmigrate.compat.parity.preflight import preflight
from rlmigrate.compat.parity.references import Perturb
from rlmigrate.compat.parity.results import ClassResult, Finding, ParityReport, Status
from rlmigrate.compat.parity.rows import Segments
from rlmigrate.compat.parity.shrink import shrink
from rlmigrate.compat.parity.sides.base import Side
from rlmigrate.errors import ParityError


def check_parity(
    old: object,
    new: object,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any] | None = None,
    new_model_config: Mapping[str, Any] | None = None,
    mapping: Mapping[str, str] | None = None,
    allow_unmatched: Sequence[str] = (),
    cases: Sequence[Case] | None = None,
    seed: int = 0,
    limit: float = NOISE_LIMIT,
    localise: bool = True,
    gradients: bool = True,
    name: str | None = None,
) -> ParityReport:
    """Compare what an old model and its RLModule compute.

    `old` is a legacy torch model, a Policy, or a legacy class; `new` an RLModule or its class.
    Classes are built with equal weights, none at its initial value; instances are compared as
    they are, and left so. `limit` is the accepted error in units of the old model's own
    float32 rounding noise.

    Returns:
        A frozen report; `report.status` is PASS only if every output, parameter and case was
        compared and none differs.

    Raises:
        UsageError: `old` or `new` is neither an instance nor a class that can be compared.
    """
    from rlmigrate.compat.parity.sides import building

    spaces: dict[str, Any] = {"observation_space": observation_space, "action_space": action_space}
    config = dict(model_config or {})
    theirs = new_model_config if new_model_config is not None else default_model_config(config)
    new_side = building.module_side(new, model_config=theirs, **spaces)
    role = new_side.role
    told = {**role.settings(), **config}
    old_side = building.legacy_side(old, model_config=told, seed=seed, role=role.name, **spaces)
    if isinstance(old, type) or isinstance(new, type):
        mapping = new_side.adopt(old_side.parameters(), mapping)
    options = CaseOptions(seed=seed, state_sizes=old_side.state_sizes, columns=old_side.columns)
    planned = tuple(cases) if cases is not None else None
    if planned is None:
        planned = plan_cases(observation_space, action_space, options=options)
    result = compare_sides(
        old_side,
        new_side,
        planned,
        name=name or new_side.label,
        prefix=new_side.prefix,
        mapping=mapping,
        allow_unmatched=allow_unmatched,
        limit=limit,
        localise=localise,
        gradients=gradients,
        segments=old_side.segments,
        perturb=partial(edges.perturbed, observation_space),
    )
    return ParityReport((result,), {"limit": f"{limit:g}", "seed": str(seed)})


def assert_parity(
    old: object,
    new: object,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    **options: Any,
) -> ParityReport:
    """Run check_parity and raise unless it says PASS.

    Raises:
        ParityError: with the rendered findings as message and the report as `.report`.
    """
    report = check_parity(
        old, new, observation_space=observation_space, action_space=action_space, **options
    )
    if report.status is not Status.PASS:
        from rlmigrate.compat.parity.render.text import plain_text

        error = ParityError(plain_text(report))
        error.report = report  # type: ignore[attr-defined]
        raise error
    return report


def compare_sides(
    old: Side,
    new: Side,
    cases: Sequence[Case],
    *,
    name: str,
    prefix: str = "",
    mapping: Mapping[str, str] | None = None,
    allow_unmatched: Sequence[str] = (),
    limit: float = NOISE_LIMIT,
    localise: bool = True,
    gradients: bool = True,
    segments: Segments = lambda width: (),
    perturb: Perturb | None = None,
    notes: Sequence[str] = (),
) -> ClassResult:
    """Compare two sides over given cases; the heart of check_parity, verify and compare."""
    began = time.perf_counter()
    account = Account(limit=limit)
    with old.session(), new.session():
        facts, differences = preflight(old.facts(), new.facts())
        old_values, new_values = old.parameters(), new.parameters()
        pairing = pair_names(
            old_values,
            new_values,
            prefix=prefix,
            mapping=mapping,
            constants=frozenset(new_values) - new.trainable(),
            allow=allow_unmatched,
        )
        parameters, findings = compare_parameters(old_values, new_values, pairing)
        _compare_states(old, new, findings)
        cases = compare_cases(old, new, cases, account, segments=segments, perturb=perturb)
        if gradients and account.cases:
            batch = max(cases, key=Case.richness)
            findings += compare_gradients(old, new, batch, account, mapping=pairing.mapping)
            if not findings and not account.findings and getattr(old, "steps", True):
                compare_step(old, new, batch, account, mapping=pairing.mapping)
        location = smallest = None
        if localise and account.failing_cases:
            location = _locate(old, new, cases, account, pairing.mapping, prefix)
            smallest = _smallest(old, new, cases, account, segments, perturb)
    return account.result(
        name=name,
        labels=(old.label, new.label),
        parameters=parameters,
        findings=findings,
        planned=len(cases),
        facts=facts,
        notes=(*notes, *differences),
        seconds=time.perf_counter() - began,
        layers=location.layers if location else (),
        first_divergence=location.first if location else None,
        cause=location.cause if location else None,
        smallest=to_plain(smallest) if smallest else None,
    )


def _smallest(
    old: Side,
    new: Side,
    cases: Sequence[Case],
    account: Account,
    segments: Segments,
    perturb: Perturb | None,
) -> Case | None:
    """Shrink the smallest case that fails at the first path, where the sides can run it."""
    first = next((finding for finding in account.findings if finding.case), None)
    wanted = {finding.case for finding in account.findings if first and finding.path == first.path}
    failing = [case for case in cases if case.name in wanted]
    if first is None or not failing:
        return None

    def fails(tried: Sequence[Case]) -> list[bool]:
        scratch = Account(limit=account.limit)
        compare_cases(old, new, tried, scratch, segments=segments, perturb=perturb)
        found = {f.case for f in scratch.findings if (f.kind, f.path) == (first.kind, first.path)}
        return [case.name in found for case in tried]

    try:
        return shrink(min(failing, key=lambda case: case.rows), fails)
    except Exception as error:  # the user's own code may raise anything
        account.note(f"input not made smaller: {type(error).__name__}: {error}")
        return None


def _locate(
    old: Side,
    new: Side,
    cases: Sequence[Case],
    account: Account,
    mapping: Mapping[str, str],
    prefix: str,
) -> Location | None:
    """Localise in the failing case with the most rows, among those that fail worst."""
    failing = [case for case in cases if case.name in account.failing_cases]
    studied = getattr(old, "studied", None)  # a recording has the layers of one case
    if studied is not None:
        failing = [case for case in failing if case.name == studied]
    if not failing:
        return None
    worst = max(failing, key=lambda case: (min(account.failing_cases[case.name], 1e6), case.rows))
    rich = max(failing, key=lambda case: case.rows)
    chosen = rich if account.failing_cases[rich.name] > account.limit else worst
    try:
        return find_location(old, new, chosen, mapping=mapping, prefix=prefix, limit=account.limit)
    except Exception as error:  # the user's own code may raise anything
        account.note(f"layers not compared: {type(error).__name__}: {error}")
        return None


def _compare_states(old: Side, new: Side, findings: list[Finding]) -> None:
    sizes = [[int(np.prod(shape)) for shape in side.state_sizes] for side in (old, new)]
    if sizes[0] != sizes[1]:
        text = f"initial state {new.state_sizes}, expected {old.state_sizes}"
        findings.append(Finding("state", "state_in", text))
