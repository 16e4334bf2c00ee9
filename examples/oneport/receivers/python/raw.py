#!/usr/bin/env python3
"""Takes connections in raw mode: one byte and a descriptor, no answer. Greets each client and echoes what it sends.

    raw.py /run/app.sock          weir: handoff unix:/run/app.sock raw;
"""
import os
import socket
import sys
import threading


def serve(client):
    with client:
        client.settimeout(None)
        client.sendall(b"raw python %s:%d\n" % (client.getpeername()[0].encode(), client.getpeername()[1]))
        while data := client.recv(65536):
            client.sendall(data)


path = sys.argv[1]
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen(128)
while True:
    weir, _ = listener.accept()
    with weir:
        _, fds, _, _ = socket.recv_fds(weir, 1, 1)
    for fd in fds:
        threading.Thread(target=serve, args=(socket.socket(fileno=fd),), daemon=True).start()
