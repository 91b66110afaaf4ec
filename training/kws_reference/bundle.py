"""The model bundle: a folder with ``model.tflite`` and ``model.json``, the only contract between the kit's parts."""

import dataclasses
import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from kws_reference.detector.integer import LOGITS, PROBABILITIES
from kws_reference.errors import KwsError
from kws_reference.frontend.kinds import AnyFrontendConfig, config_from_dict
from kws_reference.frontend.micro_config import MicroFrontendConfig
from kws_reference.labels import LabelSet, check_name
from kws_reference.system.file_names import printable
from kws_reference.system.files import remedy, replace
from kws_reference.timing import (
    MAX_QUIET_STEPS,
    MAX_REFRACTORY_STEPS,
    MAX_RUN_STEPS,
    MAX_SMOOTHING_STEPS,
    StepClock,
)

FORMAT_VERSION = 1
MODEL_FILE = "model.tflite"
MANIFEST_FILE = "model.json"
_NEXT_MANIFEST_FILE = "model.json.next"  # of a bundle that is being written, see write_bundle
NEVER_Q15 = 32768
"""Detector threshold of a label that never raises a detection: one more than the largest Q15 posterior."""
NOT_HELD_Q15 = 32768
"""Detector release of a label that is armed again at once: every smoothed posterior is below it."""
STILL_QUIET_Q15 = 32768
"""Detector's level of quiet of a label, such as silence, that never ends it: every smoothed posterior is below it."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """An int8 input or output of the model's only subgraph.

    Attributes:
      index: position in the subgraph's list of inputs or outputs.
      name: tensor name in the ``.tflite``.
      shape: dimensions, the first of them 1.
      scale: real value of one int8 step, > 0.
      zero_point: int8 value of real zero.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclasses.dataclass(frozen=True)
class State:
    """An external state: the output is fed back to the input untouched, so both share shape, scale and zero point.

    Attributes:
      name: for people, for example ``block1``.
      input_index, output_index: positions in the subgraph's inputs and outputs.
      shape: ``(1, rows, 1, channels)``; the oldest row first.
      scale, zero_point: quantization of both ends.
      reset_value: int8 value of every element after a reset; of an int16 state 0.
      dtype: of an element, ``int8`` or ``int16``. A manifest leaves ``int8`` out.
    """

    name: str
    input_index: int
    output_index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    reset_value: int
    dtype: str = "int8"

    @property
    def size_bytes(self) -> int:
        """Bytes of the state, int16 little-endian."""
        return math.prod(self.shape) * _STATE_BYTES[self.dtype]

    def initial(self) -> np.ndarray:
        """The state after a reset."""
        return np.full(self.shape, self.reset_value, self.dtype)


_STATE_BYTES = {"int8": 1, "int16": 2}
"""Of an element, by its type."""


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """Settings of the integer detector (``kws_reference.detector.integer``).

    Attributes:
      smoothing_steps: posteriors averaged per label, 1..255 steps.
      refractory_steps: steps after a detection in which none is raised, 0..65535.
      threshold_q15: smoothed posterior that raises a detection, per label, 0..32768; 32768 means never.
      release_q15: a label that was detected is not detected again before its smoothed posterior was below this, per
        label; at most its threshold, or 32768: not held at all. 0: detected once until a reset. Left out: 32768 for
        all, as in a manifest without it.
      run_steps: steps in a row in which a label must be the largest and reach its threshold, 1..255. Left out: 1.
      quiet_q15: a step is quiet when every label's smoothed posterior is below this, per label, 0..32768; 32768: the
        label does not matter. Left out: 0 for all, never quiet.
      quiet_steps: it was quiet just now if one of the last so many steps was, this one included, 0..65535. Left out: 0.
      busy_threshold_q15: the threshold when it was not quiet just now, per label, 0..32768; 32768 means never. Left
        out: `threshold_q15`, so that quiet makes no difference.
    """

    smoothing_steps: int
    refractory_steps: int
    threshold_q15: tuple[int, ...]
    release_q15: tuple[int, ...] = ()
    run_steps: int = 1
    quiet_q15: tuple[int, ...] = ()
    quiet_steps: int = 0
    busy_threshold_q15: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        labels = len(self.threshold_q15)
        for name, value in {"release_q15": NOT_HELD_Q15, "quiet_q15": 0}.items():
            if not getattr(self, name):
                object.__setattr__(self, name, (value,) * labels)

    @property
    def when_busy_q15(self) -> tuple[int, ...]:
        """The threshold of each label when it was not quiet just now, 0..32768."""
        return self.busy_threshold_q15 or self.threshold_q15

    def to_dict(self) -> dict[str, Any]:
        """The ``"detector"`` dictionary of a bundle, ready for JSON, without what run and quiet do not ask for."""
        plain = vars(DetectorConfig(self.smoothing_steps, self.refractory_steps, self.threshold_q15))
        left_out = {key for key in _RUN_AND_QUIET if getattr(self, key) == plain[key]}
        kept = {key: value for key, value in vars(self).items() if key not in left_out}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items()}


