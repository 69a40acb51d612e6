"""The folder around a notebook: modules that it imports, and pieces of its neighbours.

Files are read, never run, and only below a root that the Jupyter server names. What is found goes
into a request as names and as texts beside it; lanes and prompts know nothing of files.
"""
