"""Training of next-edit models: corpus, tokenizer, examples, SFT, export and their commands.

Nothing here is needed to serve a model; torch is imported only by the modules that need it.
"""
