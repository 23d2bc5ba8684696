"""Opens a connection of each kind over the loopback interface and asks the kernel which it tracks."""

import pathlib
import socket
import struct

NETLINK_NETFILTER = 12
CT_GET = 0x0101
REQUEST_DUMP = 0x301

pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_acct").write_text("1")
kept = []
for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
    server = socket.create_server((address, 8080), family=family)
    client = socket.create_connection((address, 8080))
    answer, _ = server.accept()
    client.send(b"ask")
    answer.send(b"answer")
    question = socket.socket(family, socket.SOCK_DGRAM)
    question.sendto(b"ask", (address, 53))
    kept += [server, client, answer, question]

netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
netlink.bind((0, 0))
netlink.sendto(struct.pack("=IHHIIBBH", 20, CT_GET, REQUEST_DUMP, 1, 0, 0, 0, 0), (0, 0))
done = False
while not done:
    bytes_, _ = netlink.recvfrom(65536)
    while bytes_:
        length, kind = struct.unpack("=IH", bytes_[:6])
        done |= kind == 3
        bytes_ = bytes_[(length + 3) & ~3 :]
