"""`jupyter nextedit train …`: from a recipe to a bundle, one step a command.

jupyter nextedit train data RECIPE --work WORK        fetch, extract, clean: WORK/corpus/
jupyter nextedit train from-git REPO… --work WORK     edits of commits: WORK/edits/
jupyter nextedit train tokenizer --work WORK          WORK/tokenizer.json
jupyter nextedit train examples RECIPE --work WORK    WORK/<stage>.npy, WORK/validation.npy
jupyter nextedit train sft --work WORK --stage s1 --stage s2 --minutes 100
jupyter nextedit train vocabulary --base GGUF --notebooks FILE --work WORK   a base's tokens to keep
jupyter nextedit train tune --base GGUF --notebooks FILE --edits FILE --work WORK --minutes 60
jupyter nextedit train delta --base GGUF --work WORK --out DELTA             what is shipped
jupyter nextedit train rl --work WORK --checkpoint run/final.pt --minutes 60   rewards
jupyter nextedit train export --work WORK --out BUNDLE
jupyter nextedit train evaluate --bundle BUNDLE --work WORK
jupyter nextedit train filter --bundle BUNDLE --work WORK    when to show what it says
jupyter nextedit train judge --edits FILE --validation FILE   which places follow an edit
jupyter nextedit train personal FOLDER… --out BUNDLE  the bundle, fine-tuned on your own code
jupyter nextedit train tiny --out BUNDLE              all of it, small, in under three minutes
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training import (
    cli_base,
    cli_edits,
    cli_judge,
    cli_personal,
    cli_rl,
    cli_search,
)
from nextedit_jupyter.training.progress import Bar

if TYPE_CHECKING:
    from nextedit_jupyter.training.corpus.document import Document

RECITED_PROMPTS = 100


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hook for the top-level command line."""
    parser = commands.add_parser(
        "train",
        help="train a model (needs torch)",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)

    data = steps.add_parser("data", help="fetch packages and extract documents")
    data.add_argument("recipe", type=Path)
    _work(data)
    data.add_argument("--offline", action="store_true", help="use fetched archives only")
    data.add_argument("--processes", type=int, default=2)
    data.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, to run there")
    data.set_defaults(run=run_data)

    cli_edits.add_parsers(steps)
    cli_judge.add_parsers(steps)

    tokenizer = steps.add_parser("tokenizer", help="train the tokenizer on the documents")
    _work(tokenizer)
    tokenizer.add_argument("--vocab-size", type=int, default=8192)
    tokenizer.add_argument(
        "--module-chars", type=int, default=8_000_000, help="library code taken (default 8 M)"
    )
    tokenizer.set_defaults(run=run_tokenizer)

    examples = steps.add_parser("examples", help="render a recipe's stages to packed files")
    examples.add_argument("recipe", type=Path)
    _work(examples)
    examples.add_argument("--stage", action="append", help="only this stage (repeatable)")
    examples.add_argument("--length", type=int, default=1024, help="tokens a sequence")
    examples.set_defaults(run=run_examples)

    sft = steps.add_parser("sft", help="train, or go on training")
    _work(sft)
    sft.add_argument(
        "--stage",
        action="append",
        required=True,
        help="in order (repeatable); `s1#2000` is its first 2,000 sequences",
    )
    sft.add_argument("--run", dest="run_name", default="run", help="the run's folder in WORK")
    sft.add_argument("--init", type=Path, help="a bundle whose weights to begin with")
    sft.add_argument("--resume", help="a checkpoint of the run, such as stable.pt or latest.pt")
    sft.add_argument("--minutes", type=float, help="time budget, decay included")
    sft.add_argument("--steps", type=int, help="budget in steps instead of minutes")
    sft.add_argument("--decay-minutes", type=float, default=20.0)
    sft.add_argument("--decay-steps", type=int, default=0)
    sft.add_argument("--batch", type=int, default=8, help="sequences a step, of each process")
    sft.add_argument("--matrix-lr", type=float, default=0.02, help="Muon's peak learning rate")
    sft.add_argument("--other-lr", type=float, default=3e-3, help="AdamW's peak learning rate")
    sft.add_argument("--threads", type=int, default=2, help="of each process")
    sft.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    sft.add_argument("--seed", type=int, default=0)
    sft.add_argument("--no-compile", action="store_true")
    sft.add_argument(
        "--float32", action="store_true", help="faster than bfloat16 on most CPUs without AMX"
    )
    sft.add_argument("--shape", type=json.loads, default={}, help="JSON, e.g. '{\"layers\": 8}'")
    sft.set_defaults(run=run_sft)

    cli_base.add_parsers(steps)
    cli_rl.add_parsers(steps)

    export = steps.add_parser("export", help="write a bundle from a checkpoint, gated")
    _work(export)
    export.add_argument("--checkpoint", default="run/final.pt", help="relative to WORK")
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--id", default="nextedit-python")
    export.add_argument("--version", default="0.1.0")
    export.add_argument(
        "--format", default="cells-spm-v1", help="the prompt format it was trained in"
    )
    export.add_argument("--validation", type=Path, help="JSON of `train evaluate` on validation")
    export.add_argument("--test", type=Path, help="JSON of `train evaluate --split test`")
    export.add_argument("--compute", default="unknown", help="what it was trained on, for the card")
    export.add_argument("--recipe", default="", help="the recipe's path, for the card")
    export.add_argument("--history", default="", help="what the weights were before, for the card")
    export.add_argument("--reference", type=Path, help="write the float32 graph to this file")
    export.add_argument("--no-gate", action="store_true")
    export.add_argument(
        "--plain", action="store_true", help="round without looking at the training data"
    )
    export.set_defaults(run=run_export)

    evaluate = steps.add_parser("evaluate", help="type held-out cells and measure")
    _work(evaluate)
    evaluate.add_argument("--bundle", type=Path, required=True)
    evaluate.add_argument("--split", choices=("validation", "test"), default="validation")
    evaluate.add_argument("--cells", type=int, default=120)
    evaluate.add_argument("--edits", type=int, default=150)
    evaluate.add_argument("--seed", type=int, default=0)
    evaluate.add_argument("--budget", type=int, default=900, help="tokens of a prompt")
    evaluate.add_argument("--facts", action="store_true", help="with names guessed from code")
    evaluate.add_argument("--output", "-o", type=Path)
    evaluate.set_defaults(run=run_evaluate)

    learn = steps.add_parser("filter", help="learn when a bundle's texts are taken")
    _work(learn)
    learn.add_argument("--bundle", type=Path, required=True, help="its manifest is rewritten")
    learn.add_argument("--cells", type=int, default=120, help="of training packages, to learn from")
    learn.add_argument("--validation-cells", type=int, default=60)
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument("--output", "-o", type=Path)
    learn.set_defaults(run=run_filter)

    cli_search.add_parsers(steps)
    cli_personal.add_parsers(steps)

    tiny = steps.add_parser("tiny", help="a tiny model from a tiny corpus to a bundle")
    tiny.add_argument("folders", nargs="*", type=Path, help="default: the standard library")
    tiny.add_argument("--out", type=Path, required=True)
    tiny.add_argument("--work", type=Path, help="where to keep what lies between")
    tiny.add_argument("--steps", type=int, default=150)
    tiny.add_argument("--seed", type=int, default=0)
    tiny.set_defaults(run=run_tiny)


