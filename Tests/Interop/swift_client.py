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


def to_swift(cluster):
    """The C++ client sends: the Swift client gets what it subscribes to, once and whole."""
    cluster.make_topic("ToSwift", queues=4)
    sender = producer(cluster)
    expected = {}

    def send(numbers):
        for number in numbers:
            tag = "ABC"[number % 3]
            # This client compresses long bodies by itself.
            body = f"{number} {'y' * 100_000}" if number % 10 == 0 else f"{number}"
            result = sender.send_sync(
                message("ToSwift", body, tags=tag, keys=f"k{number} all"))
            assert result.status == 0, result
            expected[body] = {
                "tag": tag, "keys": [f"k{number}", "all"], "id": result.msg_id,
                "offset": result.offset, "reconsume": 0}

    send(range(60))
    assert not is_in_log(cluster, "y" * 1000), "it was not compressed"
    consumer = swift_consumer(cluster, "G-to-swift", "ToSwift", "--tags", "A || C")
    every = swift_consumer(cluster, "G-to-swift-all", "ToSwift", "--count", "90", "--timeout", "60")

    def wanted():
        return {body for body, sent in expected.items() if sent["tag"] != "B"}

    wait_until("the wanted ones are received", lambda: wanted() <= set(consumer.bodies()))
    send(range(60, 90))
    wait_until("later ones are received", lambda: wanted() <= set(consumer.bodies()))
    assert every.end(60) == 0, "it did not come to its end by itself"
    time.sleep(1)
    for reader, bodies in [(consumer, wanted()), (every, set(expected))]:
        counts = collections.Counter(reader.bodies())
        assert set(counts) == bodies and set(counts.values()) == {1}, counts
        for got in reader.received:
            sent = expected[got["body"]]
            assert {field: got[field] for field in sent} == sent, (got, sent)
    assert consumer.stop() == 0
    again = swift_consumer(cluster, "G-to-swift", "ToSwift", "--tags", "A || C")
    time.sleep(3)
    assert not again.received, "what it had done comes again"
    assert again.stop() == 0
    in_order(cluster, sender)
    sender.shutdown()


def in_order(cluster, sender):
    """What is sent to a queue in order is consumed in order, also what is sent meanwhile."""
    consumer = None
    for number in range(200):
        sender.send_orderly(message("ToSwiftInOrder", f"{number}"), number % 4)
        if number == 50:
            consumer = swift_consumer(
                cluster, "G-in-order", "ToSwiftInOrder", "--ordered", "--count", "200",
                "--timeout", "60")
    assert consumer.end(90) == 0, consumer.received
    assert sorted(consumer.bodies(), key=int) == [f"{number}" for number in range(200)]
    for queue in consumer.queues():
        offsets = [m["offset"] for m in consumer.received if m["queue"] == queue]
        assert offsets == list(range(len(offsets))), offsets


SCENARIOS = [from_swift, to_swift]
