"""All generated files of a bundle."""

from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph

from kws_codegen.plan import Plan
from kws_codegen.program import Program
from kws_codegen.render import aot_model, detector_config, frontend_tables, model_info, tflm_model
from kws_codegen.render.environment import environment
from kws_codegen.version import CONTRACT_VERSION, RELEASE


def render(bundle: Bundle, graph: Graph, program: Program | None = None, plan: Plan | None = None) -> dict[str, str]:
    """Renders every generated file; those of engine aot only when there are a program and its plan.

    Returns:
      File name -> text, sorted by name. Equal input gives equal text: nothing of time, place or user enters.

    Raises:
      KwsError: an operator has no place in engine tflm's op resolver, or, without a program, TensorFlow Lite Micro
        cannot run the model. With one the files of engine tflm are written all the same and do not compile.
    """
    if program is None and (fault := tflm_model.fault_of(graph)):
        raise KwsError(f"cannot generate engine tflm for {fault}.")
    tflm = tflm_model.context(bundle, graph)
    info = {"info": model_info.context(bundle)}
    contexts: dict[str, dict[str, Any]] = {
        "model_info.h": info,
        "model_info.cc": info,
        "tflm_model.h": tflm,
        "tflm_model.cc": tflm,
    }
    if program is not None and plan is not None:
        contexts["aot_model.cc"] = aot_model.context(graph, program, plan)
    contexts["frontend_tables.h"] = contexts["frontend_tables.cc"] = frontend_tables.context(bundle)
    contexts["detector_config.h"] = contexts["detector_config.cc"] = detector_config.context(bundle)
    common = {**contract(), "bundle_name": bundle.name, "model_sha256": bundle.model_sha256}
    templates = environment()
    return {
        name: templates.get_template(f"{name}.j2").render({**common, **contexts[name]}) for name in sorted(contexts)
    }


def contract() -> dict[str, Any]:
    """Context of what every file says of the generator that wrote it."""
    return {"contract_version": CONTRACT_VERSION, "release": RELEASE}
