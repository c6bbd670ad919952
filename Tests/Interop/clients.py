"""The clients that the scenarios are made of: the C++ one, and the Swift one as interop-peer."""
import json
import os
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).parent


class Told:
    """A process that writes a line of JSON for each message, and ends when its input does."""

    def __init__(self, cluster, name, command):
        self.received = []
        log = open(cluster.home / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env={**os.environ, "HOME": str(cluster.home)})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith(b"{"):
                self.received.append(json.loads(line))

    def bodies(self):
        return [message["body"] for message in self.received]

    def queues(self):
        return {message["queue"] for message in self.received}

    def end(self, seconds=30):
        """Waits until it ends by itself; its exit code."""
        code = self.process.wait(timeout=seconds)
        self.reader.join()
        return code

    def stop(self):
        self.process.stdin.close()
        return self.end()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Consumer(Told):
    """A consumer.py, and what it has received."""

    def __init__(self, cluster, group, topic, expression="*", *options):
        super().__init__(cluster, "consumers", [
            sys.executable, HERE / "consumer.py", cluster.names, group, topic, expression,
            *options])


class Peer(Told):
    """An interop-peer: the Swift client, and what it says."""

    def __init__(self, cluster, command, topic, *options):
        super().__init__(cluster, f"peer-{command}", [
            cluster.programs / "interop-peer", command, "--namesrv", cluster.names,
            "--topic", topic, *options])


def swift_consumer(cluster, group, topic, *options):
    return Peer(cluster, "consume", topic, "--group", group, *options)


def swift_sends(cluster, topic, count, *options):
    """What was acknowledged, when the Swift client has sent so many."""
    peer = Peer(cluster, "send", topic, "--count", str(count), *options)
    code = peer.end(60)
    assert code == 0 and len(peer.received) == count, (code, peer.received)
    return peer.received


def producer(cluster, group="producers", key=None):
    from rocketmq.client import Producer
    made = Producer(group, timeout=5000)
    made.set_namesrv_addr(cluster.names)
    if key:
        made.set_session_credentials(*key, "channel")
    made.start()
    return made


def message(topic, body, tags=None, delay=None, keys=None):
    from rocketmq.client import Message
    made = Message(topic)
    made.set_body(body)
    if tags:
        made.set_tags(tags)
    if keys:
        made.set_keys(keys)
    if delay:
        made.set_delay_time_level(delay)
    return made