def _work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="folder for what is made")


def run_data(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.corpus.build import build
    from nextedit_jupyter.training.corpus.fetch import fetch
    from nextedit_jupyter.training.corpus.recipe import read_recipe

    recipe = read_recipe(arguments.recipe)
    archives = arguments.work / "archives"
    if not arguments.offline:
        failed = []
        with Bar("fetching", len(recipe.sources), "package") as bar:
            for source, archive, why in fetch(list(recipe.sources), archives):
                bar.step(source.name)
                if archive is None:
                    failed.append(f"{source.name}=={source.version}: {why or 'no archive'}")
        if failed:
            raise TrainingError(
                "these packages could not be fetched; try again, or take them out of the recipe:\n"
                + "\n".join(failed)
            )
    with Bar("extracting", 2 * len(recipe.sources), "package") as bar:
        report = build(
            recipe,
            archives,
            arguments.work / "corpus",
            processes=arguments.processes,
            scheduler=arguments.scheduler,
            progress=bar.step,
        )
    print(f"{len(recipe.sources)} packages, near-duplicates dropped: {report['near_duplicates']}")
    return 0


def run_tokenizer(arguments: argparse.Namespace) -> int:
    import random

    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.tokenizer import balanced, train_tokenizer

    documents = _documents(arguments.work, "train")
    random.Random(1).shuffle(documents)
    path = arguments.work / "tokenizer.json"
    texts = ((document.kind, "\n".join(document.cells)) for document in documents)
    train_tokenizer(
        balanced(texts, module_chars=arguments.module_chars),
        path,
        vocab_size=arguments.vocab_size,
    )
    tokenizer = BundleTokenizer(path)
    held = [d for d in _documents(arguments.work, "validation") if d.kind != "module"]
    chars = sum(len("\n".join(document.cells)) for document in held)
    tokens = sum(len(tokenizer.encode("\n".join(document.cells))) for document in held)
    print(
        f"{path}: {tokenizer.vocab_size} tokens, "
        f"{chars / max(1, tokens):.2f} characters a token on held-out notebooks"
    )
    return 0


def run_examples(arguments: argparse.Namespace) -> int:
    import random

    from nextedit_jupyter.prompt.control import PAD
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.commits.real_edit import read_edits
    from nextedit_jupyter.training.examples import Mix, plain_document
    from nextedit_jupyter.training.mixture import read_stages, render_stage
    from nextedit_jupyter.training.packing import pack, write_packed

    stages = read_stages(arguments.recipe)
    wanted = arguments.stage or [stage.name for stage in stages]
    unknown = set(wanted) - {stage.name for stage in stages}
    if unknown:
        raise TrainingError(f"the recipe has no stage {', '.join(sorted(unknown))}")
    tokenizer = BundleTokenizer(arguments.work / "tokenizer.json")
    documents = _documents(arguments.work, "train")
    edits = list(read_edits(arguments.work / "edits" / "train"))
    for stage in stages:
        if stage.name in wanted:
            rows = render_stage(
                stage, documents, tokenizer, length=arguments.length, edits=edits, progress=print
            )
            write_packed(arguments.work / f"{stage.name}.npy", rows)
            print(f"{stage.name}: {rows.shape[0]} sequences of {arguments.length} tokens")
    rng = random.Random(5)
    pieces = [
        piece
        for document in _documents(arguments.work, "validation")
        if document.kind != "module"
        for piece in plain_document(document, tokenizer, rng, Mix(), length=arguments.length + 1)
    ]
    if pieces:
        packed = pack(pieces, length=arguments.length, pad=tokenizer.control(PAD))
        write_packed(arguments.work / "validation.npy", packed)
    return 0


def run_sft(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.cpu import use_threads
    from nextedit_jupyter.training.from_bundle import bundle_weights, start_from
    from nextedit_jupyter.training.model import Shape
    from nextedit_jupyter.training.processes import join
    from nextedit_jupyter.training.sft import Budget, Settings, open_run, train

    if (arguments.minutes is None) == (arguments.steps is None):
        raise TrainingError("give the budget as either --minutes or --steps")
    if arguments.init and arguments.resume:
        raise TrainingError("a run begins with --init or goes on with --resume, not both")
    vocab_size = BundleTokenizer(arguments.work / "tokenizer.json").vocab_size
    shape = Shape(**{"vocab_size": vocab_size, **arguments.shape})
    if arguments.init and not arguments.shape:
        shape = bundle_weights(arguments.init)[0]
        if shape.vocab_size < vocab_size:
            raise TrainingError(
                f"the bundle {arguments.init} has {shape.vocab_size} tokens, the tokenizer of "
                f"{arguments.work} {vocab_size}: render the examples with the bundle's tokenizer"
            )
    settings = Settings(
        batch=arguments.batch,
        matrix_lr=arguments.matrix_lr,
        other_lr=arguments.other_lr,
        threads=arguments.threads,
        device=arguments.device,
        seed=arguments.seed,
        compile=not arguments.no_compile,
        bfloat16=not arguments.float32,
    )
    folder = arguments.work / arguments.run_name
    resume = folder / arguments.resume if arguments.resume else None
    validation = arguments.work / "validation.npy"
    use_threads(arguments.threads)
    with join(arguments.device) as processes:
        run = open_run(folder, shape, settings, resume=resume, processes=processes)
        if arguments.init:
            start_from(run.model, arguments.init)
        end = None if arguments.minutes is None else time.time() + 60 * arguments.minutes
        state = train(
            run,
            [_stage_file(arguments.work, stage) for stage in arguments.stage],
            settings,
            Budget(
                steps=arguments.steps,
                decay_steps=arguments.decay_steps,
                end=end,
                decay_minutes=arguments.decay_minutes,
            ),
            validation=validation if validation.exists() else None,
        )
        if processes.first:
            plot_losses(folder)
            print(f"{folder / 'final.pt'}: {state.step} steps, {state.tokens / 1e6:.2f} M tokens")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.manifest import Identity
    from nextedit_jupyter.training.card import read_log, render_card
    from nextedit_jupyter.training.export import (
        Agreement,
        Graphs,
        Measured,
        checkpoint_weights,
        export_bundle,
    )
    from nextedit_jupyter.training.gate import calibration_prompts, gate_export, gate_latency
    from nextedit_jupyter.training.memorisation import check_memorisation
    from nextedit_jupyter.training.mixture import training_format

    checkpoint = arguments.work / arguments.checkpoint
    tokenizer = arguments.work / "tokenizer.json"
    identity = Identity(arguments.id, arguments.version, training_format(arguments.format).name)
    agreement = Agreement(0, 0, 0.0, 0.0)
    latency: dict[str, float] = {}
    calibration: list[list[int]] = []
    if not arguments.plain:
        calibration = calibration_prompts(
            _documents(arguments.work, "train"), tokenizer, format=identity.prompt_format
        )
    if not arguments.no_gate:
        documents = _documents(arguments.work, "validation") + _documents(arguments.work, "test")
        graphs = Graphs(checkpoint, calibration)
        if arguments.reference:
            arguments.reference.write_bytes(graphs.reference.SerializeToString())
        agreement = gate_export(graphs, tokenizer, documents, format=identity.prompt_format)
        timed = graphs.latency()
        gate_latency(timed)
        latency = asdict(timed)
        print(
            f"INT8 agrees with float32 on {agreement.same:.2%} of {agreement.tokens} tokens "
            f"of {agreement.prompts} prompts ({agreement.same_chunked:.2%} when cut in passes); "
            f"{agreement.exact_int8} of {agreement.tasks} answers are exact, "
            f"{agreement.exact_float32} in float32; 512 tokens take {latency['prefill_512_p50']} ms"
        )
    measured, card = Measured(latency=latency), ""
    if arguments.validation and arguments.test:
        validation = json.loads(arguments.validation.read_text(encoding="utf-8"))
        test = json.loads(arguments.test.read_text(encoding="utf-8"))
        thresholds = validation["thresholds"]
        inline = test["typing"]["curve"][str(thresholds["inline"])]
        edits = test["edits"]["curve"][str(thresholds["next_edit"])]
        quality = {
            "split": "test",
            "packages": test["typing"]["packages"],
            "inline": inline,
            "next_edit": edits,
            "token_agreement": round(agreement.same, 4),
        }
        measured = Measured(thresholds, latency, quality)
        report = (arguments.work / "corpus" / "report.json").read_text(encoding="utf-8")
        render = partial(
            render_card,
            identity,
            checkpoint_weights(checkpoint)[0],
            corpus=json.loads(report),
            log=read_log(checkpoint.parent / "log.jsonl"),
            agreement=agreement,
            validation=validation,
            test=test,
            compute=arguments.compute,
            recipe=arguments.recipe,
            history=arguments.history,
        )
        # What the bundle recites is seen once it is there.
        export_bundle(checkpoint, tokenizer, arguments.out, identity, calibration=calibration)
        recital = check_memorisation(
            arguments.out,
            _documents(arguments.work, "train"),
            _documents(arguments.work, "validation"),
            prompts=RECITED_PROMPTS,
        )
        print(recital.to_card())
        card = render(memorisation=recital.to_card())
    manifest = export_bundle(
        checkpoint,
        tokenizer,
        arguments.out,
        identity,
        measured=measured,
        card=card,
        calibration=calibration,
    )
    print(f"{arguments.out}: {manifest['parameters']:,} parameters")
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.evaluate import evaluate_bundle, format_report

    report = evaluate_bundle(
        arguments.bundle,
        _documents(arguments.work, arguments.split),
        cells=arguments.cells,
        edits=arguments.edits,
        seed=arguments.seed,
        budget=arguments.budget,
        facts=arguments.facts,
        progress=lambda line: print(line, flush=True),
    )
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(format_report(report))
    print(f"thresholds: {report['thresholds']}")
    return 0


def run_filter(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.bundle import Bundle
    from nextedit_jupyter.evals.heldout import read_documents
    from nextedit_jupyter.training.acceptance import format_report, learn_filter, write_filter

    corpus = arguments.work / "corpus"
    acceptance, report = learn_filter(
        Bundle.open(arguments.bundle),
        read_documents(corpus / "train.jsonl"),
        read_documents(corpus / "validation.jsonl"),
        cells=arguments.cells,
        validation_cells=arguments.validation_cells,
        seed=arguments.seed,
        progress=lambda line: print(line, flush=True),
    )
    write_filter(arguments.bundle, acceptance, report)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(format_report(report))
    return 0


def run_tiny(arguments: argparse.Namespace) -> int:
    import tempfile

    from nextedit_jupyter.training.tiny import train_tiny

    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        train_tiny(
            arguments.folders,
            arguments.out,
            work=work,
            steps=arguments.steps,
            seed=arguments.seed,
            progress=lambda line: print(line, flush=True),
        )
    return 0


def plot_losses(folder: Path) -> None:
    """Draw `loss.png` from a run's log, if there is one and matplotlib."""
    if not (folder / "log.jsonl").exists():
        return
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    figure, axes = pyplot.subplots(figsize=(8, 4))
    for key, style in (("loss", "-"), ("validation", "o-")):
        points = [(entry["tokens"] / 1e6, entry[key]) for entry in entries if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=key, markersize=3)
    axes.set_xlabel("million tokens")
    axes.set_ylabel("nats a token")
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "loss.png", dpi=110)
    pyplot.close(figure)


def _stage_file(work: Path, stage: str) -> str:
    name, mark, rows = stage.partition("#")
    return f"{work / name}.npy{mark}{rows}"


def _documents(work: Path, split: str) -> list[Document]:
    from nextedit_jupyter.training.corpus.document import read_documents

    path = work / "corpus" / f"{split}.jsonl"
    if not path.exists():
        raise TrainingError(f"there is no {path}: run `jupyter nextedit train data` first")
    return list(read_documents(path))


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m nextedit_jupyter.training.cli`, for machines without the Jupyter command."""
    parser = argparse.ArgumentParser(prog="nextedit")
    commands = parser.add_subparsers(required=True)
    add_parser(commands)
    parsed = parser.parse_args(argv)
    result: int = parsed.run(parsed)
    return result


if __name__ == "__main__":
    raise SystemExit(main())
