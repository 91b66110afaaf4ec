"""The environments of platformio.ini, as PlatformIO reads them."""

import dataclasses
from pathlib import Path

from kws_host.project import platformio_config
from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE, load_boards

PROJECT = FIRMWARE.parent / "platformio.ini"


@dataclasses.dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
      name: of the environment.
      board: of which board; a file of `firmware/platform/boards`, or one of another platform.
      folder: of `firmware/boards` that a board of another platform is made of; "" for ours.
      core: as tables name it.
      engine: ``"aot"`` or ``"tflm"``.
      application: ``"app"`` or ``"mlperf"``.
      upload_port: PlatformIO's; "" for none.
      state: what was done with it so far.
      is_default: built by `pio run` alone.
    """

    name: str
    board: str
    folder: str
    core: str
    engine: str
    application: str
    upload_port: str
    state: str
    is_default: bool


def environments(project: Path = PROJECT) -> list[Environment]:
    """All environments, in the file's order.

    Raises:
      KwsError: PlatformIO is missing or cannot read the file, or an environment does not say its core or its state.
    """
    boards, found = load_boards(), []
    with platformio_config(project) as config:
        for name in config.envs():
            section = f"env:{name}"
            board = config.get(section, "board")
            core = boards[board].core if board in boards else config.get(section, "custom_kws_core", "")
            found.append(
                Environment(
                    name=name,
                    board=board,
                    folder=config.get(section, "custom_kws_board", ""),
                    core=core,
                    engine=config.get(section, "custom_kws_engine"),
                    application=config.get(section, "custom_kws_application", "app"),
                    upload_port=config.get(section, "upload_port", "") or "",
                    state=config.get(section, "custom_kws_state", ""),
                    is_default=name in config.default_envs(),
                )
            )
    for item in found:
        if not item.core or not item.state:
            raise KwsError(
                f"{project}: [env:{item.name}] must say custom_kws_state, and custom_kws_core if no board does"
            )
    return found
