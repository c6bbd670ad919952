"""NameServer and broker as processes of their own, on free ports, in a scratch directory."""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program that says on standard output when it is ready."""

    def __init__(self, command, home, name):
        self.command, self.home, self.name = command, home, name
        self.running = None

    def start(self):
        log = open(self.home / f"{self.name}.log", "ab")
        self.running = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "HOME": str(self.home)})
        for line in self.running.stdout:
            if b"boot success" in line:
                return
        raise AssertionError(f"{self.name} does not start, see {log.name}")

    def stop(self, how=signal.SIGTERM):
        self.running.send_signal(how)
        code = self.running.wait(timeout=60)
        assert how == signal.SIGKILL or code == 0, f"{self.name} ended with {code}"


def ask(port, code, fields=None, body=b""):
    """Asks a server as an administrator's tool does."""
    header = json.dumps({
        "code": code, "language": "PYTHON", "version": 479, "opaque": 1, "flag": 0,
        "extFields": fields or {}}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            more = wire.recv(1 << 16)
            assert more, f"the server closed on code {code}"
            data += more
    length = struct.unpack(">I", data[4:8])[0] & 0xFFFFFF
    return json.loads(data[8:8 + length]), data[8 + length:]


class Broker(Process):
    """A broker, with a store and settings of its own."""

    def __init__(self, programs, home, names, name, settings):
        self.port, self.names = free_port(), names
        conf = home / f"{name}.conf"
        conf.write_text(
            f"brokerName={name}\nbrokerIP1=127.0.0.1\nlistenPort={self.port}\n"
            f"storePathRootDir={home}/{name}-store\nmappedFileSizeCommitLog=67108864\n"
            f"maxHashSlotNum=10000\nmaxIndexNum=40000\n{settings}")
        super().__init__([programs / "mqbroker", "-c", conf, "-n", names], home, name)

    def ask(self, code, fields=None, body=b""):
        return ask(self.port, code, fields, body)

    def make_topic(self, name, queues=4):
        answer, _ = self.ask(17, {
            "topic": name, "defaultTopic": "TBW102", "readQueueNums": queues,
            "writeQueueNums": queues, "perm": 6, "topicFilterType": "SINGLE_TAG", "order": "false"})
        assert answer["code"] == 0, answer

    def end(self, topic, queue):
        """The offset of the next message of a queue."""
        answer, _ = self.ask(30, {"topic": topic, "queueId": queue})
        assert answer["code"] == 0, answer
        return int(answer["extFields"]["offset"])


class Cluster:
    """One NameServer, and as many brokers as wanted: broker-a, broker-b, …"""

    def __init__(self, programs, home, settings="", brokers=1):
        self.home = pathlib.Path(home)
        self.name_port = free_port()
        self.names = f"127.0.0.1:{self.name_port}"
        (self.home / "namesrv.conf").write_text(f"listenPort={self.name_port}\n")
        self.programs = programs = pathlib.Path(programs)
        self.name_server = Process(
            [programs / "mqnamesrv", "-c", self.home / "namesrv.conf"], self.home, "namesrv")
        self.brokers = [
            Broker(programs, self.home, self.names, f"broker-{letter}", settings)
            for letter in "abcdef"[:brokers]]
        self.broker = self.brokers[0]

    def __enter__(self):
        for process in [self.name_server, *self.brokers]:
            process.start()
        return self

    def __exit__(self, kind, value, trace):
        for process in [*self.brokers, self.name_server]:
            if process.running and process.running.poll() is None:
                process.stop(signal.SIGTERM if kind is None else signal.SIGKILL)

    def ask(self, code, fields=None, body=b""):
        return self.broker.ask(code, fields, body)

    def make_topic(self, name, queues=4):
        self.broker.make_topic(name, queues)

    def routed_brokers(self, topic):
        """The names of the brokers that the NameServer sends clients of a topic to."""
        answer, body = ask(self.name_port, 105, {"topic": topic, "acceptStandardJsonOnly": "true"})
        if answer["code"] != 0:
            return []
        return sorted(queues["brokerName"] for queues in json.loads(body)["queueDatas"])


def wait_until(what, holds, seconds=40):
    """Waits for something that happens soon."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in {seconds} s it did not come to pass that {what}"
        time.sleep(0.05)
