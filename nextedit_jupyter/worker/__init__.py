"""The worker: one process a user that holds all suggestion logic, and the client that reaches it.

`worker.client` (standard library only) is what server, terminal and kernel import; `worker.worker`
is what runs in the process. Both meet in a folder that only the user may enter (`worker.runtime`)
and speak in frames (`worker.frames`).
"""
