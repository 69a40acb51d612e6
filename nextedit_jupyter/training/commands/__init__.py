"""The steps of `jupyter nextedit train`: a module each, with `add_parser` and `run`."""
