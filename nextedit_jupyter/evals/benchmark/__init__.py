"""nextedit-bench: notebook editing as tasks that any tool on this machine can be asked.

`tasks` makes them from notebooks and their versions, `peers` are the tools, each run in a process
of its own by `isolated`, `run` asks and measures, `table` shows.
"""
