#!/usr/bin/env python3
"""The unmodified C++ client (the wheel `rocketmq` 0.4.4) against mqnamesrv and mqbroker, and beside
the Swift client.

    cpp_client.py PROGRAMS [--only NAME] [--outage SECONDS]

PROGRAMS is the directory of the two, and of interop-peer. For SECONDS swift_outage has no
NameServer. Each scenario runs in a process, and with servers, of its own.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

import aftermath
from clients import Consumer, message, producer
from servers import Cluster, wait_until
import swift_client


def sends(cluster):
    """Every way to send, onto a topic that nobody made; a push consumer gets each message once."""
    sender = producer(cluster)
    expected = []

    def body(kind, number):
        expected.append(f"{kind}-{number}")
        return expected[-1]

    for number in range(20):
        result = sender.send_sync(message("Sends", body("sync", number), keys=f"k{number}"))
        assert result.status == 0 and result.msg_id, result
        sender.send_oneway(message("Sends", body("oneway", number)))
        sender.send_orderly(message("Sends", body("orderly", number)), number % 3)
    answered = []
    for number in range(20):
        sender.send_async(message("Sends", body("async", number)), answered.append, answered.append)
    wait_until("asynchronous sends are answered", lambda: len(answered) == 20)
    assert not failures(answered), failures(answered)
    large = body("large", "x" * 100_000)
    sender.send_sync(message("Sends", large))
    start = time.monotonic()
    sender.send_sync(message("Sends", body("delayed", 0), delay=1))
    sender.send_batch([message("Sends", "one"), message("Sends", "two")])
    consumer = Consumer(cluster, "G-sends", "Sends")
    wait_until("all are received", lambda: set(expected) <= set(consumer.bodies()))
    assert time.monotonic() - start >= 1, "the delayed message came too early"
    time.sleep(1)
    counts = collections.Counter(consumer.bodies())
    assert all(counts[text] == 1 for text in expected), counts
    assert len(consumer.received) == len(expected) + 1, "a batch of this client is one message"
    consumer.stop()
    sender.shutdown()


def tags(cluster):
    """A subscription by tags gets those and no others."""
    sender = producer(cluster)
    for number in range(40):
        sender.send_sync(message("Tags", f"{number}", tags="ABC"[number % 3]))
    consumer = Consumer(cluster, "G-tags", "Tags", "A || C")
    wanted = {f"{number}" for number in range(40) if number % 3 != 1}
    wait_until("the wanted ones are received", lambda: wanted <= set(consumer.bodies()))
    for number in range(40, 60):
        sender.send_sync(message("Tags", f"{number}", tags="ABC"[number % 3]))
    wanted |= {f"{number}" for number in range(40, 60) if number % 3 != 1}
    wait_until("later ones are received", lambda: wanted <= set(consumer.bodies()))
    assert set(consumer.bodies()) == wanted
    consumer.stop()
    sender.shutdown()


def pull(cluster):
    """A pull consumer reads all queues of a topic."""
    from rocketmq.client import PullConsumer
    sender = producer(cluster)
    for number in range(50):
        sender.send_sync(message("Pulls", f"{number}"))
    consumer = PullConsumer("G-pull")
    consumer.set_namesrv_addr(cluster.names)
    consumer.start()
    read = [str(found) for found in consumer.pull("Pulls")]
    assert sorted(read, key=int) == [f"{number}" for number in range(50)], read
    consumer.shutdown()
    sender.shutdown()


def shares(cluster):
    """Two consumers of a group share the queues; when one is killed the other takes them over."""
    cluster.make_topic("Shares", queues=4)
    sender = producer(cluster)
    first = Consumer(cluster, "G-shares", "Shares")
    second = Consumer(cluster, "G-shares", "Shares")
    sent = 0

    def send(count=8):
        nonlocal sent
        for _ in range(count):
            sender.send_sync(message("Shares", f"{sent}"))
            sent += 1

    def is_shared():
        first.received.clear()
        second.received.clear()
        send()
        time.sleep(0.5)
        one, other = first.queues(), second.queues()
        return len(one) == 2 and len(other) == 2 and not one & other

    wait_until("each has two queues", is_shared, 90)
    second.kill()
    first.received.clear()
    begin = sent
    send(40)
    wanted = {f"{number}" for number in range(begin, sent)}
    wait_until("the other takes over", lambda: wanted <= set(first.bodies()), 60)
    first.stop()
    sender.shutdown()


def broadcast(cluster):
    """With broadcasting each consumer gets every message."""
    cluster.make_topic("Casts")
    both = [Consumer(cluster, "G-casts", "Casts", "*", "broadcast") for _ in range(2)]
    sender = producer(cluster)
    number = 0

    def is_heard():
        nonlocal number
        sender.send_sync(message("Casts", f"probe-{number}"))
        number += 1
        time.sleep(0.2)
        return all(consumer.received for consumer in both)

    wait_until("both consume", is_heard)
    for number in range(30):
        sender.send_sync(message("Casts", f"{number}"))
    wanted = {f"{number}" for number in range(30)}
    for consumer in both:
        wait_until("each gets all", lambda: wanted <= set(consumer.bodies()))
        consumer.stop()
    sender.shutdown()


def orderly(cluster):
    """What is sent to a queue in order is consumed in order."""
    sender = producer(cluster)
    consumer = None
    for number in range(200):
        sender.send_orderly(message("Orders", f"{number}"), number % 4)
        if number == 50:
            consumer = Consumer(cluster, "G-orders", "Orders", "*", "orderly")
    wait_until("all are consumed", lambda: len(set(consumer.bodies())) == 200, 90)
    for queue in consumer.queues():
        offsets = [m["offset"] for m in consumer.received if m["queue"] == queue]
        assert offsets == sorted(offsets), offsets
    consumer.stop()
    sender.shutdown()


def retry(cluster):
    """What could not be consumed comes again after its delay, and goes to the dead letters."""
    body = json.dumps({
        "groupName": "G-retry", "consumeEnable": True, "consumeFromMinEnable": True,
        "consumeBroadcastEnable": True, "retryQueueNums": 1, "retryMaxTimes": 1, "brokerId": 0,
        "whichBrokerWhenConsumeSlowly": 1, "notifyConsumerIdsChangedEnable": True}).encode()
    answer, _ = cluster.ask(200, body=body)
    assert answer["code"] == 0, answer
    sender = producer(cluster)
    sender.send_sync(message("Retries", "hopeless"))
    consumer = Consumer(cluster, "G-retry", "Retries", "*", "later=99")
    wait_until("it is consumed a second time",
               lambda: [m["times"] for m in consumer.received][-1:] == [1], 60)
    assert all(m["body"] == "hopeless" for m in consumer.received)

    def dead():
        answer, _ = cluster.ask(30, {"topic": "%DLQ%G-retry", "queueId": 0})
        return answer["code"] == 0 and answer["extFields"]["offset"] == "1"

    wait_until("it is among the dead letters", dead)
    consumer.stop()
    sender.shutdown()


def failures(answered):
    """What came of asynchronous sends other than success, and how often."""
    return collections.Counter(
        repr(result) for result in answered if getattr(result, "status", None) != 0)


class Stream:
    """Numbers that are sent one after the other, until it is stopped."""

    def __init__(self, sender, topic):
        self.sender, self.topic = sender, topic
        self.acknowledged, self.ends = [], threading.Event()
        # A scenario that fails does not stop it, and must end.
        self.thread = threading.Thread(target=self.send, daemon=True)
        self.thread.start()

    def send(self):
        number = 0
        while not self.ends.is_set():
            try:
                if self.sender.send_sync(message(self.topic, f"{number}")).status == 0:
                    self.acknowledged.append(f"{number}")
            except Exception:
                time.sleep(0.1)
            number += 1
            time.sleep(0.002)

    def goes_on(self, count=100):
        before = len(self.acknowledged)
        wait_until("sends succeed", lambda: len(self.acknowledged) > before + count, 60)

    def stop(self):
        self.ends.set()
        self.thread.join()


def restart(cluster):
    """Broker and NameServer end and come back in mid-stream: nothing acknowledged is lost."""
    cluster.make_topic("Streams", queues=4)
    sender = producer(cluster)
    consumer = Consumer(cluster, "G-streams", "Streams")
    stream = Stream(sender, "Streams")
    stream.goes_on()
    for how in [signal.SIGTERM, signal.SIGKILL]:
        cluster.broker.stop(how)
        time.sleep(0.5)
        cluster.broker.start()
        stream.goes_on()
    cluster.name_server.stop(signal.SIGKILL)
    stream.goes_on()
    cluster.name_server.start()
    stream.goes_on()
    stream.stop()
    wait_until("all that was acknowledged is received",
               lambda: set(stream.acknowledged) <= set(consumer.bodies()), 90)
    print(f"  {len(stream.acknowledged)} acknowledged, {len(consumer.received)} received")
    consumer.stop()
    sender.shutdown()


def brokers(cluster):
    """A topic of two brokers: one dies and comes back, the NameServer too, and nothing is lost."""
    first, second = cluster.brokers
    for broker in cluster.brokers:
        broker.make_topic("Halves", queues=2)
    wait_until("both are in the route",
               lambda: cluster.routed_brokers("Halves") == ["broker-a", "broker-b"])
    sender = producer(cluster)
    consumer = Consumer(cluster, "G-halves", "Halves")
    stream = Stream(sender, "Halves")
    stream.goes_on()
    for broker in cluster.brokers:
        for queue in range(2):
            assert broker.end("Halves", queue) > 0, "the client does not send to all queues"
    answered = []
    for number in range(200):
        sender.send_async(
            message("Halves", f"async-{number}"), answered.append, answered.append)
    wait_until("asynchronous sends are answered", lambda: len(answered) == 200)
    assert not failures(answered), failures(answered)
    asynchronous = {f"async-{number}" for number in range(200)}
    wait_until("they are received from both", lambda: asynchronous <= set(consumer.bodies()))

    second.stop(signal.SIGKILL)
    wait_until("the dead broker is out of the route",
               lambda: cluster.routed_brokers("Halves") == ["broker-a"])
    stream.goes_on()
    before = set(stream.acknowledged)
    stream.goes_on()
    since = set(stream.acknowledged) - before
    wait_until("what the other has taken since is received",
               lambda: since <= set(consumer.bodies()), 90)

    cluster.name_server.stop(signal.SIGKILL)
    stream.goes_on()
    second.start()
    cluster.name_server.start()
    wait_until("both register with the new NameServer",
               lambda: cluster.routed_brokers("Halves") == ["broker-a", "broker-b"], 90)
    ends = [second.end("Halves", queue) for queue in range(2)]
    wait_until("the client sends to both again",
               lambda: all(second.end("Halves", q) > ends[q] for q in range(2)), 90)
    stream.stop()
    wait_until("all that was acknowledged is received",
               lambda: set(stream.acknowledged) <= set(consumer.bodies()), 90)
    print(f"  {len(stream.acknowledged)} acknowledged, {len(consumer.received)} received, "
          f"{len(set(consumer.bodies()))} different")
    consumer.stop()
    sender.shutdown()


ACCOUNTS = """\
accounts:
  - accessKey: producers
    secretKey: secret-of-producers
    topicPerms:
      - Accounts=PUB
  - accessKey: consumers
    secretKey: secret-of-consumers
    topicPerms:
      - Accounts=SUB
    groupPerms:
      - G-accounts=SUB
