"""The symbols lane: renames and signature changes that the analysis can prove, without a model."""

from __future__ import annotations

from collections.abc import Callable

from nextedit_jupyter.analysis.columns import (
    NO_COLUMN,
    NO_COLUMN_HERE,
    detect_column,
    plan_column,
)
from nextedit_jupyter.analysis.imported_otherwise import NO_IMPORT, detect_imported_otherwise
from nextedit_jupyter.analysis.limits import Plan, within_limits
from nextedit_jupyter.analysis.rename import NO_NAME, RenamePlan, detect, plan_rename
from nextedit_jupyter.analysis.renamed_columns import NO_RENAMED_COLUMN, detect_renamed_columns
from nextedit_jupyter.analysis.signature import NO_SIGNATURE, detect_signature
from nextedit_jupyter.core import Silence, Suggestion, SuggestRequest
from nextedit_jupyter.suggest.lane import suggestion_id


class SymbolsLane:
    """Offers the changes that a changed name or signature requires; stateless."""

    def suggest(
        self, request: SuggestRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> list[Suggestion] | Silence:
        """One suggestion of kind "rename", or the reason why there is none. Never raises."""
        if "rename" not in request.want:
            return Silence("no_change", "no rename was asked for")
        try:
            found = self._find(request)
        except (RecursionError, MemoryError):
            return Silence("refused", "a cell is nested too deeply to be read")
        if not isinstance(found, Silence):
            found = within_limits(found)
        if isinstance(found, Silence) or cancelled():
            return found if isinstance(found, Silence) else Silence("throttled", "cancelled")
        return [_suggestion(found)]

    def _find(self, request: SuggestRequest) -> Plan | Silence:
        if request.rename_to is not None:
            return self._command(request, request.rename_to)
        renamed = detect(request)
        if isinstance(renamed, RenamePlan) or renamed.reason in ("stale", "reverts_user"):
            return renamed
        changed = detect_signature(request)
        if not isinstance(changed, Silence) or changed.detail != NO_SIGNATURE:
            return changed
        imported = detect_imported_otherwise(request)
        if not isinstance(imported, Silence) or imported.detail != NO_IMPORT:
            return imported
        column = detect_column(request)
        if not isinstance(column, Silence):
            return column
        below = detect_renamed_columns(request)
        if not isinstance(below, Silence) or below.detail != NO_RENAMED_COLUMN:
            return below
        return column if column.detail != NO_COLUMN else renamed

    def _command(self, request: SuggestRequest, new: str) -> RenamePlan | Silence:
        where = request.notebook, request.facts, request.caret.cell, request.caret.offset
        renamed = plan_rename(*where, new)
        if isinstance(renamed, RenamePlan):
            return renamed
        column = plan_column(*where, new)
        if isinstance(column, RenamePlan):
            return column
        is_column = renamed.detail == NO_NAME and column.detail != NO_COLUMN_HERE
        return column if is_column else renamed


def _suggestion(found: Plan) -> Suggestion:
    edits = found.edits()
    return Suggestion(
        id=suggestion_id("rename", "symbols", edits),
        kind="rename",
        lane="symbols",
        label=found.label,
        confidence=found.confidence,
        edits=edits,
        optional=found.optional_edits() if isinstance(found, RenamePlan) else (),
        notes=found.notes,
        left_alone=found.left_alone,
        is_guess=isinstance(found, RenamePlan) and found.is_guess,
    )
