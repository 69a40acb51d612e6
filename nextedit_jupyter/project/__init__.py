"""The folder around a notebook: modules that it imports, and pieces of its neighbours.

Files are read, never run, and only below a root that the Jupyter server names. The results are
added to a request as names and texts; lanes and prompts know nothing about files.
"""
