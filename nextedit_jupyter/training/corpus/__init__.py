"""The corpus: named packages in, notebook-like documents out, with a report of the contents."""