_RUN_AND_QUIET = ("run_steps", "quiet_q15", "quiet_steps", "busy_threshold_q15")


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A verified bundle. Build one with `Bundle.load`.

    Attributes:
      path: its folder.
      model: bytes of ``model.tflite``; their SHA-256 is `model_sha256`.
      scores_kind: `LOGITS` or `PROBABILITIES`.
      manifest: the whole ``model.json``, for what has no field here (accuracy, provenance, tools).
    """

    path: Path
    name: str
    labels: LabelSet
    frontend: AnyFrontendConfig
    frames_per_step: int
    features: Endpoint
    scores: Endpoint
    scores_kind: str
    states: tuple[State, ...]
    detector: DetectorConfig
    model: bytes
    model_sha256: str
    manifest: dict[str, Any]

    @property
    def clock(self) -> StepClock:
        """Samples, steps and seconds of the model, converted."""
        return self.frontend.clock(self.frames_per_step)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Bundle":
        """Reads and verifies a bundle.

        Raises:
          KwsError: a file is missing or unreadable, the format version is unknown, the digest of the model differs, or
            the manifest contradicts itself.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise KwsError(
                f"no bundle folder at {folder}. Give the folder that holds {MODEL_FILE} and {MANIFEST_FILE}."
            )
        model = _read(folder / MODEL_FILE)
        manifest = _manifest_of(folder, hashlib.sha256(model).hexdigest())
        try:
            return cls._parse(folder, manifest, model)
        except (KwsError, OverflowError) as error:
            raise KwsError(f"{folder / MANIFEST_FILE}: {printable(str(error))}") from None

    @classmethod
    def _parse(cls, folder: Path, manifest: dict[str, Any], model: bytes) -> "Bundle":
        kind = _scores_kind(manifest)
        labels = _labels(manifest, least=1 if kind == PROBABILITIES else 2)
        frontend = config_from_dict(_get(manifest, "frontend", dict))
        frames = _get(manifest, "frames_per_step", int)
        if not 1 <= frames <= 100:
            raise KwsError(f"frames_per_step must be 1..100. Received: {frames}.")
        features = _features(manifest, frames, frontend.coefficients)
        if isinstance(frontend, MicroFrontendConfig):
            frontend.check_quantization(features.scale, features.zero_point)
        scores = _scores(manifest, len(labels))
        states = tuple(_state(item, position) for position, item in enumerate(_list(manifest, "states", dict)))
        _check_ends(features, scores, states)
        return cls(
            path=folder,
            name=_get(manifest, "name", str),
            labels=labels,
            frontend=frontend,
            frames_per_step=frames,
            features=features,
            scores=scores,
            scores_kind=kind,
            states=states,
            detector=detector_from_dict(_get(manifest, "detector", dict), labels),
            model=model,
            model_sha256=manifest["model_sha256"],
            manifest=manifest,
        )


def checked_detector(settings: DetectorConfig, labels: LabelSet) -> DetectorConfig:
    """Settings as `Bundle.load` would take them.

    Raises:
      KwsError: a value is out of its range, or contradicts another.
    """
    return detector_from_dict(settings.to_dict(), labels)


