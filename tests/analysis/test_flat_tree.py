"""Flat syntax trees: places in code points, whatever the cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.analysis.flat_tree import SyntaxTree, TreeCache


def test_nodes_have_their_text_their_role_and_their_relatives() -> None:
    tree = SyntaxTree('é = f(x, key="🎉")\n')
    (argument,) = tree.of_kind("keyword_argument")
    name, value = argument.child("name"), argument.child("value")
    assert name is not None
    assert value is not None
    assert (argument.text, name.text, value.text) == ('key="🎉"', "key", '"🎉"')
    assert name.field == "name"
    assert name.parent == argument
    assert [node.kind for node in name.ancestors][-1] == "module"
    assert [child.text for child in argument.children] == ["key", "=", '"🎉"']
    assert argument.child("nothing") is None


def test_covering_finds_the_nodes_around_a_stretch_and_beside_a_place() -> None:
    tree = SyntaxTree("f(ab)")
    assert [node.kind for node in tree.covering(2, 4)][-1] == "identifier"
    beside = {node.text for node in tree.covering(4, 4)}
    assert {"ab", ")", "(ab)"} <= beside


def test_deep_and_broken_sources_are_read() -> None:
    assert SyntaxTree("x+" * 5_000 + "x").error_count == 0
    assert SyntaxTree("(" * 5_000).error_count > 0
    assert SyntaxTree("").error_count == 0
    assert SyntaxTree("    x = 1\n    y = x").error_count == 0  # IPython runs it


def test_the_cache_is_bounded_by_bytes_and_masks_magics() -> None:
    cache = TreeCache(max_bytes=3_000)
    first = cache.tree("%time f(x)")
    assert [node.text for node in first.of_kind("call")] == ["f(x)"]
    assert cache.tree("%time f(x)") is first
    for i in range(20):
        cache.tree(f"value_{i} = 1")
    assert cache.tree("%time f(x)") is not first


@given(st.text(max_size=60))
def test_every_node_lies_within_its_parent(text: str) -> None:
    tree = TreeCache().tree(text)
    for index in range(len(tree.kinds)):
        assert 0 <= tree.starts[index] <= tree.ends[index] <= len(text)
        parent = tree.parents[index]
        if parent >= 0:
            assert tree.starts[parent] <= tree.starts[index]
            assert tree.ends[index] <= tree.ends[parent]
            assert parent < index < tree.lasts[parent]
