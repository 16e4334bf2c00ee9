#!/usr/bin/env python3
"""Takes connections that weir hands over, greets each client by its address, and echoes what it sends.

    receiver.py /run/app.sock          weir: handoff unix:/run/app.sock;

docs/handoff.md describes what is spoken.
"""
import ipaddress
import os
import socket
import struct
import sys
import threading

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TEXTS = {0x01: "alpn", 0x02: "sni", 0x05: "unique_id", 0xE0: "protocol"}
MAX_MESSAGE = 16 + 65535 + 65536


def parse(message):
    """What a message says: a dictionary, and the bytes of the client's stream that were read already."""
    if len(message) < 16 or message[:12] != SIGNATURE:
        raise ValueError("no PROXY protocol header")
    family, size = message[13], 16 + struct.unpack(">H", message[14:16])[0]
    told, at = {"client": "unknown", "meta": {}}, 16
    if family in (0x11, 0x21):
        ip = 4 if family == 0x11 else 16
        port = struct.unpack(">H", message[at + 2 * ip:at + 2 * ip + 2])[0]
        told["client"] = "%s:%d" % (ipaddress.ip_address(message[at:at + ip]), port)
        at += 2 * ip + 4
    elif family == 0x31:
        told["client"] = "unix:"
        at += 216
    while at < size:
        kind, length = struct.unpack(">BH", message[at:at + 3])
        value = message[at + 3:at + 3 + length].decode("utf-8", "replace")
        if kind == 0xE1:
            name, _, text = value.partition("=")
            told["meta"][name] = text
        elif kind in TEXTS:
            told[TEXTS[kind]] = value
        at += 3 + length
    return told, message[size:]


def serve(client, told, first):
    with client:
        client.settimeout(None)  # weir's sockets do not block; now that it is ours it may
        client.sendall(b"python %s %s\n" % (told["client"].encode(), told.get("protocol", "-").encode()))
        data = first or client.recv(65536)
        while data:
            client.sendall(data)
            data = client.recv(65536)


def refuse(weir):
    try:
        weir.send(b"R")
    except BrokenPipeError:  # a sender that does not wait for an answer: weir's handoff is raw
        print("nobody waits for the answer: has weir's handoff the word raw?", file=sys.stderr)


def receive(weir):
    """Takes connections from one of weir's workers, which sends the next when the last one was answered."""
    with weir:
        while True:
            message, fds, _, _ = socket.recv_fds(weir, MAX_MESSAGE, 4)
            if not message:
                return
            client = None
            try:
                if len(fds) != 1:
                    raise ValueError("not one descriptor")
                told, first = parse(message)
                client = socket.socket(fileno=fds[0])
                weir.send(b"A")  # accepted: from here on the connection is ours
            except BrokenPipeError:  # weir has given up waiting: it is not ours
                client.close()
                return
            except (ValueError, struct.error):
                for fd in fds:
                    os.close(fd)
                refuse(weir)
            else:
                threading.Thread(target=serve, args=(client, told, first), daemon=True).start()


def main(path):
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        os.chmod(path, 0o660)  # weir's user must be the owner, or of the group
        listener.listen(128)
        while True:
            weir, _ = listener.accept()
            threading.Thread(target=receive, args=(weir,), daemon=True).start()


main(sys.argv[1])
