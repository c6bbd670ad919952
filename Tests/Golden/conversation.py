#!/usr/bin/env python3
"""Turns a capture of RocketMQ's traffic on loopback into the conversation that tests replay.

    conversation.py CAPTURE.pcap | gzip -9n > rocketmq-5.3.3-NAME.ndjson.gz

A line of JSON for each connection that opens or closes, and for each frame, in the order of the
capture. `client` is the port that tells connections apart; a frame is as it was on the wire.
"""
import base64
import json
import struct
import sys

SERVERS = {9876: "nameserver", 10911: "broker"}
SYN, FIN, RST = 2, 1, 4


def segments(capture):
    """Time in seconds, ports, sequence number, flags and payload of each TCP segment."""
    magic, = struct.unpack("<I", capture[:4])
    assert magic in (0xA1B2C3D4, 0xA1B23C4D), "a little-endian pcap file is wanted"
    scale = 1e6 if magic == 0xA1B2C3D4 else 1e9
    link = {1: 14, 113: 16, 276: 20}[struct.unpack("<I", capture[20:24])[0]]
    place = 24
    while place < len(capture):
        seconds, fraction, size, _ = struct.unpack("<IIII", capture[place:place + 16])
        packet = capture[place + 16 + link:place + 16 + size]
        place += 16 + size
        if packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        tcp = packet[(packet[0] & 15) * 4:struct.unpack(">H", packet[2:4])[0]]
        source, target, number = struct.unpack(">HHI", tcp[:8])
        yield seconds + fraction / scale, source, target, number, tcp[13], tcp[(tcp[12] >> 4) * 4:]


def events(capture):
    start, waiting, expected, open_ = None, {}, {}, set()
    for time, source, target, number, flags, data in segments(capture):
        start = start or time
        isFromClient = target in SERVERS
        if not isFromClient and source not in SERVERS:
            continue
        client, server = (source, SERVERS[target]) if isFromClient else (target, SERVERS[source])
        event = {"at": round((time - start) * 1000), "client": client, "server": server}
        way = source, target
        if flags & SYN:
            expected[way] = number + 1
        if data:
            # A segment that comes again brings nothing new.
            seen = max(0, expected.setdefault(way, number) - number)
            assert seen >= 0 and number <= expected[way], "a segment is missing from the capture"
            data = data[seen:]
            expected[way] += len(data)
            waiting[way] = waiting.get(way, b"") + data
            if client not in open_:
                open_.add(client)
                yield {**event, "event": "open"}
        while len(waiting.get(way, b"")) >= 4:
            size = 4 + struct.unpack(">I", waiting[way][:4])[0]
            if len(waiting[way]) < size:
                break
            frame, waiting[way] = waiting[way][:size], waiting[way][size:]
            yield {**event, "event": "asks" if isFromClient else "answers",
                   "frame": base64.b64encode(frame).decode()}
        if flags & (FIN | RST) and client in open_:
            open_.discard(client)
            yield {**event, "event": "close"}


for event in events(open(sys.argv[1], "rb").read()):
    print(json.dumps(event, separators=(",", ":")))
