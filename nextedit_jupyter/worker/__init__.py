"""The worker, one process per user that runs all suggestion logic, and the client that connects to
it.

Server, terminal and kernel import `worker.client` (standard library only); `worker.worker` runs in
the process. They meet in a folder that only the user can enter (`worker.runtime`) and exchange
frames (`worker.frames`).
"""
