"""What a comparison says; frozen, and free of any rendering but JSON.

Status            PASS, FAIL, INCOMPLETE, ERROR
Finding           one difference, with its path
OutputResult      one output over all cases
ParameterResult   the parameters of both sides
LayerResult       the error of one layer, free-running and teacher-forced
Divergence        how far apart the policies are
ClassResult       one pair of classes
ParityReport      all pairs, and the overall status
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any


class Status(Enum):
    """Verdict of a comparison; there is no warning between PASS and FAIL."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCOMPLETE = "INCOMPLETE"
    ERROR = "ERROR"

    def __str__(self) -> str:
        return self.value


#: The graver wins where several verdicts meet.
_GRAVITY = (Status.PASS, Status.INCOMPLETE, Status.FAIL, Status.ERROR)


#: A table of TOML can stand in a file only once.
_SKIP = "[tool.rlmigrate.verify.skip]"


def worst(statuses: list[Status]) -> Status:
    """Give the gravest status; nothing compared at all is INCOMPLETE."""
    return max(statuses, key=_GRAVITY.index, default=Status.INCOMPLETE)


@dataclass(frozen=True)
class Finding:
    """One difference: what kind, at which path, in which case, and how large against the limit."""

    kind: str
    path: str
    message: str
    case: str = ""
    severity: float = math.inf


@dataclass(frozen=True)
class OutputResult:
    """One output over all cases in which either side has it.

    `noise_ratio` is the error against the old model's own float32 rounding; None where the
    verdict came from equality or from a tolerance table (`judged_by` says which).
    """

    status: Status
    max_abs: float
    max_rel: float
    max_ulp: float
    noise_ratio: float | None
    limit: float
    compared: int
    total: int
    differing: int
    elements: int
    worst_case: str
    index: tuple[int, ...]
    old_value: float
    new_value: float
    tolerance_needed: float
    judged_by: str
    message: str


@dataclass(frozen=True)
class ParameterResult:
    """How many parameters have a counterpart with equal values, and which have none."""

    matched: int
    total: int
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerResult:
    """Error of one layer in units of float32 noise; `forced` with the old layer's own input."""

    old: str
    new: str
    free: float | None
    forced: float | None
    message: str = ""


@dataclass(frozen=True)
class CaseCount:
    """Cases compared out of those planned."""

    compared: int
    total: int


@dataclass(frozen=True)
class Divergence:
    """Largest KL(old || new) of any row, in nats, and where; `undefined` rows have none."""

    largest: float
    case: str
    row: int
    rows: int
    undefined: int


@dataclass(frozen=True)
class ClassResult:
    """One pair of classes: the fields of the JSON report's `results`.

    `smallest` is a small input that fails, as `cases.plain` writes it; `advice` the TOML that would
    make an INCOMPLETE class complete, or leave it out.
    """

    name: str
    old: str
    new: str
    status: Status
    cases: CaseCount
    outputs: Mapping[str, OutputResult] = field(default_factory=dict)
    parameters: ParameterResult = field(default_factory=lambda: ParameterResult(0, 0))
    first_divergence: str | None = None
    message: str = ""
    cause: str | None = None
    findings: tuple[Finding, ...] = ()
    layers: tuple[LayerResult, ...] = ()
    errors_by_case: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scatter: tuple[tuple[float, float], ...] = ()
    preflight: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    smallest: Mapping[str, Any] | None = None
    divergence: Divergence | None = None
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the result as plain JSON values; `read_result` reads them."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @property
    def accounting(self) -> str:
        """Say how much was compared: `compared 5/5 outputs, 8/8 parameters, 9/9 cases`."""
        compared = sum(output.compared == output.total for output in self.outputs.values())
        return (
            f"compared {compared}/{len(self.outputs)} outputs, "
            f"{self.parameters.matched}/{self.parameters.total} parameters, "
            f"{self.cases.compared}/{self.cases.total} cases"
        )


@dataclass(frozen=True)
class ParityReport:
    """Results of all pairs, gravest status overall."""

    results: tuple[ClassResult, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """Give the gravest status of all results."""
        return worst([result.status for result in self.results])

    @property
    def worst_first(self) -> tuple[ClassResult, ...]:
        """Order the results by gravity, then by the size of their largest finding."""
        return tuple(
            sorted(
                self.results,
                key=lambda r: (
                    -_GRAVITY.index(r.status),
                    -max((f.severity for f in r.findings), default=0.0),
                    r.name,
                ),
            )
        )

    @property
    def advice(self) -> str:
        """Give the TOML that the INCOMPLETE classes lack, as one text; "" if nothing is lacking."""
        parts = [result.advice for result in self.worst_first if result.advice]
        skips = [text.partition("\n") for text in parts if text.startswith(_SKIP)]
        rest = [text for text in parts if not text.startswith(_SKIP)]
        if skips:
            rest.append("\n".join([_SKIP, *(lines for _, _, lines in skips)]))
        return "\n\n".join(rest)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON values; numbers that are not finite become strings."""
        return {
            "version": 1,
            "status": self.status.value,
            "settings": dict(self.settings),
            "skipped": dict(self.skipped),
            "results": [_plain(result) for result in self.results],
        }

    def to_json(self) -> str:
        """Write the report of DESIGN.md section 3 as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def read_result(plain: Mapping[str, Any]) -> ClassResult:
    """Rebuild a result from what `ClassResult.to_dict` gave."""
    values = dict(plain)
    values["status"] = Status(values["status"])
    values["cases"] = CaseCount(**values["cases"])
    values["outputs"] = {path: _output(item) for path, item in values["outputs"].items()}
    lists = ("only_old", "only_new", "different")
    parameters: dict[str, Any] = {
        k: tuple(v) if k in lists else v for k, v in values["parameters"].items()
    }
    values["parameters"] = ParameterResult(**parameters)
    values["findings"] = tuple(
        Finding(**{**item, "severity": float(item["severity"])}) for item in values["findings"]
    )
    values["layers"] = tuple(
        LayerResult(**{**item, "free": _float(item["free"]), "forced": _float(item["forced"])})
        for item in values["layers"]
    )
    values["errors_by_case"] = {
        path: {case: float(value) for case, value in row.items()}
        for path, row in values["errors_by_case"].items()
    }
    for name in ("scatter", "preflight"):
        values[name] = tuple(tuple(item) for item in values[name])
    values["notes"] = tuple(values["notes"])
    if values.get("divergence"):
        values["divergence"] = Divergence(**values["divergence"])
    return ClassResult(**values)


def _output(plain: Mapping[str, Any]) -> OutputResult:
    values: dict[str, Any] = {
        k: float(v) if isinstance(v, str) and k in _FLOATS else v for k, v in plain.items()
    }
    values["status"] = Status(values["status"])
    values["index"] = tuple(values["index"])
    return OutputResult(**values)


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


#: Numbers that JSON may hold as text, since they are not finite.
_FLOATS = {item.name for item in fields(OutputResult) if "float" in str(item.type)}
