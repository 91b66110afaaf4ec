"""Thresholds and smoothing that a device holds, and other ones for it."""

import dataclasses
from typing import TYPE_CHECKING

from kws_reference.bundle import NEVER_Q15, DetectorConfig
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import LEVELS_PER_LABEL, DetectorAction, ErrorCode, SettingsOrigin, Status

from kws_host.device import Device
from kws_host.link import RequestRefused

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline

LABELS_PER_FRAME = 94
"""Whose levels one SET_DETECTOR takes."""


@dataclasses.dataclass(frozen=True)
class HeldSettings:
    """What a device's detector works with.

    Attributes:
      config: its settings.
      origin: where they come from.
      max_smoothing_steps: that the firmware has room for.
    """

    config: DetectorConfig
    origin: SettingsOrigin
    max_smoothing_steps: int

    def json(self) -> dict:
        """For machines."""
        return {"origin": self.origin.name.lower(), **self.config.to_dict()}


def held_by(device: Device) -> HeldSettings | None:
    """What a device's detector works with; None: its firmware is from before it could be asked.

    Raises:
      KwsError: it tells what no detector works with.
    """
    try:
        told = device.detector()
    except RequestRefused as error:
        if error.error.code != ErrorCode.UNKNOWN_TYPE:
            raise
        return None
    whole = len(told.levels) == LEVELS_PER_LABEL * device.info.label_count
    if not (whole and max(told.levels, default=0) <= NEVER_Q15 and told.smoothing_steps and told.run_steps):
        raise KwsError(
            f"the settings of the detector of {device.info.board} cannot be: {told}. Flash this kit's firmware."
        )
    threshold, busy, quiet, release = (told.levels[level::LEVELS_PER_LABEL] for level in range(LEVELS_PER_LABEL))
    config = DetectorConfig(
        told.smoothing_steps,
        told.refractory_steps,
        threshold,
        release,
        told.run_steps,
        quiet,
        told.quiet_steps,
        busy if busy != threshold else (),
    )
    known = told.origin in list(SettingsOrigin)  # a newer firmware may have others
    origin = SettingsOrigin(told.origin) if known else SettingsOrigin.SET
    return HeldSettings(config, origin, told.max_smoothing_steps)


def require_held(device: Device) -> HeldSettings:
    """As `held_by`. Raises: KwsError: the firmware is from before it could be asked."""
    held = held_by(device)
    if held is None:
        raise KwsError(f"the firmware of {device.info.board} is from before tuning. Flash this kit's firmware.")
    return held


def use(device: Device, config: DetectorConfig, *, keep: bool = False) -> None:
    """Gives a device other settings.

    Args:
      device: of a model with as many labels.
      config: as `kws_reference.bundle.checked_detector` takes it.
      keep: also after its next start.

    Raises:
      KwsError: its firmware is too old, has no room for so much smoothing, or the board cannot keep them.
    """
    held = require_held(device)
    if config.smoothing_steps > held.max_smoothing_steps:
        raise KwsError(
            f"the firmware of {device.info.board} has room for smoothing over {held.max_smoothing_steps} steps. "
            f"Received: {config.smoothing_steps}. Write it into the bundle (--save), generate and flash it."
        )
    rows = zip(config.threshold_q15, config.when_busy_q15, config.quiet_q15, config.release_q15, strict=True)
    levels = [level for row in rows for level in row]
    labels = len(config.threshold_q15)
    for first in range(0, labels, LABELS_PER_FRAME):
        is_last = first + LABELS_PER_FRAME >= labels
        request = messages.SetDetector(
            DetectorAction.KEEP if keep and is_last else DetectorAction.USE,
            config.smoothing_steps,
            config.run_steps,
            config.refractory_steps,
            config.quiet_steps,
            first,
            tuple(levels[LEVELS_PER_LABEL * first : LEVELS_PER_LABEL * (first + LABELS_PER_FRAME)]),
        )
        try:
            _set(device, request)
        except KwsError:
            if first:  # all or nothing: what went before is undone
                use(device, held.config)
            raise


def forget(device: Device) -> None:
    """Gives a device its generated settings again, and lets it keep none.

    Raises:
      KwsError: see `use`.
    """
    require_held(device)
    _set(device, messages.SetDetector(DetectorAction.FORGET, 1, 1, 0, 0, 0, ()))


def follow(device: Device, pipeline: "Pipeline") -> HeldSettings | None:
    """Gives the reference the settings that a device holds.

    Returns:
      Those settings where they are not the bundle's, else None.
    """
    held = held_by(device)
    if held is None or are_equal(held.config, pipeline.bundle.detector):
        return None
    pipeline.set_detector(held.config)
    return held


def are_equal(one: DetectorConfig, other: DetectorConfig) -> bool:
    """Whether two settings give the same detections of any audio, however they are written."""
    written = (dataclasses.replace(config, busy_threshold_q15=config.when_busy_q15) for config in (one, other))
    return next(written) == next(written)


def _set(device: Device, request: messages.SetDetector) -> None:
    try:
        device.set_detector(request)
    except RequestRefused as error:
        if error.error.code != ErrorCode.UNAVAILABLE:
            raise
        if error.error.detail == Status.FAILED_PRECONDITION:
            raise KwsError(
                f"{device.info.board} hears its microphone, and keeps or forgets nothing meanwhile: nothing was "
                "changed. End what listens (kws-host monitor, kws-host live), or reset the board, and try again."
            ) from error
        raise KwsError(
            f"{device.info.board} has no memory for settings that outlasts a start: nothing was changed. Leave --keep "
            "away, or write them into the bundle (--save), generate and flash it."
        ) from error
