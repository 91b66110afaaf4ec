"""Reads the graph of a functional Keras model: which call of which layer made which tensor, from what."""

import dataclasses
from typing import Any

import keras
from keras import layers
from keras.src.models.functional import Functional  # Keras has no public name for what Model(inputs, outputs) returns

from kws_training.streaming.layer import refuse

_IDENTITIES = (  # what they do, they do in training only
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
)


def is_functional(model: Any) -> bool:
    """Whether `KerasGraph` can read it: a class of one's own may do more than its graph."""
    return isinstance(model, Functional | keras.Sequential) and type(model).call.__module__.startswith("keras.")


@dataclasses.dataclass(eq=False)
class Scope:
    """A model, or one call of a model that is a layer of another; `prefix` goes before its layers' names."""

    model: Any
    outer: "Scope | None" = None
    call: Any = None
    prefix: str = ""


@dataclasses.dataclass(frozen=True)
class Made:
    """A tensor and what made it.

    Attributes:
      scope: where.
      tensor: Keras's symbol for it.
      operation: the layer or function; None for the model's input.
      call: Keras's node: `input_tensors`, `outputs` and `arguments` of the call.
      sources: keys of what it is made from, in the order of the call's inputs.
    """

    scope: Scope
    tensor: Any
    operation: Any
    call: Any
    sources: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """Tells it from all other tensors of the graph; `sources` holds such keys."""
        return id(self.scope), id(self.tensor)

    @property
    def name(self) -> str:
        """Of the layer, behind the names of the models that it is nested in."""
        return f"{self.scope.prefix}{self.operation.name}"


class KerasGraph:
    """The calls of a functional model in the order of computation, as if nested models and dropout were not there."""

    def __init__(self, model: Any, kept: tuple[type, ...] = ()):
        """Reads a model.

        Args:
          model: built; functional or sequential.
          kept: layers that are read although they do something in training only.
        """
        self._kept = kept
        model = model._functional if isinstance(model, keras.Sequential) else model
        self.model, self.input_shape = model, tuple(model.inputs[0].shape)
        self._root, self._scopes = Scope(model), {}
        self._made: dict[tuple[int, int], Made] = {}
        outputs = [self._resolve(self._root, tensor) for tensor in model.outputs]
        self.outputs: list[tuple[int, int]] = [made.key for made in outputs]
        self.calls: list[Made] = self._order(outputs)

    def uses(self, key: tuple[int, int]) -> int:
        """How often a tensor is taken, as an input or as an output of the model."""
        return sum(made.sources.count(key) for made in self.calls) + self.outputs.count(key)

    def _resolve(self, scope: Scope, tensor: Any) -> Made:
        """Follows a tensor through the borders of nested models, and through identities, to what made it."""
        while True:
            key = id(scope), id(tensor)
            if key in self._made:
                return self._made[key]
            history = tensor._keras_history
            layer = history.operation
            if isinstance(layer, layers.InputLayer):
                if scope.outer is None:
                    return self._made.setdefault(key, Made(scope, tensor, None, None))
                position = [id(item) for item in scope.model.inputs].index(id(tensor))
                scope, tensor = scope.outer, scope.call.input_tensors[position]
                continue
            call = layer._inbound_nodes[history.node_index]
            if call.arguments.kwargs.get("training") is True:
                refuse(layer, "it was called with training=True, which a stream does not do: leave that out")
            if type(layer) in _IDENTITIES and not isinstance(layer, self._kept):
                tensor = call.input_tensors[0]
            elif is_functional(layer):
                position = [id(item) for item in call.outputs].index(id(tensor))
                scope = self._inside(scope, call, layer)
                tensor = scope.model.outputs[position]
            else:
                return self._made.setdefault(key, Made(scope, tensor, layer, call))

    def _inside(self, scope: Scope, call: Any, layer: Any) -> Scope:
        model = layer._functional if isinstance(layer, keras.Sequential) else layer
        prefix = f"{scope.prefix}{layer.name}_"
        return self._scopes.setdefault((id(scope), id(call)), Scope(model, scope, call, prefix))

    def _order(self, outputs: list[Made]) -> list[Made]:
        """Every tensor behind those it is made from; of an addition the first term first."""
        order, done, stack = [], set(), [(made, False) for made in reversed(outputs)]
        while stack:
            made, ready = stack.pop()
            if made.key in done:
                continue
            if ready:
                done.add(made.key)
                order.append(made)
                continue
            stack.append((made, True))
            sources = [self._resolve(made.scope, tensor) for tensor in made.call.input_tensors] if made.call else []
            made.sources[:] = [source.key for source in sources]
            stack += [(source, False) for source in reversed(sources)]
        return order