def write_detector(bundle: Bundle, settings: DetectorConfig) -> Bundle:
    """Writes other settings of the detector into a bundle's manifest, whole or not at all. Returns it read anew.

    Raises:
      KwsError: see `write_bundle`.
    """
    manifest = {**bundle.manifest, "detector": settings.to_dict()}
    return write_bundle(bundle.path, bundle.model, manifest)


def write_bundle(path: str | os.PathLike, model: bytes, manifest: dict[str, Any]) -> Bundle:
    """Writes a bundle and reads it back.

    Its two files change at one moment: the new manifest is put beside the old one, then the model is replaced, then the
    manifest. `Bundle.load` takes the one of the two manifests that belongs to the model, so that whenever a writer is
    stopped there is the old bundle or the new one.

    Args:
      path: folder, made when missing.
      model: bytes of the ``.tflite``.
      manifest: everything but ``format_version`` and ``model_sha256``, which are added here.

    Raises:
      KwsError: the disk is full, the folder cannot be written, or the manifest is faulty.
    """
    folder = Path(path)
    manifest = {"format_version": FORMAT_VERSION, **manifest, "model_sha256": hashlib.sha256(model).hexdigest()}
    text = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    Bundle._parse(folder, manifest, model)
    unfinished = folder / _NEXT_MANIFEST_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            replace(unfinished, text)
            replace(folder / MODEL_FILE, model)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        os.replace(unfinished, folder / MANIFEST_FILE)
    except OSError as error:
        raise KwsError(
            f"cannot write the bundle to {folder}: {error.strerror}. {remedy(error, 'choose another folder')}"
        ) from None
    return Bundle.load(folder)


def is_bundle(path: str | os.PathLike) -> bool:
    """Whether a folder holds a bundle, whole or not."""
    return any((Path(path) / name).is_file() for name in (MANIFEST_FILE, _NEXT_MANIFEST_FILE))


def _manifest_of(folder: Path, digest: str) -> dict[str, Any]:
    """The manifest that names the model's digest; see `write_bundle` for why there may be two.

    Raises:
      KwsError: see `Bundle.load`.
    """
    unfinished = folder / _NEXT_MANIFEST_FILE
    if unfinished.is_file() and not _names(folder / MANIFEST_FILE, digest) and _names(unfinished, digest):
        return json.loads(unfinished.read_bytes())
    text = _read(folder / MANIFEST_FILE)
    try:
        manifest = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise KwsError(f"{folder / MANIFEST_FILE} is not JSON ({error}). Export the bundle again.") from None
    if not isinstance(manifest, dict):
        raise KwsError(f"{folder / MANIFEST_FILE} must hold a JSON object. Received: {type(manifest).__name__}.")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise KwsError(
            f"{folder / MANIFEST_FILE}: bundle format version {version!r} is not supported, this kit reads version "
            f"{FORMAT_VERSION}. Export the bundle again with this kit, or install the kit that wrote it."
        )
    if digest != manifest.get("model_sha256"):
        raise KwsError(
            f"{folder / MODEL_FILE} has SHA-256 {digest[:12]}..., its manifest names "
            f"{str(manifest.get('model_sha256'))[:12]}...: the model was changed or truncated. Restore it."
        )
    return manifest


def _names(path: Path, digest: str) -> bool:
    """Whether a file is a manifest of this version and of a model with this digest."""
    try:
        manifest = json.loads(path.read_bytes())
        return manifest["model_sha256"] == digest and manifest["format_version"] == FORMAT_VERSION
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KwsError(
            f"cannot read {path}: {error.strerror}. A bundle holds {MODEL_FILE} and {MANIFEST_FILE}."
        ) from None


def _get(mapping: dict[str, Any], key: str, kind: type) -> Any:
    value = mapping.get(key)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise KwsError(f"{key} must be a {kind.__name__}. Received: {value!r}.")
    return value


