"""Gather the verdicts of all cases into one result, leaving nothing out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.judge import Judgement
from rlmigrate.compat.parity.results import (
    CaseCount,
    ClassResult,
    Divergence,
    Finding,
    LayerResult,
    OutputResult,
    ParameterResult,
    Status,
)
from rlmigrate.errors import RlmigrateError

#: What is said first: parameters and outputs of the network, then what is computed from them.
_ORDER = (
    ("cases", "parameters", "state_in"),
    ("dist_inputs", "value", "q_values", "critic", "twin_critic", "state_out"),
    ("inference", "exploration", "train", "next", "target", "q_probs", "log_probs"),
    ("logp", "entropy", "kl", "deterministic_action", "loss"),
    ("gradients", "after one step"),
)
#: Points kept for the plot of error against magnitude.
_POINTS = 240


class CaseError(Exception):
    """A side raised; `side` is "old" or "new"."""

    def __init__(self, side: str, case: str, error: Exception) -> None:
        kind = "" if isinstance(error, RlmigrateError) else f"{type(error).__name__}: "
        super().__init__(f"{kind}{error}")
        self.side = side
        self.case = case


class Account:
    """Collects verdicts per output and case."""

    def __init__(self, *, limit: float) -> None:
        self.limit = limit
        self.cases: list[str] = []
        self.findings: list[Finding] = []
        self.failing_cases: dict[str, float] = {}
        self.divergence: Divergence | None = None
        self._verdicts: dict[str, dict[str, Judgement]] = {}
        self._missing: dict[str, list[str]] = {}
        self._points: list[tuple[float, float]] = []
        self._wide_trouble = ""
        self._notes: list[str] = []

    def begin(self, case: str) -> None:
        """Note that both sides computed a case."""
        self.cases.append(case)

    def add(self, path: str, case: str, verdict: Judgement, old: Array, new: Array) -> None:
        """Enter one verdict."""
        self._verdicts.setdefault(path, {})[case] = verdict
        if not verdict.passed:
            text = verdict.message
            self.findings.append(Finding(verdict.kind, path, text, case, verdict.severity))
            if not path.startswith(("gradients", "after one step")):
                known = self.failing_cases.get(case, 0.0)
                self.failing_cases[case] = max(known, verdict.severity)
        if verdict.max_abs > 0 and len(self._points) < _POINTS and old.dtype.kind == "f":
            self._scatter(old, new)

    def _scatter(self, old: Array, new: Array) -> None:
        finite = np.isfinite(old) & np.isfinite(new) & (np.abs(old) < 1e8)
        gaps = np.abs(new[finite].astype(np.float64) - old[finite].astype(np.float64))
        sizes = np.abs(old[finite].astype(np.float64))
        for i in np.argsort(-gaps)[: max(1, _POINTS // 20)]:
            if gaps[i] > 0:
                self._points.append((float(sizes[i]), float(gaps[i])))

    def missing(self, path: str, case: str, *, on: str, why: str) -> None:
        """Note an output that only one side gives."""
        self._missing.setdefault(path, []).append(case)
        side = "the new module" if on == "new" else "the legacy model"
        text = f"{side} does not give this output" + (f" ({why})" if why else "")
        self.findings.append(Finding("missing" if on == "new" else "extra", path, text, case))
        self.failing_cases.setdefault(case, 0.0)

    def failed(self, error: CaseError) -> None:
        """Note a case that a side could not compute."""
        side = "new module" if error.side == "new" else "legacy model"
        kind = "raised" if error.side == "new" else "old raised"
        text = f"the {side} raised {error}"
        self.findings.append(Finding(kind, f"cases.{error.case}", text, error.case))

    def note(self, text: str) -> None:
        """Note something that the reader must know, once."""
        if text not in self._notes:
            self._notes.append(text)

    def no_float64(self, why: str) -> None:
        """Note why the old model has no float64 result."""
        self._wide_trouble = why

    def _outputs(self) -> dict[str, OutputResult]:
        outputs = {}
        for path in (*self._verdicts, *(p for p in self._missing if p not in self._verdicts)):
            verdicts = self._verdicts.get(path, {})
            absent = self._missing.get(path, [])
            case, top = max(
                verdicts.items(),
                key=lambda item: (not item[1].passed, item[1].severity, item[1].max_abs),
                default=("", Judgement("missing", "not given by both sides", "presence")),
            )
            failed = [v for v in verdicts.values() if not v.passed]
            ratios = [v.noise_ratio for v in verdicts.values() if v.noise_ratio is not None]
            outputs[path] = OutputResult(
                status=Status.FAIL if failed or absent else Status.PASS,
                max_abs=max((v.max_abs for v in verdicts.values()), default=0.0),
                max_rel=max((v.max_rel for v in verdicts.values()), default=0.0),
                max_ulp=max((v.max_ulp for v in verdicts.values()), default=0.0),
                noise_ratio=max(ratios) if ratios else None,
                limit=self.limit,
                compared=len(verdicts),
                total=len(verdicts) + len(absent),
                differing=sum(v.differing for v in verdicts.values()),
                elements=sum(v.elements for v in verdicts.values()),
                worst_case=case or (absent[0] if absent else ""),
                index=top.at,
                old_value=top.old_value,
                new_value=top.new_value,
                tolerance_needed=max((v.tolerance_needed for v in verdicts.values()), default=0.0),
                judged_by=top.judged_by,
                message=top.message,
            )
        return outputs

    def _ratios(self) -> dict[str, dict[str, float]]:
        return {
            path: {
                case: verdict.severity if np.isfinite(verdict.severity) else 1e9
                for case, verdict in verdicts.items()
            }
            for path, verdicts in self._verdicts.items()
        }

    def result(
        self,
        *,
        name: str,
        labels: tuple[str, str],
        parameters: ParameterResult,
        findings: list[Finding],
        planned: int,
        facts: tuple[tuple[str, str, str], ...],
        notes: tuple[str, ...],
        seconds: float,
        layers: tuple[LayerResult, ...] = (),
        first_divergence: str | None = None,
        cause: str | None = None,
        smallest: Mapping[str, Any] | None = None,
    ) -> ClassResult:
        """Sum up."""
        every = sorted([*findings, *self.findings], key=lambda f: (_rank(f.path), -f.severity))
        said = [*notes, *self._notes]
        if self._wide_trouble:
            said.append(
                "judged by the float32 table, since the legacy model has no float64 result: "
                + self._wide_trouble
            )
        for path, verdicts in self._verdicts.items():
            for text in sorted({v.note for v in verdicts.values() if v.note}):
                cases = [case for case, v in verdicts.items() if v.note == text]
                said.append(f"{path}: {text} in {', '.join(cases)}")
        outputs = self._outputs()
        status = self._status(every, outputs, planned)
        return ClassResult(
            name=name,
            old=labels[0],
            new=labels[1],
            status=status,
            cases=CaseCount(len(self.cases), planned),
            outputs=outputs,
            parameters=parameters,
            first_divergence=first_divergence,
            message=_message(status, every, first_divergence, cause),
            cause=cause,
            findings=tuple(every),
            layers=layers,
            errors_by_case=self._ratios(),
            scatter=tuple(self._points[:_POINTS]),
            preflight=facts,
            notes=tuple(said),
            seconds=seconds,
            smallest=smallest,
            divergence=self.divergence,
        )

    def _status(
        self, findings: list[Finding], outputs: Mapping[str, OutputResult], planned: int
    ) -> Status:
        kinds = {finding.kind for finding in findings}
        if not self.cases:
            return Status.FAIL if "raised" in kinds else Status.ERROR
        if kinds - {"old raised", "unmatched"}:
            return Status.FAIL
        complete = len(self.cases) == planned and bool(outputs)
        return Status.PASS if complete and not kinds else Status.INCOMPLETE


def _rank(path: str) -> int:
    """Order findings: causes before what follows from them."""
    head = path.partition(".")[0]
    for rank, heads in enumerate(_ORDER):
        if head in heads:
            return rank
    return 0


def _message(
    status: Status, findings: list[Finding], first_divergence: str | None, cause: str | None
) -> str:
    if not findings:
        return "" if status is Status.PASS else "nothing was compared"
    top = findings[0]
    text = f"{top.path}: {top.message}"
    if top.case:
        text += f" in case {top.case!r}"
    if first_divergence:
        text += f"; first divergent layer {first_divergence}"
    if cause:
        text += f" ({cause})"
    return text