"""


def accounts(cluster):
    """With access control, the client is served what its account may do, and nothing else."""
    from rocketmq.exceptions import ProducerSendSyncFailed
    expected = {f"{number}" for number in range(30)}
    sender = producer(cluster, "P-right", ("producers", "secret-of-producers"))
    for body in sorted(expected):
        result = sender.send_sync(message("Accounts", body))
        assert result.status == 0, result
    for group, key in [("P-none", None), ("P-wrong", ("producers", "secret-of-nobody")),
                       ("P-reader", ("consumers", "secret-of-consumers"))]:
        refused = producer(cluster, group, key)
        try:
            result = refused.send_sync(message("Accounts", "refused"))
            raise AssertionError(f"{group} was served: {result}")
        except ProducerSendSyncFailed:
            pass
        refused.shutdown()
    reader = "key=consumers:secret-of-consumers"
    others = [
        Consumer(cluster, "G-accounts-none", "Accounts"),
        Consumer(cluster, "G-accounts-other", "Accounts", "*", reader),
        Consumer(cluster, "G-accounts", "Accounts", "*", "key=consumers:secret-of-nobody")]
    # Each comes again by way of the group's retry topic. Of several that came in one pull this client
    # shows its callback those up to the first that it is to ask for again.
    consumer = Consumer(cluster, "G-accounts", "Accounts", "*", reader, "later=1")
    wait_until("all come again",
               lambda: {m["body"] for m in consumer.received if m["times"] == 1} == expected, 120)
    counts = collections.Counter((m["body"], m["times"]) for m in consumer.received)
    assert set(counts.values()) == {1} and any(times == 0 for _, times in counts), counts
    assert not any(other.received for other in others), [o.received for o in others]
    for one in [consumer, *others]:
        one.stop()
    sender.shutdown()


SCENARIOS = [sends, tags, pull, orderly, broadcast, shares, retry, restart, brokers, accounts,
             *swift_client.SCENARIOS]
SETTINGS = {"sends": "flushDiskType=SYNC_FLUSH\n",
            "accounts": "aclEnable=true\nrocketmqHome={home}\n"}
FILES = {"accounts": ("conf/plain_acl.yml", ACCOUNTS)}
BROKERS = {"brokers": 2}


def run(command, environment, seconds=400):
    """Whether it ended well in time. Its servers and consumers end with it."""
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        print(f"  not over after {seconds} s", flush=True)
        aftermath.tell(environment["HOME"], process.pid)
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("--only")
    parser.add_argument("--outage", type=float, default=5)
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inner:
        scenario = next(s for s in SCENARIOS if s.__name__ == arguments.only)
        name, home = arguments.only, pathlib.Path(os.environ["HOME"])
        if name in FILES:
            path, text = FILES[name]
            (home / path).parent.mkdir()
            (home / path).write_text(text)
        with Cluster(arguments.programs, home, SETTINGS.get(name, "").format(home=home),
                     BROKERS.get(name, 1)) as cluster:
            cluster.outage = arguments.outage
            try:
                scenario(cluster)
            except Exception:
                aftermath.tell(home, os.getpgrp())
                raise
        # The client's own threads do not always end.
        sys.stdout.flush()
        os._exit(0)
    failed = []
    for scenario in SCENARIOS:
        name = scenario.__name__
        if arguments.only not in (None, name):
            continue
        home = tempfile.mkdtemp(prefix=f"apus-interop-{name}-")
        start = time.monotonic()
        is_good = run(
            [sys.executable, __file__, arguments.programs, "--only", name, "--inner",
             "--outage", str(arguments.outage)],
            {**os.environ, "HOME": home, "PYTHONDONTWRITEBYTECODE": "1"})
        print(f"{'ok' if is_good else 'FAILED'} {name} {time.monotonic() - start:.1f} s", flush=True)
        if is_good:
            subprocess.run(["rm", "-rf", home], check=True)
        else:
            failed.append(name)
            print(f"  what it left is in {home}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
