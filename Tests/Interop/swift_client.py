"""The Swift client (interop-peer) on one side and the unmodified C++ client on the other.

Part of cpp_client.py, which runs them.
"""
import collections
import json
import signal
import time

from clients import Consumer, Peer, message, producer, swift_consumer, swift_sends
from servers import wait_until


def is_in_log(cluster, text):
    """Whether the broker's log has these bytes as they are."""
    logs = (cluster.home / "broker-a-store" / "commitlog").iterdir()
    return any(text.encode() in log.read_bytes() for log in logs)


def from_swift(cluster):
    """Swift sends: the C++ client gets every message, and all that belongs to it, once."""
    cluster.make_topic("FromSwift", queues=4)
    consumer = Consumer(cluster, "G-from-swift", "FromSwift")
    chosen = Consumer(cluster, "G-from-swift-tags", "FromSwift", "packed || one-queue")
    expected = {}

    def send(tag, keys, count, *options):
        words = (["--tag", tag] if tag else []) + (["--keys"] if keys else [])
        for number, sent in enumerate(swift_sends(cluster, "FromSwift", count, *words, *options)):
            assert sent["status"] == "stored", sent
            names = f"key-{number} {tag or 'all'}-keys" if keys else ""
            expected[sent["body"]] = {**sent, "tag": tag or "", "keys": names}

    send("plain", True, 50)
    send(None, False, 20)
    send("packed", True, 20, "--compress", "zlib", "--body-size", "20000")
    # Too small to get smaller: they go as they are.
    send("tiny", False, 10, "--compress", "zlib")
    send("large", False, 5, "--body-size", "300000")
    send("one-queue", True, 20, "--shard", "a-customer")
    assert len(expected) == 125
    assert not is_in_log(cluster, f"packed-3 {'x' * 1000}"), "it was not compressed"
    assert is_in_log(cluster, f"large-3 {'x' * 1000}"), "it was compressed"
    sharded = [sent for sent in expected.values() if sent["tag"] == "one-queue"]
    assert len({sent["queue"] for sent in sharded}) == 1, sharded
    assert [m["offset"] for m in sharded] == sorted(m["offset"] for m in sharded), sharded

    some = {body for body, sent in expected.items() if sent["tag"] in ("packed", "one-queue")}
    wait_until("all are received", lambda: set(expected) <= set(consumer.bodies()))
    wait_until("the chosen ones are received", lambda: some <= set(chosen.bodies()))
    time.sleep(1)
    for reader, bodies in [(consumer, set(expected)), (chosen, some)]:
        counts = collections.Counter(reader.bodies())
        assert set(counts) == bodies and set(counts.values()) == {1}, counts
        for got in reader.received:
            sent = expected[got["body"]]
            for field in ["tag", "keys", "id", "queue", "offset"]:
                assert got[field] == sent[field], (field, got, sent)
        reader.stop()


SCENARIOS = [from_swift]
