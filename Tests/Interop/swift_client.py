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


def members(cluster, group):
    """The ids of a group's consumers, in the order in which all of them see them."""
    answer, body = cluster.ask(38, {"consumerGroup": group})
    return sorted(json.loads(body)["consumerIdList"]) if answer["code"] == 0 else []


def shares(ids, queues):
    """Who should have which queues: a stretch for each, the first ones one more."""
    each, rest = divmod(queues, len(ids))
    start, share = 0, {}
    for place, name in enumerate(ids):
        end = start + each + (place < rest)
        share[name] = set(range(start, end))
        start = end
    return share


class Numbers:
    """Numbers from 0 on that the C++ client sends to a topic."""

    def __init__(self, sender, topic):
        self.sender, self.topic, self.sent = sender, topic, 0

    def send(self, count):
        """Sends so many; their bodies."""
        begin, self.sent = self.sent, self.sent + count
        bodies = [f"{number}" for number in range(begin, self.sent)]
        for body in bodies:
            assert self.sender.send_sync(message(self.topic, body)).status == 0
        return set(bodies)

    def are_shared(self, swift, other, wanted):
        """Whether the next ones come from the queues that each should have."""
        marks = len(swift.received), len(other.received)
        self.send(10)
        time.sleep(0.5)
        got = [{m["queue"] for m in reader.received[mark:]}
               for reader, mark in zip((swift, other), marks)]
        return got == wanted


def one_group(cluster):
    """A Swift and a C++ consumer of one group agree whose the queues are: a message goes to one."""
    sender = producer(cluster)
    for order in ["", "orderly"]:
        share_a_group(cluster, sender, f"Group{order}", order)
    sender.shutdown()


def share_a_group(cluster, sender, name, order):
    queues, group = 5, f"G-{name}"
    cluster.make_topic(name, queues)
    numbers = Numbers(sender, name)

    def swift_joins():
        return swift_consumer(cluster, group, name, *(["--ordered"] if order else []))

    def other_joins():
        return Consumer(cluster, group, name, "*", *([order] if order else []))

    def shared(swift, other):
        """Waits until both have what they should; then nothing may come twice, or to both."""
        wait_until("both are in the group", lambda: len(members(cluster, group)) == 2)
        share = shares(members(cluster, group), queues)
        # The Swift client's ids end with a number of their own.
        wanted = [share[next(i for i in share if ("#" in i) is it)] for it in (True, False)]
        assert all(wanted), wanted
        wait_until(f"they have {wanted}", lambda: numbers.are_shared(swift, other, wanted), 90)
        bodies = numbers.send(400)
        wait_until("all are received",
                   lambda: bodies <= set(swift.bodies()) | set(other.bodies()))
        time.sleep(1)
        counts = collections.Counter(
            b for b in swift.bodies() + other.bodies() if b in bodies)
        assert set(counts.values()) == {1}, counts
        for reader, own in zip((swift, other), wanted):
            mine = [m for m in reader.received if m["body"] in bodies]
            assert {m["queue"] for m in mine} == own, (own, mine)
            if order:
                for queue in own:
                    offsets = [m["offset"] for m in mine if m["queue"] == queue]
                    assert offsets == sorted(offsets), offsets
        return bodies

    swift, other = swift_joins(), other_joins()
    before = shared(swift, other)
    # The Swift client leaves, and comes back.
    done = set(swift.bodies()) & before
    assert swift.stop() == 0
    bodies = numbers.send(50)
    wait_until("the C++ client takes over", lambda: bodies <= set(other.bodies()), 90)
    assert not done & set(other.bodies()), "what the Swift client had done comes again"
    swift = swift_joins()
    before = shared(swift, other)
    # So does the C++ client.
    done = set(other.bodies()) & before
    other.stop()
    bodies = numbers.send(50)
    wait_until("the Swift client takes over", lambda: bodies <= set(swift.bodies()), 90)
    assert not done & set(swift.bodies()), "what the C++ client had done comes again"
    other = other_joins()
    shared(swift, other)
    # And it is killed: the broker notices the connection. In order, its locks last for a minute.
    other.kill()
    bodies = numbers.send(50)
    wait_until("the Swift client takes over again", lambda: bodies <= set(swift.bodies()), 90)
    every = {f"{number}" for number in range(numbers.sent)}
    print(f"  {len(every)} sent, the last Swift consumer got {len(swift.received)}")
    assert swift.stop() == 0


