"""Magics are masked at equal length; IPython's own transformer is the judge of what is Python."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.text import DollarFormatter

from nextedit_jupyter.analysis.filled_in import filled_in
from nextedit_jupyter.analysis.magics import Masked, mask

PYTHON = [
    "x = 1\ny = x % 2\nz = x != 3",
    "x = (1\n% 3)\nprint('%time')",
    '"""\n%time x\n!ls\nname?\n"""',
    "x = 'a?'  # what?\ny = '''\n?help\n'''",
    "def f():\n    return 1 % 2\n",
    "a = b if c else d\nassert a, 'why?'",
    "@decorator\ndef f(): ...",
    "x = [\n  1,  # why?\n]\n",
    "matrix @ other",
    "x %= 3\ny ^= 1",
    "d = {'%': 1, '!': 2}\nd['?']",
    "# %%time\nx = 1",
    "",
    "\n\n  \n",
    "x = a \\\n  % b",
    "ax.set_title('depth = %.0f m' % x)\nprint(f'{loss = !s}')",
    "f(a='= %s' % b, c=d)",
]
MAGIC = [
    "%matplotlib inline\nx = 1",
    "!ls -l\nfiles = !ls\nprint(files)",
    "out = %who_ls\nprint(out)",
    "if x:\n    %cd ..\nelse:\n    !ls",
    "for i in range(3):\n    !echo {i}\n    print(i)",
    "x?\n?x\nx.y??\n??x.y",
    "%time f(x)\n%timeit -n 3 -r 2 f(x)",
    "!ls \\\n  -l\nx = 1",
    "%config InlineBackend.figure_format = 'retina'",
    "def f():\n    %time g()\n    return 1",
    "a, b = %magic x",
    "d['k'] = !ls\nd.x = %pwd\ny: list = !ls",
    "%%time\nx = 1\ny = x",
    "\n%%timeit -n 1\nx = 1",
    "%%capture out\nprint(1)",
    "x = 1\n%load_ext autoreload\n%autoreload 2",
    "!pip install 'a>=1' \"b\"  # don't",
    "%env A='it's'\nx = (1,\n 2)",
    "!echo 'unclosed\nx = 1",
    ">>> x = 1\n>>> y = x",
    "    x = 1\n    y = 2",
    "try:\n    !false\nexcept E:\n    pass",
    "%pip install a\n%conda list",
    "np.*max*?\nx = 1",
]
FOREIGN = [
    "bash",
    "html",
    "javascript",
    "writefile a.py",
    "sql",
    "cython",
    "R -i df",
    "latex",
    "unknown",
]


def lines_of_names(text: str) -> list[tuple[int, str]]:
    return sorted(
        (node.lineno, node.id) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)
    )


def parsed(masked: Masked) -> ast.Module:
    text = masked.text
    first = next((line for line in text.split("\n") if line.strip()), "")
    if first[:1] in (" ", "\t"):
        text = "if 1:\n" + text
    return ast.parse(text)


@pytest.mark.parametrize("source", PYTHON)
def test_plain_python_is_left_as_it_is(source: str) -> None:
    masked = mask(source)
    assert masked.text == source
    assert not masked.regions
    assert masked.is_python


@pytest.mark.parametrize("source", MAGIC)
def test_a_masked_cell_parses_at_equal_length_as_ipython_s_translation_does(source: str) -> None:
    masked = mask(source)
    assert len(masked.text) == len(source)
    assert [i for i, c in enumerate(masked.text) if c == "\n"] == [
        i for i, c in enumerate(source) if c == "\n"
    ]
    tree = parsed(masked)
    translated = ast.parse(TransformerManager().transform_cell(source))
    ours = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    theirs = {
        node.id
        for node in ast.walk(translated)
        if isinstance(node, ast.Name) and node.id not in ("get_ipython",)
    }
    assert theirs <= ours | {source[s.start : s.end] for s in masked.snippets}


@pytest.mark.parametrize("magic", FOREIGN)
def test_the_body_of_another_language_is_blank(magic: str) -> None:
    source = f"%%{magic}\nx = y\n%time z\n"
    masked = mask(source)
    assert not masked.is_python
    assert not masked.text.strip()
    assert len(masked.text) == len(source)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("!ls {a} $b $$c $D", ["a", "b", "D"]),
        ("!ls {a} $b $$c $D '{print}'", ["a", "print"]),
        ("!echo {a.b[0]!r} {{no}} {d['k:']} {x[1:3]}", ["a.b[0]", "d['k:']", "x[1:3]"]),
        ("!echo {a:>10} {b}", []),
        ("!python -c '{a: 1}' {b}", []),
        ("%time !ls {a}", ["a"]),
        ("%timeit -n 1 %cd $a", ["a"]),
        ("pip install {a}", ["a"]),
        ("!awk '{print a}' {b}", []),
        ("!awk '{print $a}' $b", []),
        ("!find {a} -exec rm {} \\;", []),
        ("!echo } $a", []),
        ("!grep '$a' {b} \"$c\"", ["b", "c"]),
        ("%env X={print a}", []),
        ("files = !awk '{ x += a } END { print x }' {b}", []),
        (
            "%%sql out <<\nselect * from t where a > :low and b < {{high}} and c = ':no'",
            ["low", "high"],
        ),
        ("%sql select :a, 'it:b', x::c", ["a"]),
        ("%%octave -i a,b -o c\nd", ["a", "b"]),
        ("%cd {path}/x\n%run $script.py", ["path", "script.py"]),
        ("%%bash -s {a} $b\necho $c {d}", ["a", "b"]),
        ("%%timeit -n 3 setup()\nx", ["setup()"]),
        ("%store df other", ["df", "other"]),
        ("%time for x in y: z(x)", ["for x in y: z(x)"]),
        ("%lprun -f func func(x)", ["func"]),
        ("%%R -i frame\nx", ["frame"]),
    ],
)
def test_what_magics_read_is_listed(source: str, reads: list[str]) -> None:
    assert [source[s.start : s.end] for s in mask(source).snippets] == reads


@pytest.mark.parametrize(
    ("source", "binds"),
    [
        ("%%capture out\nx", ["out"]),
        ("%%capture --no-stderr out\nx", ["out"]),
        ("%%bash --out result --err=errors\nls", ["result", "errors"]),
        ("%%sql rows <<\nselect", ["rows"]),
        ("%%python3 --out rows\nprint(1)", ["rows"]),
        ("%store -r df", ["df"]),
    ],
)
def test_what_magics_bind_is_listed(source: str, binds: list[str]) -> None:
    assert [source[start:end] for start, end in mask(source).binds] == binds


def test_cell_magics_that_run_python_may_be_stacked() -> None:
    masked = mask("%%capture out\n%%time\nx = 1")
    assert masked.is_python
    assert masked.text.strip() == "x = 1"
    assert mask("%%time\n%%bash\nls").language == "bash"


def test_two_percent_signs_below_the_first_line_are_no_cell_magic() -> None:
    assert mask("x = 1\n%%bash\ny = 2").is_python


def filled_in_by_ipython(line: str) -> list[str]:
    try:
        fields = [
            f"{name}:{spec}" if spec else name
            for _, name, spec, conversion in DollarFormatter().parse(line)
            if name is not None and DollarFormatter().convert_field("", conversion) is not None
        ]
        for field in fields:
            compile(field.strip(" \t"), "<field>", "eval")
    except Exception:
        return []
    return fields


@settings(max_examples=1_000)
@given(
    st.lists(
        st.sampled_from([*"{}[]()!:$'\". ,=+a", "b.c", "{{", "}}", "!r}", "{a}", "$b", " '"]),
        max_size=20,
    )
)
def test_what_a_line_names_is_what_ipython_fills_in(parts: list[str]) -> None:
    line = "x " + "".join(parts)
    found = [line[start:end] for start, end in filled_in(line, 0, len(line))]
    assert found == filled_in_by_ipython(line)


@settings(max_examples=300)
@given(
    st.text(alphabet="x=1 \n%!?{}$'\"#\\()[]:time\r\t>", max_size=60)
    | st.lists(st.sampled_from(["%time ", "%%timeit -n 1 ", "%%time\n", "x = 1", "é", "\n"])).map(
        "".join
    )
)
def test_masking_any_text_keeps_its_length_and_line_breaks(source: str) -> None:
    masked = mask(source)
    assert len(masked.text) == len(source)
    assert masked.text.count("\n") == source.count("\n")
    for region in masked.regions:
        assert 0 <= region.start <= region.end <= len(source)
    for snippet in masked.snippets:
        assert 0 <= snippet.start <= snippet.end <= len(source)


def test_magics_that_run_magics_are_read_a_few_deep_and_never_too_deep() -> None:
    source = "%time %timeit !ls {path}"
    assert [source[s.start : s.end] for s in mask(source).snippets] == ["path"]
    masked = mask("%time " * 20_000 + "!ls {path}")
    assert masked.snippets == ()
    assert set(masked.text[1:]) == {" "}
