"""Clients of an echo server that know nothing of greenhub: one thread each.

    python3 echo_clients.py HOST PORT THREADS

All connect before the first speaks. Each sends ten messages of growing length and checks
every byte that comes back, then closes its side and expects the end.
"""

import socket
import sys
import threading

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
everyone = threading.Barrier(count)
good = []


def receive(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise EOFError("the server closed too early")
        data += more
    return data


def talk(number):
    with socket.create_connection((host, port), timeout=20) as connection:
        everyone.wait(timeout=20)
        for round in range(10):
            message = b"%d says %d. " % (number, round) * (1 + round * 20)
            connection.sendall(message)
            if receive(connection, len(message)) != message:
                raise ValueError("thread %d heard something else" % number)
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1):
            raise ValueError("thread %d heard more than it said" % number)
    good.append(number)


threads = [threading.Thread(target=talk, args=(number,), daemon=True) for number in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(timeout=25)
print("%d of %d threads got their answers" % (len(good), count))
