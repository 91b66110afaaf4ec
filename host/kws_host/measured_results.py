"""What `check --json` and `evaluate --json` wrote, read back, and what differs between two of them."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN

_EMBEDDED = re.compile(r'<script type="application/json" id="result">(.*?)</script>', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Row:
    """A recording as a board heard it.

    Attributes:
      recording: its name; ``clip`` also tells the round of a check that runs it several times.
      first: the mismatch, for people.
      others: as in `checking.ClipResult`.
    """

    board: str
    clip: str
    recording: str
    expected: str
    heard: str | None
    detected: tuple[str, ...]
    steps: int
    mismatches: int
    first: str

    @property
    def is_wrong(self) -> bool:
        """Whether the model hears something else than the label."""
        return bool(self.expected) and self.heard is not None and self.heard != self.expected


@dataclasses.dataclass(frozen=True)
class Result:
    """A run of `check` or `evaluate`.

    Attributes:
      command: which.
      model, model_sha256: that ran.
      boards: their names.
      facts: of the boards, name and text, for people.
      figures: name and number, comparable between runs.
      rows: recordings; of `evaluate` none, but its differences.
      confusion: expected label -> heard label -> count.
      detectors: settings of each board's detector, as in the JSON; those of the bundle where it has none.
      mismatches: integers (of `evaluate`: recordings) that differ from the reference.
      raw: the JSON.
    """

    command: str
    model: str
    model_sha256: str
    boards: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    figures: dict[str, float]
    rows: tuple[Row, ...]
    confusion: dict[str, dict[str, int]]
    detectors: dict[str, dict[str, Any]]
    mismatches: int
    raw: dict[str, Any]


def read(path: Path) -> Result:
    """Reads a result, or a report that holds one.

    Raises:
      KwsError: it cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise KwsError(f"cannot read {path}: {reason}. Give a file of check --json or evaluate --json.") from None
    embedded = _EMBEDDED.search(text)
    try:
        return of(json.loads(embedded[1] if embedded else text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KwsError(
            f"{path} is no result of check --json or evaluate --json ({type(error).__name__}: {error}). Write one anew."
        ) from None


def of(raw: dict[str, Any]) -> Result:
    """A result out of its JSON. Raises: KeyError, TypeError, ValueError: it is none."""
    return _of_evaluate(raw) if "confusion" in raw else _of_check(raw)


def _of_check(raw: dict[str, Any]) -> Result:
    parts = raw.get("boards", [raw])
    names = _names([part["device"]["board"] for part in parts])
    facts: list[tuple[str, str]] = []
    rows: list[Row] = []
    for name, part in zip(names, parts, strict=True):
        facts += [(name, line) for line in _facts(part)]
        rows += [_row(name, clip) for clip in part["clips"]]
    summary = raw["summary"]
    figures: dict[str, float] = {
        key.replace("_", " "): summary[key]
        for key in ("clips", "steps", "integers", "mismatches", "labelled", "heard_as_labelled", "streamed_again")
    }
    if summary["labelled"]:
        figures["accuracy, %"] = round(100 * summary["heard_as_labelled"] / summary["labelled"], 2)
    figures["detections"] = sum(len(row.detected) for row in rows)
    for name, part in zip(names, parts, strict=True):
        for key in ("stack_used_bytes", "state_bytes", "scratch_bytes", "weights_bytes"):
            if part["stats"][key]:  # 0: not measured on this board
                figures[f"{name}: {key.replace('_', ' ')}"] = part["stats"][key]
    bundle = raw["bundle"]
    return Result(
        "check",
        bundle["name"],
        bundle["model_sha256"],
        tuple(names),
        tuple(facts),
        figures,
        tuple(rows),
        _confusion([row for row in rows if row.board == names[0]]),
        {name: part["detector"] for name, part in zip(names, parts, strict=True) if part.get("detector")},
        summary["mismatches"],
        raw,
    )


def _of_evaluate(raw: dict[str, Any]) -> Result:
    names = ("clips", "steps", "labelled", "right_on_device", "right_in_python", "agreeing_clips", "differing_clips")
    figures: dict[str, float] = {key.replace("_", " "): raw[key] for key in names}
    if raw["labelled"]:
        figures["accuracy, %"] = round(100 * raw["accuracy_on_device"], 2)
    if "speech" in raw:
        figures |= {"hours": round(raw["speech"]["hours"], 3), "detections per hour": raw["speech"]["per_hour"]}
    board = raw["board"]
    rows = tuple(
        Row(board, item["clip"], item["clip"], "", None, (), 0, 1, item["first"]) for item in raw["differences"]
    )
    facts = ((board, f"{raw['device_seconds']} s on {raw['jobs']} emulators, {raw['reference_seconds']} s in Python"),)
    confusion = {label: counts for label, counts in raw["confusion"].items() if sum(counts.values())}
    return Result(
        "evaluate", raw["model"], raw["model_sha256"], (board,), facts, figures, rows, confusion,
        {}, raw["differing_clips"], raw,
    )  # fmt: skip


def _names(boards: list[str]) -> list[str]:
    return [name if boards.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(boards, 1)]


def _facts(part: dict[str, Any]) -> list[str]:
    device, stats, held = part["device"], part["stats"], part.get("detector")
    lines = [
        f"firmware {device['firmware_version']}, engine {device['engine']}",
        f"{device['sample_rate_hz']} Hz, {device['frames_per_step']} frames of {device['hop_samples']} samples a step",
        f"{stats['frames_ok']:,} frames came whole, {stats['serial_overruns']} bytes were lost by the port",
    ]
    if held and held["origin"] != "generated":
        lines.append(f"its detector is tuned ({held['origin']})")
    return lines


def _row(board: str, clip: dict[str, Any]) -> Row:
    first = clip["first_mismatch"]
    what = (
        f"step {first['step']}, stage {first['stage']}: {first['what']}: device {first['device']}, reference "
        f"{first['reference']}"
        if first
        else ""
    )
    return Row(
        board, clip["clip"], clip.get("recording", clip["clip"]), clip["expected"], clip["heard"],
        tuple(clip["detected"]), clip["steps"],
        clip["mismatches"], what,
    )  # fmt: skip


def _confusion(rows: list[Row]) -> dict[str, dict[str, int]]:
    labelled = [row for row in rows if row.expected and row.heard is not None]
    present = {row.expected for row in labelled} | {row.heard or "nothing" for row in labelled}
    labels = sorted(present, key=lambda label: (label not in (SILENCE, UNKNOWN), label))
    counts = {label: dict.fromkeys(labels, 0) for label in labels if any(row.expected == label for row in labelled)}
    for row in labelled:
        counts[row.expected][row.heard or "nothing"] += 1
    return counts


@dataclasses.dataclass(frozen=True)
class Change:
    """A figure, or a recording, that is not what it was. Attributes: was, now: for people."""

    name: str
    was: str
    now: str


def changes(before: Result, after: Result) -> tuple[list[Change], list[Change]]:
    """Returns figures that changed, and recordings that are heard or detected otherwise, are new or are gone."""
    figures = [
        Change(name, _number(before.figures.get(name)), _number(after.figures.get(name)))
        for name in dict.fromkeys([*before.figures, *after.figures])
        if before.figures.get(name) != after.figures.get(name)
    ]
    if before.model_sha256 != after.model_sha256:
        texts = (f"{one.model} ({one.model_sha256[:12]})" for one in (before, after))
        figures.insert(0, Change("model", *texts))
    was, now = ({(row.board, row.clip): row for row in one.rows} for one in (before, after))
    rows = [
        Change(f"{key[1]}" + f" on {key[0]}" * (len(after.boards) > 1), _heard(was.get(key)), _heard(now.get(key)))
        for key in dict.fromkeys([*was, *now])
        if _heard(was.get(key)) != _heard(now.get(key))
    ]
    return figures, rows


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _heard(row: Row | None) -> str:
    if row is None:
        return "not there"
    detected = ", ".join(row.detected) or "nothing detected"
    return f"{row.heard or 'nothing'}; {detected}" + f"; {row.mismatches:,} mismatches" * bool(row.mismatches)
