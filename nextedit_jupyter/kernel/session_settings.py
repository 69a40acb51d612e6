"""What `%nextedit config` shows and changes, for one session."""

from __future__ import annotations

from traitlets import Bool, Float, HasTraits, Int, TraitError

_LIMIT = 1_000_000
_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class SessionSettings(HasTraits):
    """`c.NextEdit.<name>` in IPython's configuration sets a session's initial values."""

    timeout = Float(5.0, help="seconds that a magic waits for the worker")
    ghost_ms = Float(250.0, help="milliseconds that ghost text waits before history is shown")
    facts_ms = Float(25.0, help="maximum milliseconds spent on facts")
    max_names = Int(200, help="maximum number of names sent to the worker")
    notebook_ms = Float(500.0, help="milliseconds to wait for the browser's notebook")
    mains_ms = Float(50.0, help="minimum milliseconds between ghost texts on mains")
    battery_ms = Float(300.0, help="milliseconds between ghost texts on battery")
    low_battery_ms = Float(1_000.0, help="milliseconds between ghost texts below 20 % of battery")
    off_on_low_battery = Bool(False, help="no ghost text of the model below 20 % of battery")
    store_history = Bool(False, help="keep executed edits on disk, maximum 14 days or 20 MB")

    @classmethod
    def names(cls) -> list[str]:
        """The settings in the order in which they are shown."""
        return [name for name in vars(cls) if name in cls.class_traits()]

    def set(self, key: str, text: str) -> None:
        """Raises ValueError, which says what to do, for an unknown key or a value out of range."""
        if key not in self.names():
            raise ValueError(f"there is no setting {key!r}; choose from {', '.join(self.names())}")
        if isinstance(getattr(self, key), bool):
            if text.lower() not in _SWITCH:
                raise ValueError(f"{key} must be on or off, not {text!r}")
            setattr(self, key, _SWITCH[text.lower()])
            return
        try:
            value = type(getattr(self, key))(text)
        except ValueError:
            raise ValueError(f"{key} must be a number, not {text!r}") from None
        if not 0 < value <= _LIMIT:
            raise ValueError(f"{key} must be above 0 and at most {_LIMIT}, not {text}")
        try:
            setattr(self, key, value)
        except TraitError as error:
            raise ValueError(str(error)) from None

    def text(self, key: str) -> str:
        """The value in the form that `set` accepts."""
        value = getattr(self, key)
        return ("on" if value else "off") if isinstance(value, bool) else f"{value:g}"

    def meaning(self, key: str) -> str:
        """A short description of the setting."""
        return str(self.class_traits()[key].help)
