"""What a host program needs of the stand-in tree (tests/fixtures/fake_tflm_tree), whose kernels are CMSIS-NN's."""

TREE = "tests/fixtures/fake_tflm_tree"
PARTIES = f"{TREE}/third_party"
INCLUDES = [
    TREE,
    PARTIES,
    *(f"{PARTIES}/{name}" for name in ("flatbuffers/include", "ruy", "gemmlowp", "cmsis_nn", "cmsis_nn/Include")),
]
DEFINES = ["CMSIS_NN", "TF_LITE_STATIC_MEMORY", "KERNELS_OPTIMIZED_FOR_SPEED"]
KERNELS = [
    f"{TREE}/tensorflow/lite/micro/kernels/micro_ops.cc",
    f"{TREE}/tensorflow/lite/micro/kernels/cmsis_nn/conv.cc",
    f"{TREE}/tensorflow/lite/micro/kernels/cmsis_nn/fully_connected.cc",
    f"{PARTIES}/cmsis_nn/Source/arm_convolve.c",
]
SOURCES = [
    f"{TREE}/tensorflow/lite/micro/micro_interpreter.cc",
    f"{TREE}/tensorflow/lite/micro/micro_log.cc",
    f"{TREE}/tensorflow/compiler/mlir/lite/core/api/error_reporter.cc",
    *KERNELS,
]
