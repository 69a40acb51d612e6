"""Writes a bundle's card from the records: corpus report, run log, gate, evaluations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.manifest import Identity
from nextedit_jupyter.training.bundle_evaluation import format_report
from nextedit_jupyter.training.export import Agreement
from nextedit_jupyter.training.network import Shape

LIMITS = """\
- It is small and was trained on little: it knows the common calls of the scientific libraries and
  what stands in the notebook, and picks wrong existing names where it is unsure. Thresholds keep
  most of that silent.
- Trained on documentation notebooks, galleries, docstrings and library code in English, in Python
  only. Code of other kinds, and comments, are completed worse.
- Kernel names in training were guessed from code, edits were made up from real cells; neither
  was recorded from people.
- It may repeat short stretches of its training text, as any model does.
"""


def render_card(
    identity: Identity,
    shape: Shape,
    *,
    corpus: Mapping[str, Any],
    log: Sequence[Mapping[str, Any]],
    agreement: Agreement,
    validation: Mapping[str, Any],
    test: Mapping[str, Any],
    compute: str,
    memorisation: str = "",
    recipe: str = "",
    history: str = "",
) -> str:
    """The card as Markdown.

    `corpus` is `report.json` of the corpus, `log` the entries of a run's `log.jsonl`,
    `validation` and `test` are reports of `evaluate.evaluate_bundle`, `memorisation` is the
    sentence of `memorisation.Memorisation.to_card`, `recipe` the path of the recipe, `history` a
    paragraph on what the weights were before this run.
    """
    # Longer than other functions, so that the card can be read here as a whole.
    packages = corpus["packages"]
    chars: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    for package in packages:
        licences[package["licence"].split(" License")[0]] += 1
        if package["split"] == "train":
            chars.update(package["chars"])
    held = {
        split: ", ".join(p["package"] for p in packages if p["split"] == split)
        for split in ("validation", "test")
    }
    tokens = max((entry["tokens"] for entry in log if "tokens" in entry), default=0)
    losses = [entry["validation"] for entry in log if "validation" in entry]
    thresholds = validation["thresholds"]
    inline = test["typing"]["curve"][str(thresholds["inline"])]
    edits = test["edits"]["curve"][str(thresholds["next_edit"])]
    kinds = ", ".join(f"{kind} {count / 1e6:.1f} M" for kind, count in chars.most_common())
    known = "names as a kernel reports them" if test["typing"].get("facts") else "no kernel facts"
    recited = f"\n## Memorisation\n{memorisation}\n" if memorisation else ""
    before = f"\n## Before this run\n{history.strip()}\n" if history.strip() else ""
    common = ", ".join(f"{name} ({count})" for name, count in licences.most_common(8))
    return f"""\
# {identity.id} {identity.version}

A next-edit model for Python notebooks: text at the caret, and edits near it. It runs on the
user's CPU within `nextedit-jupyter`; prompt format `{identity.prompt_format}`.

| what | |
|---|---|
| parameters | {shape.parameters:,} (vocabulary {shape.vocab_size:,}, width {shape.width}, \
{shape.layers} layers, {shape.heads}/{shape.kv_heads} heads of {shape.head_dim}, tied head) |
| weights | row-wise INT8, embeddings too; context {shape.context} positions |
| licence | {identity.licence} |
| compute | {compute} |
| tokens seen | {tokens / 1e6:.1f} M |
| held-out loss | {losses[-1] if losses else float("nan"):.3f} nats per token |
| INT8 against float32 | {agreement.same:.2%} of argmaxes agree over {agreement.tokens:,} tokens \
of {agreement.prompts} held-out prompts; {agreement.same_chunked:.2%} when a prompt is cut; \
{agreement.exact_int8} of {agreement.tasks} right answers are written, {agreement.exact_float32} \
in float32 |

## In short
On the test packages ({held["test"]}), which neither training nor any choice has seen, at the
thresholds chosen on validation (inline {thresholds["inline"]}, next edit \
{thresholds["next_edit"]}): {inline["saved"]:.1%} of the characters saved, \
{inline["accepted"]:.0%} of the {inline["shown"]} shown texts accepted, first token wrong in \
{inline["first_wrong"]:.1%} ({inline["first_wrong_low"]:.1%} to {inline["first_wrong_high"]:.1%}). \
Of the made-up half-done edits {edits["exact_of_wanted"]:.1%} are finished exactly, \
{edits["exact_of_offered"]:.0%} of the {edits["offered"]} offered ones are exact, and \
{edits["silent_of_none"]:.1%} of the cases with nothing to do stay silent.

## Data
{len(packages)} packages, each under a permissive licence by its own metadata: {common} and others.
Characters for training after filters and removal of {corpus["near_duplicates"]} near-duplicates:
{kinds}; library modules were sampled, notebooks were read about once. Cells that hold
secrets, data or very long lines were dropped. Validation: {held["validation"]}; test:
{held["test"]}, whole packages. The list with versions, licences and reasons is the recipe
`{recipe or f"models/recipes/{identity.id}.toml"}`.
{before}
## Test packages
Cells typed key by key through the product with its gates, indentation given, {known}.

{format_report(test)}

## Validation packages
The thresholds were chosen here.

{format_report(validation)}
{recited}
## Limits
{LIMITS}"""


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a run's `log.jsonl`."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
