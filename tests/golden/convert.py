"""Turns what capture's strace printed into one .hex file for each scenario."""

import pathlib
import re
import sys

CALL = re.compile(r"^(?:\[pid +\d+\] )?(sendmsg|sendto|recvmsg|recvfrom)\(")
# Sixteen bytes in two columns; what follows are the same bytes as text, which may look like more.
BYTES = re.compile(r"^ \| [0-9a-f]{5}  ([0-9a-f ]{48})")
CONTROLLER = 0x10
RTNETLINK = (16, 18, 20, 24, 26)


def datagrams(lines):
    """Yields (direction, bytes) for every netlink datagram."""
    direction, peek, data = None, False, bytearray()
    for line in [*lines, "end"]:
        call = CALL.match(line)
        hexes = BYTES.match(line)
        if hexes and direction:
            data += bytes.fromhex(hexes[1])
            continue
        if line.startswith((" *", " = ")):
            continue
        if data and not peek:
            yield direction, bytes(data)
        direction, data = None, bytearray()
        if call and "AF_NETLINK" in line:
            direction = ">" if call[1].startswith("send") else "<"
            peek = "MSG_PEEK" in line


def kind(data):
    return int.from_bytes(data[4:6], sys.byteorder)


def concerns_us(data):
    """Leaves out the naming of the family, and what keepalived asks of rtnetlink."""
    return CONTROLLER not in sequence_kinds(data) and kind(data) not in RTNETLINK


def sequence_kinds(data):
    """The message's type, and that of the request which an error message repeats."""
    repeated = int.from_bytes(data[24:26], sys.byteorder) if kind(data) == 2 else None
    return {kind(data), repeated}


def main():
    directory = pathlib.Path(sys.argv[1])
    for scenario in sys.stdin.read().split("=== ")[1:]:
        name, command, *lines = scenario.split("\n")
        kept = []
        for direction, data in datagrams(lines):
            if name.startswith("nft") or concerns_us(data):
                kept.append(f"{direction} {data.hex()}")
        body = "\n".join([f"# {command[2:]}", *kept])
        (directory / f"{name}.hex").write_text(body + "\n")
        print(name, len(kept))


main()
