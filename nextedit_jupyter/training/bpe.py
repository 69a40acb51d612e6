"""Trains the tokenizer: byte-level BPE over the corpus.

Indentation and runs of newlines are separate tokens, digits are single tokens, a dot joins the name
that follows it (`.mean`), and no token crosses a line end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nextedit_jupyter.prompt.control import CONTROL_TOKENS

PATTERN = (
    r"\n+"
    r"|^[ \t]+"  # indentation; Oniguruma's ^ is at each line's start
    r"|[ .]?[\p{L}_][\p{L}\p{M}_]*"
    r"| ?\p{N}"
    r"| ?(?:\.(?![\p{L}_])|[^\s\p{L}\p{N}_.])+"
    r"|[^\S\n]+(?=\n|$)"
    r"|[^\S\n]+(?=[^\S\n])"
    r"|[^\S\n]"
    r"|."
)


def train_tokenizer(texts: Iterable[str], path: Path, *, vocab_size: int = 8192) -> None:
    """Train on `texts` and write a `tokenizer.json`; ids from 0 are the control tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))


def balanced(texts: Iterable[tuple[str, str]], *, module_chars: int) -> Iterator[str]:
    """Yield the texts of (kind, text), but at most `module_chars` characters of modules."""
    left = module_chars
    for kind, text in texts:
        if kind != "module":
            yield text
        elif left > 0:
            left -= len(text)
            yield text
