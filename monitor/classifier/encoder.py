"""The fine-tuned encoder at run time: onnxruntime and the tokeniser's table, one text a run.

Each text is run by itself: its activations are brought to eight bits by their own range, so that a score never hangs
on the texts beside it, and nothing is spent on padding. Several texts run on several threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from monitor.classifier.engine import EngineError
from monitor.classifier.tables import Floats

TOKENS = 128
"""The most tokens that are read of a text: more than a chunk of text.CHUNK letters has, but for the strangest."""

HEADS = "heads"
"""The key of the graph's metadata under which its heads stand, in order, with spaces between."""

_MOST_THREADS = 4


class Encoder:
    """Normalised texts to logits. `heads` names the columns. Raises EngineError where a file is no such graph."""

    def __init__(self, graph: Path, tokeniser: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Texts of every length: an arena would keep a block for each.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # Weights packed for the kernels stand beside those of the file, else.
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
            self._tokeniser = Tokenizer.from_file(str(tokeniser))
        except Exception as err:  # both libraries raise classes of their own, some plain Exception
            raise EngineError(
                f"the encoder of the embedded engine cannot be loaded ({type(err).__name__}); install Schoolwatch again"
            ) from err
        self._tokeniser.no_padding()
        self._tokeniser.enable_truncation(TOKENS)
        self.heads = tuple(self._session.get_modelmeta().custom_metadata_map.get(HEADS, "").split())
        self._threads = max(1, min(_MOST_THREADS, len(os.sched_getaffinity(0))))

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits (texts, heads)."""
        if not texts:
            return np.zeros((0, len(self.heads)))
        numbers = [encoding.ids for encoding in self._tokeniser.encode_batch(list(texts))]
        if len(texts) == 1 or self._threads == 1:
            rows = [self._run(ids) for ids in numbers]
        else:
            with ThreadPoolExecutor(self._threads, thread_name_prefix="encoder") as pool:
                rows = list(pool.map(self._run, numbers))
        return np.vstack(rows)

    def _run(self, ids: Sequence[int]) -> Floats:
        table = np.array([ids], dtype=np.int64)
        found = self._session.run(None, {"numbers": table})[0]
        return np.asarray(found, dtype=np.float64)
