from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nextedit_jupyter import __version__  # noqa: E402
from nextedit_jupyter.bundles.graph import Int8Columns, build_graph  # noqa: E402
from nextedit_jupyter.bundles.manifest import Identity  # noqa: E402
from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.training.bpe import train_tokenizer  # noqa: E402
from nextedit_jupyter.training.corpus.document import Document  # noqa: E402
from nextedit_jupyter.training.export import (  # noqa: E402
    Agreement,
    GraphRunner,
    Graphs,
    Latency,
    export_bundle,
    graph_shape,
    int8_graph,
)
from nextedit_jupyter.training.gate import gate_export, gate_latency  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.sft import SftSettings, open_run  # noqa: E402

SHAPE = Shape(
    vocab_size=320, width=64, layers=2, heads=4, kv_heads=2, head_dim=16, hidden=96, context=128
)


@pytest.fixture(scope="module")
def model() -> DecoderModule:
    decoder = DecoderModule(SHAPE, seed=3).eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            if parameter.ndim == 2:
                parameter.mul_(6)
    return decoder


def runner(model: DecoderModule, *, int8: bool) -> GraphRunner:
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    return GraphRunner(
        build_graph(graph_shape(SHAPE), weights, int8=int8).SerializeToString(), SHAPE
    )


def test_the_float_graph_computes_what_the_model_computes(model: DecoderModule) -> None:
    ids = torch.randint(0, SHAPE.vocab_size, (1, 50), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        want = model(ids)[0].numpy()
    have = runner(model, int8=False).logits(ids[0].tolist())
    np.testing.assert_allclose(have, want, atol=2e-3)


def test_the_int8_graph_chooses_nearly_the_same_tokens(model: DecoderModule) -> None:
    seeded = torch.Generator().manual_seed(2)
    ids = torch.randint(0, SHAPE.vocab_size, (100,), generator=seeded).tolist()
    want = runner(model, int8=False).logits(ids)
    have = runner(model, int8=True).logits(ids)
    assert (want.argmax(-1) == have.argmax(-1)).mean() > 0.9
    assert np.abs(want - have).max() < 0.2 * np.abs(want).max()


def test_int8_logits_do_not_depend_on_how_a_prompt_is_cut(model: DecoderModule) -> None:
    ids = list(range(60))
    graph = runner(model, int8=True)
    whole = graph.logits(ids)
    parts = [graph.logits(ids[:25]), graph.logits(ids[25:31], position=25)]
    parts.append(graph.logits(ids[31:], position=31))
    cut = np.concatenate(parts)
    assert np.abs(whole - cut).max() < 1e-4
    assert (whole.argmax(-1) == cut.argmax(-1)).all()


def test_logits_are_given_from_the_wanted_position_on(model: DecoderModule) -> None:
    graph = runner(model, int8=True)
    whole = graph.logits(list(range(20)))
    np.testing.assert_allclose(graph.logits(list(range(20)), start=17), whole[17:], atol=1e-4)


def test_int8_columns_keep_each_columns_largest_value() -> None:
    matrix = np.array([[1.0, -200.0], [0.5, 3.0]], np.float32)
    packed = Int8Columns.of(matrix)
    np.testing.assert_allclose(packed.dequantised(), matrix, atol=0.8)
    assert np.abs(packed.values).max(axis=0).tolist() == [127, 127]


def test_a_bundle_says_what_it_is_and_replaces_an_older_one(tmp_path: Path) -> None:
    run = open_run(tmp_path / "run", SHAPE, SftSettings(compile=False))
    run.save("final.pt")
    train_tokenizer(["x = 1\n"] * 3, tmp_path / "tokenizer.json", vocab_size=320)
    out = tmp_path / "bundle"
    for version in ("0.1.0", "0.2.0"):
        export_bundle(
            Graphs(tmp_path / "run" / "final.pt"),
            tmp_path / "tokenizer.json",
            out,
            Identity("nextedit-test", version, "cells-spm-v1"),
        )
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["version"] == "0.2.0"
    assert manifest["min_app_version"] == __version__  # of the one that wrote it
    assert manifest["parameters"] == SHAPE.parameters
    for name, facts in manifest["files"].items():
        data = (out / name).read_bytes()
        assert facts == {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "run", "tokenizer.json"]


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    small = Shape(vocab_size=100, width=32, layers=1, heads=2, kv_heads=1, head_dim=16, hidden=32)
    open_run(tmp_path / "run", small, SftSettings(compile=False)).save("final.pt")
    train_tokenizer(["x = 1\n"] * 3, tmp_path / "tokenizer.json", vocab_size=320)
    with pytest.raises(TrainingError, match="the tokenizer has"):
        export_bundle(
            Graphs(tmp_path / "run" / "final.pt"),
            tmp_path / "tokenizer.json",
            tmp_path / "bundle",
            Identity("nextedit-test", "0.1.0", "cells-spm-v1"),
        )
    assert not (tmp_path / "bundle").exists()


def test_calibration_brings_the_shipped_graph_nearer_to_float32(model: DecoderModule) -> None:
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    ids = torch.randint(0, SHAPE.vocab_size, (1000,), generator=torch.Generator().manual_seed(1))
    prompts = ids.reshape(10, 100).tolist()
    want = runner(model, int8=False).logits(prompts[0])

    def lost(calibration: list[list[int]]) -> float:
        graph = int8_graph(SHAPE, weights, calibration).SerializeToString()
        return float(((GraphRunner(graph, SHAPE).logits(prompts[0]) - want) ** 2).mean())

    assert lost(prompts[1:]) < lost([])


def test_agreement_is_counted_over_prompts(tmp_path: Path) -> None:
    run = open_run(tmp_path / "run", SHAPE, SftSettings(compile=False))
    run.save("final.pt")
    prompts = [list(range(30 + n)) for n in range(4)]
    graphs = Graphs(tmp_path / "run" / "final.pt")
    likeliest = graphs.exact.logits(prompts[0])[-1].argmax()
    tasks = [(prompts[0], [int(likeliest)]), (prompts[0], [int(likeliest) ^ 1])]
    found = graphs.agreement(prompts, tasks, last=10)
    assert (found.prompts, found.tokens) == (4, 40)
    assert 0 <= found.same <= 1
    assert found.same_chunked == 1.0
    assert (found.tasks, found.exact_float32) == (2, 1)
    assert 0 <= found.exact_int8 <= 2


def test_an_export_that_loses_too_much_or_takes_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(tmp_path / "run", SHAPE, SftSettings(compile=False))
    run.save("final.pt")
    path = tmp_path / "tokenizer.json"
    cells = ("import numpy as np", "mean = np.mean([1, 2])", "print(mean, np.max([1, 2]))")
    train_tokenizer(["\n".join(cells)] * 9, path, vocab_size=SHAPE.vocab_size)
    documents = [Document("p", "a.ipynb", "notebook", cells * 2)]
    graphs = Graphs(tmp_path / "run" / "final.pt")

    def gate(**found: float) -> Agreement:
        agreement = Agreement(3, 100, **{"same": 0.995, "same_chunked": 1.0, **found})  # type: ignore[arg-type]
        monkeypatch.setattr(Graphs, "agreement", lambda *_, **__: agreement)
        return gate_export(graphs, path, documents, count=3, tasks=4)

    assert gate(tasks=400, exact_float32=60, exact_int8=58).lost == 0.005
    with pytest.raises(TrainingError, match="less than 99%"):
        gate(same=0.98)
    with pytest.raises(TrainingError, match="58 of 400 answers exactly, float32 61"):
        gate(tasks=400, exact_float32=61, exact_int8=58)
    gate_latency(Latency(40, 60, 1))
    with pytest.raises(TrainingError, match="512 tokens take 130 ms"):
        gate_latency(Latency(40, 130, 1))


def test_the_graph_is_timed(tmp_path: Path) -> None:
    run = open_run(tmp_path / "run", replace(SHAPE, context=640), SftSettings(compile=False))
    run.save("final.pt")
    found = Graphs(tmp_path / "run" / "final.pt").latency(repeats=2)
    assert found.token_p50 > 0
    assert 0 < found.prefill_512_p50 <= found.prefill_512_p95
