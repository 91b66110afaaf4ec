"""The C++ front end and detector, built for the host with generated tables of any configuration."""

import ctypes
import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
from kws_codegen.render.detector_config import config_context
from kws_codegen.render.environment import environment
from kws_codegen.render.files import contract
from kws_codegen.render.frontend_tables import tables_context
from kws_firmware import sources
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15
from kws_reference.detector.integer import ONE_Q15, DetectorTables, exp_table
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.kinds import AnyFrontendConfig
from kws_reference.frontend.micro_config import MICRO_SPEECH, MicroFrontendConfig
from kws_reference.frontend.micro_tables import MicroTables, micro_tables
from kws_reference.frontend.tables import FrontendTables, tables_of

from tests.support import native

SOURCES = sources.files("src/frontend", "src/detector")

# Mean and standard deviation over 500 clips of Speech Commands (every 34th file), float definition, two decimals.
SPEECH_MEAN = (
    91.45, 4.93, -0.54, 1.01, -0.99, 0.01, -0.82, 0.12, -0.54, 0.09, -0.85, -0.07, -0.69, 0.05, -0.71, -0.07, -0.51,
    -0.02, -0.52, 0.04, -0.39, 0.07, -0.3, 0.09, -0.26, 0.06, -0.22, 0.01, -0.21, 0.01, -0.21, -0.01, -0.2, -0.03,
    -0.22, -0.03, -0.2, -0.07, -0.14, 0.05,
)  # fmt: skip
SPEECH_STD = (
    26.34, 8.04, 5.41, 3.71, 3.36, 2.76, 2.36, 2.1, 1.89, 1.75, 1.67, 1.59, 1.47, 1.39, 1.36, 1.29, 1.21, 1.2, 1.19,
    1.11, 1.11, 1.1, 1.05, 1.07, 1.02, 1.03, 1.01, 0.97, 0.94, 0.91, 0.9, 0.87, 0.83, 0.81, 0.78, 0.77, 0.74, 0.71,
    0.7, 0.69,
)  # fmt: skip
SPEECH_CONFIG = FrontendConfig(feature_mean=SPEECH_MEAN, feature_std=SPEECH_STD)

# Every branch that a manifest can select: both first radices, odd window, tail of one DCT row, padded DCT columns, even
# and odd numbers of bands without a DCT, preemphasis.
OTHER_CONFIGS = {
    "fft256": FrontendConfig(
        window_samples=256, hop_samples=77, fft_size=256, mel_bands=40, coefficients=13, feature_std=(3.0,) * 13
    ),
    "fft1024_odd": FrontendConfig(
        window_samples=801, hop_samples=333, fft_size=1024, mel_bands=26, coefficients=10, feature_std=(3.0,) * 10
    ),
    "full_window": FrontendConfig(
        window_samples=512, hop_samples=512, mel_bands=128, mel_low_hz=0.0, mel_high_hz=8000.0, coefficients=128
    ),
}

LOG_MEL_CONFIG = FrontendConfig(
    "log_mel", hop_samples=320, mel_bands=40, coefficients=40, feature_mean=(9.0,) * 40, feature_std=(3.5,) * 40
)
LOG_MEL_8K_CONFIG = FrontendConfig(
    "log_mel", sample_rate_hz=8000, window_samples=240, hop_samples=80, fft_size=256, mel_bands=33, mel_low_hz=60.0,
    mel_high_hz=3800.0, coefficients=33, feature_mean=(7.0,) * 33, feature_std=(3.0,) * 33, preemphasis=0.97,
)  # fmt: skip
OTHER_CONFIGS |= {
    "log_mel": LOG_MEL_CONFIG,
    "log_mel_8k": LOG_MEL_8K_CONFIG,
    "preemphasis": dataclasses.replace(SPEECH_CONFIG, preemphasis=0.9),
}

MICRO_CONFIG = MicroFrontendConfig()
# Every branch of the micro front end that a manifest can select: odd and full window, no gain control, empty channels.
OTHER_MICRO_CONFIGS = {
    "micro_speech": MicroFrontendConfig(hop_samples=320, **MICRO_SPEECH),
    "few_channels": MicroFrontendConfig(window_samples=336, hop_samples=80, channels=23, low_hz=0.0, high_hz=7900.0),
    "odd_window": MicroFrontendConfig(window_samples=333, hop_samples=77),
    "no_gain_control": MicroFrontendConfig(window_samples=512, gain_control=False, smoothing_bits=16),
    "narrow": MicroFrontendConfig(sample_rate_hz=8000, channels=128, high_hz=3800.0, gain_bits=19, log_scale_shift=7),
}

DEFAULT_DETECTOR = DetectorTables(
    exp_q15=exp_table(0.0646),
    threshold_q15=np.array([NEVER_Q15, NEVER_Q15, *[20000] * 10], np.uint16),
    smoothing_steps=10,
    refractory_steps=25,
)

HOLDING_DETECTOR = dataclasses.replace(
    DEFAULT_DETECTOR,
    threshold_q15=np.array([NEVER_Q15, NEVER_Q15, 20000, 20000, 16000, 9000, *[20000] * 6], np.uint16),
    release_q15=np.array([NOT_HELD_Q15, NOT_HELD_Q15, 15000, 15000, 9000, 9000, 15000, *[10000] * 5], np.uint16),
    smoothing_steps=3,
    refractory_steps=8,
)

