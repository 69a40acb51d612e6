"""What the cells of a notebook mean: magics, syntax, names and what binds them, renames.

Nothing is executed and no cell is joined to another: each cell is read by itself, cached by its
text, and linked to the others through the names it shares with them.
"""
