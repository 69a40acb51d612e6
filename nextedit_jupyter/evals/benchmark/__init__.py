"""nextedit-bench: tasks of notebook editing for any tool on this machine.

`tasks` makes them from notebooks and their versions, `peers` are the tools, `isolated` runs each in
its own process, `run` asks and measures, `table` formats.
"""
