"""The steps of `jupyter nextedit train`: one module each, with `add_parser` and `run`."""