def _list(mapping: dict[str, Any], key: str, kind: type) -> list:
    values = _get(mapping, key, list)
    if not all(isinstance(value, kind) and not isinstance(value, bool) for value in values):
        raise KwsError(f"{key} must be a list of {kind.__name__}. Received: {values!r:.200}.")
    return values


def _shape(mapping: dict[str, Any]) -> tuple[int, ...]:
    shape = tuple(_list(mapping, "shape", int))
    if not 2 <= len(shape) <= 4 or shape[0] != 1 or min(shape) < 1:
        raise KwsError(f"shape must be 2 to 4 positive dimensions, the first of them 1. Received: {list(shape)}.")
    return shape


def _quantization(mapping: dict[str, Any]) -> tuple[float, int]:
    scale, zero_point = float(_get(mapping, "scale", float)), _get(mapping, "zero_point", int)
    if not 0 < scale < float("inf") or not -128 <= zero_point <= 127:
        raise KwsError(f"scale must be positive and zero_point int8. Received: {scale}, {zero_point}.")
    return scale, zero_point


def _labels(manifest: dict[str, Any], least: int) -> LabelSet:
    labels = LabelSet(_list(manifest, "labels", str))
    for label in labels:
        check_name(label)
    if len(labels) < least or len(set(labels)) != len(labels):
        count = "two different names" if least == 2 else "one name, and different ones"
        raise KwsError(f"labels must be at least {count}. Received: {list(labels)}.")
    return labels


def _features(manifest: dict[str, Any], frames: int, coefficients: int) -> Endpoint:
    features = _endpoint(manifest, "features", "input_index")
    if features.shape != (1, frames, 1, coefficients):
        raise KwsError(
            f"features.shape must be {[1, frames, 1, coefficients]} (frames_per_step, coefficients). "
            f"Received: {list(features.shape)}."
        )
    return features


def _scores_kind(manifest: dict[str, Any]) -> str:
    kind = _get(_get(manifest, "scores", dict), "kind", str)
    if kind not in (LOGITS, PROBABILITIES):
        raise KwsError(f"scores.kind must be {LOGITS!r} or {PROBABILITIES!r}. Received: {kind!r}.")
    return kind


def _scores(manifest: dict[str, Any], labels: int) -> Endpoint:
    scores = _endpoint(manifest, "scores", "output_index")
    if scores.shape != (1, labels):
        raise KwsError(f"{labels} labels need scores.shape {[1, labels]}. Received: {list(scores.shape)}.")
    return scores


def _check_ends(features: Endpoint, scores: Endpoint, states: tuple[State, ...]) -> None:
    """Refuses a manifest that does not name every input, output and state once."""
    inputs = [features.index, *(state.input_index for state in states)]
    outputs = [scores.index, *(state.output_index for state in states)]
    for what, indices in (("input", inputs), ("output", outputs)):
        if sorted(indices) != list(range(len(indices))):
            raise KwsError(f"the {what} indices must be 0..{len(indices) - 1}, each once. Received: {indices}.")
    if len({state.name for state in states}) != len(states):
        raise KwsError(f"state names must differ. Received: {[state.name for state in states]}.")


def _endpoint(manifest: dict[str, Any], key: str, index_key: str) -> Endpoint:
    item = _get(manifest, key, dict)
    try:
        return Endpoint(_get(item, index_key, int), _get(item, "tensor_name", str), _shape(item), *_quantization(item))
    except KwsError as error:
        raise KwsError(f"{key}: {error}") from None


def _state(item: dict[str, Any], position: int) -> State:
    try:
        scale, zero_point = _quantization(item)
        state = State(
            _get(item, "name", str),
            _get(item, "input_index", int),
            _get(item, "output_index", int),
            _shape(item),
            scale,
            zero_point,
            _get(item, "reset_value", int),
            _get(item, "dtype", str) if "dtype" in item else "int8",
        )
        if state.dtype not in _STATE_BYTES:
            raise KwsError(f"dtype must be {' or '.join(_STATE_BYTES)}. Received: {state.dtype!r}.")
        if state.dtype == "int16" and (state.zero_point or state.reset_value):
            raise KwsError(
                "zero_point and reset_value of an int16 state must be 0. "
                f"Received: {state.zero_point}, {state.reset_value}."
            )
        if not -128 <= state.reset_value <= 127:
            raise KwsError(f"reset_value must be int8. Received: {state.reset_value}.")
        return state
    except KwsError as error:
        raise KwsError(f"states[{position}]: {error}") from None


