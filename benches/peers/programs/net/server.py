"""The server of the socket workloads on gevent: echo and ticker."""

import os
import socket
import sys
import time

import gevent
from gevent.os import nb_read
from gevent.server import StreamServer

TICK = 0.001

lags = []


def echo(connection, room):
    buffer = memoryview(bytearray(room))
    try:
        while length := connection.recv_into(buffer):
            connection.sendall(buffer[:length])
    except ConnectionError:
        pass


def tick():
    while True:
        begin = time.monotonic()
        gevent.sleep(TICK)
        lags.append(time.monotonic() - begin - TICK)


def until_input_ends():
    os.set_blocking(0, False)
    while nb_read(0, 256):
        pass
    if lags:
        lags.sort()
        at = lambda per_mille: lags[(len(lags) * per_mille + 999) // 1000 - 1] * 1e6
        print("lags", at(500), at(990), at(1000), flush=True)
    os._exit(0)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: server.py echo|ticker ROOM")
    kind, room = sys.argv[1], int(sys.argv[2])
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    listener.setblocking(False)
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    gevent.spawn(until_input_ends)
    if kind == "ticker":
        gevent.spawn(tick)
    from gevent.socket import socket as cooperative

    cooperative = cooperative(fileno=listener.detach())
    StreamServer(cooperative, lambda connection, _: echo(connection, room)).serve_forever()


main()
