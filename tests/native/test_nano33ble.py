"""Environment `nano33ble` as far as it goes without its registry: our sources against stand-ins of Arduino and TFLM."""

import subprocess

from kws_host import protocol

from tests.support import boards, native

TREE = "tests/fixtures/fake_tflm_tree"
ARDUINO = ["tests/fixtures/fake_arduino/core.cc", "tests/fixtures/fake_arduino/debug_log.cc"]
FOLDERS = ["app", "detector", "engine/tflm", "frontend", "link"]


def test_nano33ble_sources_compile_link_and_answer_info():
    sources = []
    for folder in FOLDERS:
        sources += sorted((boards.ROOT / "firmware" / "src" / folder).glob("*.cc"))
    sources += sorted((boards.ROOT / "firmware" / "boards" / "nano33ble").glob("*.cc"))
    generated = (boards.ROOT / "firmware" / "generated").glob("*.cc")
    sources += sorted(path for path in generated if path.name != "aot_model.cc")
    tree = boards.ROOT / TREE / "tensorflow"
    sources += [tree / "lite/micro/micro_interpreter.cc", tree / "lite/micro/micro_log.cc", *ARDUINO]
    sources.append(tree / "compiler/mlir/lite/core/api/error_reporter.cc")
    includes = ["firmware/src", "firmware/generated", "tests/fixtures/fake_arduino", TREE]
    includes += [f"{TREE}/third_party/{name}" for name in ("flatbuffers/include", "ruy", "gemmlowp")]
    # As in platformio.ini, our main() is renamed; core.cc undoes it for its own.
    program = native.build("nano33ble", sources, includes=includes, defines=["ARDUINO=10819", "main=KwsMain"])
    request = protocol.Frame(protocol.MessageType.GET_INFO, 1, b"").encode()
    result = subprocess.run([program], input=request, capture_output=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert b"nano33ble" in result.stdout and b"tflm" in result.stdout
