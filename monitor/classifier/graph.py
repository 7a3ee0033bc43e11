"""The fine-tuned encoder as an ONNX graph with weights of eight bits (the package onnx; needed for training only).

Written node by node: nothing traces Python, so the same weights give the same bytes, and the runtime gets the
operators that it has fast kernels for. A matrix has eight-bit weights with a scale a column, the word table a scale a
row.

Texts that are run together have one length: without padding there is no mask, which would cost a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.onnx_ml_pb2 import NodeProto
from onnx.onnx_ml_pb2 import TensorProto as Initialiser

from monitor.classifier.encoder import HEADS, TOKENS
from monitor.classifier.tables import Floats

_OPSET, _CONTRIBUTED = 20, 1
_IR = 9
_MICROSOFT = "com.microsoft"

_STEPS = 127  # of an eight-bit number, up and down


def as_onnx(
    weights: Mapping[str, Floats], layers: int, attention_heads: int, epsilon: float, heads: Sequence[str]
) -> bytes:
    """The graph of finetune.Network's weights, with the names of its heads.

    `numbers`, int64 (texts, tokens), all texts of one length of at most TOKENS, to `logits` (texts, heads).
    """
    return _Graph(weights, attention_heads, epsilon).build(layers, heads)


class _Graph:
    def __init__(self, weights: Mapping[str, Floats], attention_heads: int, epsilon: float) -> None:
        self._weights = weights
        self._attention_heads = attention_heads
        self._epsilon = epsilon
        self._nodes: list[NodeProto] = []
        self._constants: list[Initialiser] = []

    def build(self, layers: int, heads: Sequence[str]) -> bytes:
        hidden = self._embeddings()
        for layer in range(layers):
            hidden = self._layer(hidden, f"encoder.encoder.layer.{layer}", f"l{layer}")
        self._mean_and_heads(hidden)
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info("numbers", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", "heads"])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, _CONTRIBUTED)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="schoolwatch")
        helper.set_model_props(model, {HEADS: " ".join(heads)})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _embeddings(self) -> str:
        words = self._of("encoder.embeddings.word_embeddings.weight")
        scale = np.maximum(np.abs(words).max(1, keepdims=True), 1e-8) / _STEPS
        table = self._constant("words", np.round(words / scale).astype(np.int8))
        rows = self._constant("words.scale", scale.astype(np.float32))
        self._node("Gather", [table, "numbers"], "words.q")
        self._node("Cast", ["words.q"], "words.f", to=TensorProto.FLOAT)
        self._node("Gather", [rows, "numbers"], "words.s")
        self._node("Mul", ["words.f", "words.s"], "words.e")
        places = self._of("encoder.embeddings.position_embeddings.weight")[:TOKENS]
        kinds = self._of("encoder.embeddings.token_type_embeddings.weight")
        # Every text is of the first kind, so that its vector is part of the place's.
        table = self._constant("places", (places + kinds[:1]).astype(np.float32))
        self._node("Shape", ["numbers"], "length", start=1, end=2)
        self._node("Slice", [table, self._constant("zero", np.array([0], np.int64)), "length"], "places.e")
        self._node("Add", ["words.e", "places.e"], "sum.e")
        return self._norm("sum.e", "encoder.embeddings.LayerNorm", "e")

    def _layer(self, hidden: str, name: str, short: str) -> str:
        own = f"{name}.attention.self"
        matrix = np.vstack([self._of(f"{own}.{part}.weight") for part in ("query", "key", "value")])
        offset = np.concatenate([self._of(f"{own}.{part}.bias") for part in ("query", "key", "value")])
        steps, scale = _steps(matrix)
        self._node("DynamicQuantizeLinear", [hidden], f"{short}.q", f"{short}.q.scale", f"{short}.q.zero")
        self._node(
            "QAttention",
            [
                f"{short}.q",
                self._constant(f"{short}.w", steps),
                self._constant(f"{short}.b", offset.astype(np.float32)),
                f"{short}.q.scale",
                self._constant(f"{short}.w.scale", scale),
                "",
                f"{short}.q.zero",
                self._constant(f"{short}.w.zero", np.zeros(len(scale), np.int8)),
            ],
            f"{short}.a",
            domain=_MICROSOFT,
            num_heads=self._attention_heads,
        )
        self._linear(f"{short}.a", f"{name}.attention.output.dense", f"{short}.o")
        self._node("Add", [f"{short}.o", hidden], f"{short}.r")
        attended = self._norm(f"{short}.r", f"{name}.attention.output.LayerNorm", f"{short}.n1")
        self._linear(attended, f"{name}.intermediate.dense", f"{short}.i")
        self._node("Gelu", [f"{short}.i"], f"{short}.g")
        self._linear(f"{short}.g", f"{name}.output.dense", f"{short}.d")
        self._node("Add", [f"{short}.d", attended], f"{short}.t")
        return self._norm(f"{short}.t", f"{name}.output.LayerNorm", f"{short}.n2")

    def _mean_and_heads(self, hidden: str) -> None:
        tokens = self._constant("tokens", np.array([1], np.int64))
        self._node("ReduceMean", [hidden, tokens], "mean", keepdims=0)
        matrix = self._constant("heads", self._of("heads.weight").T.astype(np.float32))
        offset = self._constant("heads.offset", self._of("heads.bias").astype(np.float32))
        self._node("Gemm", ["mean", matrix, offset], "logits")

    def _linear(self, hidden: str, name: str, to: str) -> None:
        """hidden @ matrix.T + offset, the hidden values brought to eight bits when it runs."""
        steps, scale = _steps(self._of(f"{name}.weight"))
        self._node(
            "DynamicQuantizeMatMul",
            [
                hidden,
                self._constant(f"{to}.w", steps),
                self._constant(f"{to}.w.scale", scale),
                self._constant(f"{to}.w.zero", np.zeros(len(scale), np.int8)),
                self._constant(f"{to}.b", self._of(f"{name}.bias").astype(np.float32)),
            ],
            to,
            domain=_MICROSOFT,
        )

    def _norm(self, hidden: str, name: str, to: str) -> str:
        scale = self._constant(f"{to}.scale", self._of(f"{name}.weight").astype(np.float32))
        offset = self._constant(f"{to}.offset", self._of(f"{name}.bias").astype(np.float32))
        self._node("LayerNormalization", [hidden, scale, offset], to, axis=-1, epsilon=self._epsilon)
        return to

    def _of(self, name: str) -> Floats:
        return self._weights[name]

    def _constant(self, name: str, value: np.ndarray) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(
        self, kind: str, inputs: list[str], *outputs: str, domain: str = "", **settings: object
    ) -> None:
        self._nodes.append(helper.make_node(kind, inputs, list(outputs), domain=domain, **settings))


def _steps(matrix: Floats) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (outputs, inputs) as eight-bit steps (inputs, outputs) and the size of a step (outputs,).

    Processors without VNNI multiply a pair of neighbouring weights by activations of up to 255 and add both in sixteen
    bits, where more is cut off. So the steps of a pair with one sign are together at most 128: about 100 up and down,
    where seven bits would leave 63.
    """
    pairs = matrix.reshape(len(matrix), -1, 2)
    together = np.maximum(np.maximum(pairs, 0).sum(2), np.maximum(-pairs, 0).sum(2)).max(1)
    # Both of a pair may be rounded up by half a step, so 127 of them reach 128.
    scale = np.maximum(together, 1e-8) / _STEPS
    return np.round(matrix / scale[:, None]).astype(np.int8).T.copy(), scale.astype(np.float32)