QUIET_DETECTOR = dataclasses.replace(
    HOLDING_DETECTOR,
    run_steps=4,
    quiet_q15=np.array([ONE_Q15, *[9000] * 11], np.uint16),
    quiet_steps=12,
    busy_threshold_q15=np.array(
        [NEVER_Q15, NEVER_Q15, 25000, 30000, 29000, 24000, *[31000] * 3, *[NEVER_Q15] * 3], np.uint16
    ),
)


def generate(config: AnyFrontendConfig, detector: DetectorTables, zero_point: int = 0) -> Path:
    """Renders frontend_tables and detector_config into a folder of the build tree, changed only when they differ."""
    templates = environment()
    common = {**contract(), "bundle_name": "test", "model_sha256": "-"}
    texts = {}
    for stem, context in (
        ("frontend_tables", tables_context(_tables(config, zero_point))),
        ("detector_config", config_context(detector)),
    ):
        for name in (f"{stem}.h", f"{stem}.cc"):
            texts[name] = templates.get_template(f"{name}.j2").render({**common, **context})
    digest = native.hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    folder = native.BUILD / f"tables-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return folder


def _tables(config: AnyFrontendConfig, zero_point: int) -> FrontendTables | MicroTables:
    return micro_tables(config) if isinstance(config, MicroFrontendConfig) else tables_of(config, zero_point)


def _sources(folder: Path) -> list[str | Path]:
    return [*SOURCES, folder / "frontend_tables.cc", folder / "detector_config.cc"]


@dataclasses.dataclass
class NativeStages:
    """The front end and the detector as a library in this process."""

    config: AnyFrontendConfig
    detector: DetectorTables
    library: ctypes.CDLL

    @classmethod
    def build(
        cls, config: AnyFrontendConfig, detector: DetectorTables = DEFAULT_DETECTOR, zero_point: int = 0
    ) -> "NativeStages":
        folder = generate(config, detector, zero_point)
        library = ctypes.CDLL(
            str(
                native.build(
                    f"stages-{folder.name}",
                    ["tests/integration/native/frontend_library.cc", *_sources(folder)],
                    includes=["firmware/src", folder],
                    flags=["-O2"],
                    sanitize=False,
                    shared=True,
                )
            )
        )
        for name in ("frontend_bytes", "frontend_feature_count", "frontend_push", "detector_bytes"):
            getattr(library, name).restype = ctypes.c_size_t
        assert library.frontend_feature_count() == config.coefficients
        return cls(config, detector, library)

    def reset(self) -> None:
        self.library.frontend_reset()

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Pushes int16 [n] and returns the frames that it completed, int8 [frames, coefficients]."""
        pcm = np.ascontiguousarray(pcm, np.int16)
        out = np.zeros((len(pcm) // self.config.hop_samples + 1, self.config.coefficients), np.int8)
        frames = self.library.frontend_push(_pointer(pcm), ctypes.c_size_t(len(pcm)), _pointer(out))
        return out[:frames].copy()

    def frames(self, pcm: np.ndarray) -> np.ndarray:
        """All frames of one recording."""
        self.reset()
        return self.push(pcm)

    def configure(self, tables: DetectorTables | None) -> bool:
        """Gives the detector the settings of tables, or the generated ones again. Returns whether it takes them."""
        if tables is None:
            self.library.detector_generated()
            return True
        levels = (tables.threshold_q15, tables.when_busy_q15, tables.quiet_q15, tables.release_q15)
        steps = (tables.smoothing_steps, tables.run_steps, tables.refractory_steps, tables.quiet_steps)
        numbers = np.concatenate([steps, np.stack(levels, axis=1).reshape(-1)]).astype(np.uint16)
        return bool(self.library.detector_configure(_pointer(numbers)))

    def detect(self, scores: np.ndarray) -> list[tuple[int, ...]]:
        """Resets the detector and runs int8 [steps, labels].

        Returns:
          Per step (detected, its step, its label, its smoothed posterior, top label, top smoothed posterior).
        """
        self.library.detector_reset()
        out = np.zeros(6, np.uint32)
        result = []
        for row in np.ascontiguousarray(scores, np.int8):
            row = np.ascontiguousarray(row)
            self.library.detector_step(_pointer(row), _pointer(out))
            result.append(tuple(int(value) for value in out))
        return result


def sanitized_frames(
    config: AnyFrontendConfig, pcm: np.ndarray, chunk_samples: int, compiler: str | None = None
) -> np.ndarray:
    """Runs the front end in a process of its own under ASan and UBSan; their complaints fail the call."""
    folder = generate(config, DEFAULT_DETECTOR)
    sources = ["tests/integration/native/frontend_runner.cc", *_sources(folder)]
    program = native.build(
        f"frontend_runner-{folder.name}", sources, includes=["firmware/src", folder], compiler=compiler
    )
    data = np.ascontiguousarray(pcm, "<i2").tobytes()
    result = subprocess.run([program, str(chunk_samples)], input=data, capture_output=True)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return np.frombuffer(result.stdout, np.int8).reshape(-1, config.coefficients)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


assert sys.byteorder == "little"
