"""What tests do with the page: wait for it, give it recordings, save what it says, compare that with Python's."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline


def wait_ready(page: Any) -> None:
    """Until a device is open and nothing plays."""
    page.wait_for_selector("#listen:enabled")


def choose_model(page: Any, name: str) -> None:
    """Opens another model of the list."""
    page.select_option("#model", label=name)
    page.wait_for_selector(f"#facts dd:text-is('{name}')", state="attached")
    wait_ready(page)


def play_at_once(page: Any, recording: Path) -> None:
    """Opens a recording by the button's file list, as fast as the page computes, and waits for its end."""
    page.uncheck("#aloud")
    page.set_input_files("#file", recording)
    wait_played(page)


def wait_played(page: Any) -> None:
    """Until a recording has ended, or was refused."""
    page.wait_for_selector("#message[data-kind=done], #message[data-kind=error]", state="attached")
    wait_ready(page)


def message(page: Any) -> tuple[str, str]:
    """Kind and text of the line that the page says."""
    return page.get_attribute("#message", "data-kind") or "", page.inner_text("#message")


def saved(page: Any, button: str, folder: Path) -> Path:
    """Presses one of the page's buttons to save, and returns the file."""
    with page.expect_download() as download:
        page.click(f"#{button}")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def saved_steps(page: Any, folder: Path) -> dict[str, Any]:
    """What the page saves of its steps."""
    return json.loads(saved(page, "save-json", folder).read_text(encoding="utf-8"))


def expected_steps(bundle: Path, pcm: np.ndarray) -> list[dict[str, Any]]:
    """Python's steps of a recording in the words of the page's file, without times."""
    return [
        {
            "step": step.index,
            "audio_crc": step.audio_crc,
            "scores": step.scores.tolist(),
            "features": step.features.ravel().tolist(),
            "top_label": step.top_label,
            "top_smoothed_q15": step.top_smoothed_q15,
            "detection": step.detection
            and {"label": step.detection.label, "smoothed_q15": step.detection.smoothed_q15},
        }
        for step in Pipeline(Bundle.load(bundle)).run(pcm)
    ]


def without_times(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The page's steps, all of whose fields but the time are integers that Python has too."""
    return [{key: value for key, value in step.items() if key != "end_s"} for step in steps]
