"""A bad wire between host and device: a TCP proxy that loses, repeats, flips, invents, cuts, delays and joins bytes.

What happens to which byte of a direction follows from a seed; how the bytes are cut into pieces also depends on how the
system hands them over, so that a seed gives the same weather, not the same second.
"""

import contextlib
import dataclasses
import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class Weather:
    """How bad a wire is. Zero: never.

    Attributes:
      bytes_between: mean count of bytes from one damage to the next.
      longest: most bytes that one damage drops, repeats or invents.
      cut_one_in: of so many pieces one is cut into several.
      hold_one_in: of so many pieces one waits for the next and comes with it, or after `hold_s`.
      delay_one_in: of so many pieces one comes later, by up to `delay_s`.
      unplug_after: bytes in one direction after which the wire is pulled.
    """

    bytes_between: int = 0
    longest: int = 1
    cut_one_in: int = 0
    hold_one_in: int = 0
    hold_s: float = 0.02
    delay_one_in: int = 0
    delay_s: float = 0.05
    unplug_after: int = 0

    MEAN_BYTES_BETWEEN: ClassVar = (0, 300, 1000, 3000, 10_000, 20_000, 50_000, 100_000, 300_000)
    """Of the days that `of_seed` draws."""

    @classmethod
    def of_seed(cls, seed: int) -> "Weather":
        """Anything from a clear day to a storm, each kind of it on some days."""
        rng = random.Random(f"weather {seed}")
        return cls(
            bytes_between=rng.choice(cls.MEAN_BYTES_BETWEEN),
            longest=rng.choice([1, 1, 4, 50, 800, 3000]),
            cut_one_in=rng.choice([0, 1, 3]),
            hold_one_in=rng.choice([0, 0, 2, 5]),
            delay_one_in=rng.choice([0, 0, 4, 20]),
            delay_s=rng.choice([0.01, 0.05, 0.5]),
            unplug_after=rng.choice([0] * 9 + [rng.randrange(1, 30_000)]),
        )


class Direction:
    """One direction of a wire: damages bytes, in an order that follows from the seed alone."""

    def __init__(self, weather: Weather, seed: str):
        """Args: weather: of the wire. seed: of the direction."""
        self._weather = weather
        self._rng = random.Random(seed)
        self._left = self._distance()
        self._recent = bytearray()

    def _distance(self) -> int:
        mean = self._weather.bytes_between
        return 1 + int(self._rng.expovariate(1 / mean)) if mean else 2**62

    def damage(self, data: bytes) -> bytes:
        """Takes bytes as they come and returns what arrives of them."""
        out = bytearray()
        while len(data) >= self._left:
            out += data[: self._left - 1]
            data = self._strike(out, data[self._left - 1 :])
            self._left = self._distance()
        self._left -= len(data)
        out += data
        self._recent = (self._recent + out)[-self._weather.longest :]
        return bytes(out)

    def _strike(self, out: bytearray, data: bytes) -> bytes:
        """Damages what follows; returns what is left of it."""
        size = self._rng.randint(1, self._weather.longest)
        match self._rng.choice(("drop", "flip", "repeat", "invent")):
            case "drop":
                return data[size:]
            case "flip":
                out.append(data[0] ^ (1 << self._rng.randrange(8)))
                return data[1:]
            case "repeat":
                out += (self._recent + out)[-size:]
            case "invent":
                out += self._rng.randbytes(size)
        return data


class ChaosWire:
    """A wire in front of a device, one host at a time.

    Attributes:
      url: what ``--port`` takes.
    """

    def __init__(self, device_port: int, weather: Weather, seed: int):
        """Args: device_port: TCP port of the device. weather: of the wire. seed: of what happens."""
        self._device_port, self._weather, self._seed = device_port, weather, seed
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connections = 0
        while not self._stop.is_set():
            try:
                host, _ = self._listener.accept()
            except OSError:
                continue
            connections += 1
            with host, socket.create_connection(("127.0.0.1", self._device_port)) as device:
                self._carry(host, device, f"{self._seed} {connections}")

    def _carry(self, host: socket.socket, device: socket.socket, seed: str) -> None:
        """Both directions at once, until either side, or the weather, ends it."""
        for end in (host, device):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ended = threading.Event()
        pumps = [
            threading.Thread(target=self._pump, args=(*ends, f"{seed} {name}", ended), daemon=True)
            for name, ends in {"to device": (host, device), "to host": (device, host)}.items()
        ]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()

    def _pump(self, source: socket.socket, sink: socket.socket, seed: str, ended: threading.Event) -> None:
        weather, rng, direction = self._weather, random.Random(f"pieces {seed}"), Direction(self._weather, seed)
        held, carried = b"", 0
        with contextlib.suppress(OSError):
            while not (ended.is_set() or self._stop.is_set()):
                if select.select([source], [], [], weather.hold_s if held else 0.1)[0]:
                    data = source.recv(65536)
                    if not data:
                        break
                    carried += len(data)
                    held += direction.damage(data)
                    if _one_in(rng, weather.hold_one_in):
                        continue
                for piece in _cut(rng, held, weather.cut_one_in):
                    if _one_in(rng, weather.delay_one_in):
                        time.sleep(rng.uniform(0, weather.delay_s))
                    sink.sendall(piece)
                held = b""
                if weather.unplug_after and carried >= weather.unplug_after:
                    break
        ended.set()

    def close(self) -> None:
        """Ends the wire."""
        self._stop.set()
        self._thread.join()
        self._listener.close()


def _one_in(rng: random.Random, count: int) -> bool:
    return bool(count) and rng.randrange(count) == 0


def _cut(rng: random.Random, data: bytes, one_in: int) -> list[bytes]:
    if not _one_in(rng, one_in):
        return [data] if data else []
    ends = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randint(1, 6)))
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    return [piece for piece in pieces if piece]


@contextlib.contextmanager
def wire(device_port: int, weather: Weather, seed: int) -> Iterator[ChaosWire]:
    """A bad wire, ended afterwards. Args: as of `ChaosWire`."""
    chaos = ChaosWire(device_port, weather, seed)
    try:
        yield chaos
    finally:
        chaos.close()
