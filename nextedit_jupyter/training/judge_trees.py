"""scikit-learn's boosted trees as the JSON that `suggest.judge.forest` reads."""

from __future__ import annotations

from typing import Any


def as_json(model: Any) -> dict[str, Any]:
    """`bias` and `trees` of a fitted binary `HistGradientBoostingClassifier`.

    For each split: its feature, the threshold up to which a row goes left, and the leaves on its
    left, `first` to `last`, numbered from left to right.
    """
    trees = [_tree(predictor.nodes) for (predictor,) in model._predictors]
    return {"bias": round(float(model._baseline_prediction.ravel()[0]), 6), "trees": trees}


def _tree(nodes: Any) -> dict[str, list[Any]]:
    tree: dict[str, list[Any]] = {
        name: [] for name in ("feature", "border", "first", "last", "leaves")
    }

    def read(index: int) -> None:
        node = nodes[index]
        if node["is_leaf"]:
            tree["leaves"].append(round(float(node["value"]), 5))
            return
        at = len(tree["feature"])
        first = len(tree["leaves"])
        tree["feature"].append(int(node["feature_idx"]))
        tree["border"].append(float(f"{float(node['num_threshold']):.6g}"))
        tree["first"].append(first)
        tree["last"].append(first)
        read(int(node["left"]))
        tree["last"][at] = len(tree["leaves"])
        read(int(node["right"]))

    read(0)
    return tree