def detector_from_dict(item: dict[str, Any], labels: LabelSet) -> DetectorConfig:
    """Settings out of what `DetectorConfig.to_dict` gives, checked.

    Raises:
      KwsError: a value is missing, out of its range, or contradicts another.
    """
    config = DetectorConfig(
        _get(item, "smoothing_steps", int),
        _get(item, "refractory_steps", int),
        tuple(_list(item, "threshold_q15", int)),
        tuple(_list(item, "release_q15", int)) if "release_q15" in item else (),
        **_run_and_quiet(item, len(labels)),
    )
    if not (
        1 <= config.smoothing_steps <= MAX_SMOOTHING_STEPS and 0 <= config.refractory_steps <= MAX_REFRACTORY_STEPS
    ):
        raise KwsError(
            f"detector: smoothing_steps must be 1..{MAX_SMOOTHING_STEPS} and refractory_steps "
            f"0..{MAX_REFRACTORY_STEPS}. Received: {config.smoothing_steps}, {config.refractory_steps}."
        )
    if len(config.threshold_q15) != len(labels):
        raise KwsError(
            f"detector: {len(labels)} labels need as many thresholds. Received: {len(config.threshold_q15)}."
        )
    if not all(0 <= threshold <= NEVER_Q15 for threshold in config.threshold_q15):
        raise KwsError(f"detector: thresholds must be 0..{NEVER_Q15}. Received: {list(config.threshold_q15)}.")
    if len(item.get("release_q15", labels)) != len(labels):
        raise KwsError(
            f"detector: {len(labels)} labels need as many values of release_q15, or none at all. "
            f"Received: {len(item['release_q15'])}."
        )
    for label, threshold, release in zip(labels, config.threshold_q15, config.release_q15, strict=True):
        if not 0 <= release <= NOT_HELD_Q15:
            raise KwsError(f"detector: release_q15 must be 0..{NOT_HELD_Q15}. Received: {list(config.release_q15)}.")
        if threshold < release < NOT_HELD_Q15:
            raise KwsError(
                f"detector: {label!r} is released below {release}, above its threshold {threshold}: it would be raised "
                f"again without having fallen. Give release_q15 up to the threshold, or {NOT_HELD_Q15} to raise it "
                "after every refractory period."
            )
    for label, threshold, busy in zip(labels, config.threshold_q15, config.when_busy_q15, strict=True):
        if busy < threshold:
            raise KwsError(
                f"detector: the busy threshold of {label!r} is below its threshold {threshold}: quiet would make it "
                f"harder to hear. Give busy_threshold_q15 from the threshold up. Received: {busy}."
            )
    return config


def _run_and_quiet(item: dict[str, Any], labels: int) -> dict[str, Any]:
    """Those of the settings of runs and quiet that a manifest has, their ranges checked."""
    found: dict[str, Any] = {}
    for key, least, most in (("run_steps", 1, MAX_RUN_STEPS), ("quiet_steps", 0, MAX_QUIET_STEPS)):
        if key in item:
            found[key] = _get(item, key, int)
            if not least <= found[key] <= most:
                raise KwsError(f"detector: {key} must be {least}..{most}. Received: {found[key]}.")
    for key in ("quiet_q15", "busy_threshold_q15"):
        if key in item:
            found[key] = tuple(_list(item, key, int))
            if len(found[key]) != labels:
                raise KwsError(
                    f"detector: {labels} labels need as many values of {key}, or none at all. "
                    f"Received: {len(found[key])}."
                )
            if not all(0 <= value <= NEVER_Q15 for value in found[key]):
                raise KwsError(f"detector: {key} must be 0..{NEVER_Q15}. Received: {list(found[key])}.")
    return found