class SwiftStream(Peer):
    """Numbers that the Swift client sends one after the other, until it is stopped."""

    def __init__(self, cluster, topic, *options):
        super().__init__(cluster, "stream", topic, *options)
        self.topic = topic

    def acknowledged(self):
        return [told for told in self.received if "error" not in told]

    def failed(self):
        return [told for told in self.received if "error" in told]

    def goes_on(self, count=100):
        before = len(self.acknowledged())
        wait_until(f"{self.topic}: sends succeed",
                   lambda: len(self.acknowledged()) > before + count, 60)


def swift_outage(cluster):
    """Broker and NameServer are killed in mid-stream, one at a time and together.

    What was acknowledged is in the topic, where it was said to be; what failed for certain is not.
    """
    cluster.make_topic("Outage", queues=4)
    cluster.make_topic("Outages", queues=4)
    streams = {"Outage": SwiftStream(cluster, "Outage"),
               "Outages": SwiftStream(cluster, "Outages", "--pipeline")}
    consumers = {(topic, kind): make(cluster, f"G-{kind}-{topic}", topic)
                 for topic in streams
                 for kind, make in [("swift", swift_consumer), ("other", Consumer)]}

    def all_go_on():
        for stream in streams.values():
            stream.goes_on()

    def consumers_are_known():
        wait_until("the broker knows the Swift consumers",
                   lambda: all(members(cluster, f"G-swift-{topic}") for topic in streams), 5)

    all_go_on()
    for pause in [0, 1, 5]:
        consumers_are_known()
        cluster.broker.stop(signal.SIGKILL)
        time.sleep(pause)
        cluster.broker.start()
        all_go_on()
    # Before their next heartbeat is due: one that joins now would think itself alone.
    consumers_are_known()
    # Without a NameServer all goes on; also when the broker, too, goes and comes back meanwhile.
    cluster.name_server.stop(signal.SIGKILL)
    all_go_on()
    time.sleep(cluster.outage / 2)
    all_go_on()
    cluster.broker.stop(signal.SIGKILL)
    time.sleep(cluster.outage / 2)
    cluster.broker.start()
    all_go_on()
    cluster.name_server.start()
    all_go_on()
    # Both at once, the NameServer first.
    cluster.name_server.stop(signal.SIGKILL)
    cluster.broker.stop(signal.SIGKILL)
    time.sleep(2)
    cluster.name_server.start()
    cluster.broker.start()
    all_go_on()
    for topic, stream in streams.items():
        assert stream.stop() == 0
        check(cluster, topic, stream, {k: c for (t, k), c in consumers.items() if t == topic})


def check(cluster, topic, stream, consumers):
    """Holds what the stream was told against the topic, as both clients read it from its start."""
    acknowledged = {told["body"]: told for told in stream.acknowledged()}
    failed = {told["body"]: told["mayHaveHappened"] for told in stream.failed()}
    assert len(acknowledged) + len(failed) == len(stream.received), "some were told twice"
    possible = set(acknowledged) | {body for body, may in failed.items() if may}
    ends = sum(cluster.broker.end(topic, queue) for queue in range(4))
    whole = swift_consumer(
        cluster, f"G-whole-{topic}", topic, "--count", str(ends), "--timeout", "60")
    assert whole.end(90) == 0, f"{len(whole.received)} of {ends} were read"
    places = collections.defaultdict(set)
    for got in whole.received:
        places[got["body"]].add((got["id"], got["queue"], got["offset"]))
    assert len(whole.received) == sum(len(found) for found in places.values()), "read twice"
    for body, told in acknowledged.items():
        place = told["id"], told["queue"], told["offset"]
        assert place in places[body], (told, places[body])
    for body, found in places.items():
        assert body in possible, (body, failed.get(body), found)
        assert len({name for name, _, _ in found}) == 1, (body, found)
    for kind, consumer in consumers.items():
        wait_until(f"all is received ({kind})",
                   lambda: set(places) <= set(consumer.bodies()), 90)
        assert set(places) == set(consumer.bodies()), "what was never sent is received"
        assert consumer.stop() == 0
    doubtful = sum(failed.values())
    print(f"  {topic}: {len(acknowledged)} acknowledged, {len(failed)} failed "
          f"({doubtful} in doubt), {ends} in the topic; received " + ", ".join(
              f"{len(consumer.received)} ({kind})" for kind, consumer in consumers.items()))


SCENARIOS = [from_swift, to_swift, one_group, swift_outage]
