#!/usr/bin/env python3
"""kill -9 of mqbroker under load while delayed messages, retries and transactions wait.

A broker whose eighteen levels take one to six seconds is sent messages of all levels, messages that
a consumer sends back, and plain ones, and is killed again and again, at times for as long as what
waits needs to come due. In the end every message that was acknowledged is where it belongs, none
was stored there before its time, and one that is there twice was delivered by two lives of the
broker: the first was killed before it had kept how far it had come. Transactions are ended at once
or when the broker asks; what was rolled back is never there. No life ends before something of each
kind was acknowledged in it. A broker that is stopped in order and started delivers none again. With
--control the state or the settings are spoilt between two lives; each must be noticed, and as what
it is.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import sys
import threading
import time

import crashlab as lab

sys.path.insert(0, os.path.join(lab.TREE, "Tests/Interop"))
from servers import Broker  # noqa: E402

LEVELS = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6]
KINDS = ["delayed", "plain", "sent back", "committed", "rolled back"]
GROUP, TOPICS, PLAIN, PAID, QUEUES = "G", ["Orders", "Bills"], "Plain", "Paid", 2
RETRY = f"%RETRY%{GROUP}"
SETTINGS = ("flushDelayOffsetInterval=700\ntransactionTimeOut=1000\ntransactionCheckMax=1000\n"
            "transactionCheckInterval=1000\nmessageDelayLevel="
            + " ".join(f"{seconds}s" for seconds in LEVELS) + "\n")


def now():
    return time.time_ns() // 1_000_000


class Gone(Exception):
    """The broker closed the connection."""


class Wire:
    """A connection on which one request is answered before the next is sent."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.opaque = 0
        # What the broker asked meanwhile: header and body.
        self.questions = []

    def ask(self, code, fields, body=b""):
        self.opaque += 1
        header = json.dumps({
            "code": code, "language": "PYTHON", "version": 479, "opaque": self.opaque, "flag": 0,
            "extFields": {name: str(value) for name, value in fields.items()}}).encode()
        try:
            self.socket.sendall(struct.pack(">II", 4 + len(header) + len(body), len(header))
                                + header + body)
            while True:
                size, = struct.unpack(">I", self.take(4))
                frame = self.take(size)
                length = struct.unpack(">I", frame[:4])[0] & 0xFFFFFF
                found = json.loads(frame[4:4 + length]), frame[4 + length:]
                if found[0]["flag"] & 1:
                    return found
                self.questions.append(found)
        except (OSError, socket.timeout) as error:
            raise Gone from error

    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise Gone
            data += more
        return data


class Sent:
    """A message that is to arrive: where, and not before when (milliseconds since 1970); or that is
    not to arrive, when it is rolled back."""

    def __init__(self, kind, place, due):
        self.kind, self.place, self.due = kind, place, due
        self.isWanted, self.isAcknowledged = kind != "rolled back", False


class Load:
    """Sends from several connections until it is stopped. Bodies are numbers, each used once."""

    def __init__(self, broker, seed):
        self.broker, self.seed, self.sent = broker, seed, {}
        self.lock, self.ends, self.number = threading.Lock(), threading.Event(), 0
        # What each life of the broker acknowledged, and what a thread ended by.
        self.life, self.kinds, self.failure = 1, collections.Counter(), None
        self.threads = [
            threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(4)]
        for thread in self.threads:
            thread.start()

    def end_threads(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def stop(self):
        self.end_threads()
        self.raise_failure()

    def raise_failure(self):
        if self.failure:
            raise self.failure

    def wait_for_each_kind(self):
        """A life in which nothing of a kind was acknowledged shows nothing of that kind."""
        deadline = time.monotonic() + 30
        while missing := [kind for kind in KINDS if not self.kinds[self.life, kind]]:
            self.raise_failure()
            if time.monotonic() > deadline:
                raise lab.Unable(f"life {self.life} acknowledged nothing that is {missing}")
            time.sleep(0.01)

    def acknowledged(self):
        return sum(sent.isAcknowledged for sent in list(self.sent.values()))

    def run(self, thread):
        numbers = random.Random(f"{self.seed}/{thread}")
        try:
            while not self.ends.is_set():
                try:
                    self.talk(thread, numbers)
                except (Gone, OSError):
                    time.sleep(0.05)
        except Exception as error:
            self.failure = error

    def talk(self, thread, numbers):
        """Sends over one connection, as long as the broker lives."""
        # Before it connects: what is acknowledged may count for the life before, never for one after.
        life = self.life
        wire = Wire(self.broker.port)
        wire.life = life
        self.register(wire, thread)
        while not self.ends.is_set():
            self.send(wire, numbers)
            self.answer(wire)
            time.sleep(0.001)

    def note(self, kind, place, delay):
        with self.lock:
            self.number += 1
            made = self.sent[self.number] = Sent(kind, place, now() + delay)
            return self.number, made

    def acknowledge(self, wire, sent):
        sent.isAcknowledged = True
        with self.lock:
            self.kinds[wire.life, sent.kind] += 1

    def register(self, wire, name):
        """Becomes a producer that can be asked how its transactions ended."""
        wire.ask(34, {}, json.dumps({
            "clientID": f"client-{name}", "producerDataSet": [{"groupName": "P"}],
            "consumerDataSet": []}).encode())

    def answer(self, wire):
        """Says of each transaction that the broker asked about what was decided when it began."""
        while wire.questions:
            header, body = wire.questions.pop(0)
            fields = header["extFields"]
            length, = struct.unpack_from(">I", body, 84)
            self.end(wire, self.sent[int(body[88:88 + length])].isWanted,
                     fields["tranStateTableOffset"], fields["commitLogOffset"])

    def end(self, wire, isWanted, offset, place):
        wire.ask(37, {
            "producerGroup": "P", "tranStateTableOffset": offset, "commitLogOffset": place,
            "commitOrRollback": 8 if isWanted else 12, "fromTransactionCheck": "false"})

    def send_half(self, wire, numbers):
        place = PAID, numbers.randrange(QUEUES)
        kind = "committed" if numbers.random() < 0.6 else "rolled back"
        number, sent = self.note(kind, place, 0)
        answer = self.put(wire, number, sent, "TRAN_MSG\1true\2PGROUP\1P\2", flag=4)
        if answer and numbers.random() < 0.6:
            fields = answer["extFields"]
            self.end(wire, sent.isWanted, fields["queueOffset"], int(fields["msgId"][16:], 16))

    def send(self, wire, numbers):
        kind = numbers.random()
        if kind > 0.8:
            return self.send_half(wire, numbers)
        if kind < 0.25:
            return self.send_plain(wire, numbers, is_sent_back=kind < 0.15)
        level = numbers.randint(1, len(LEVELS))
        place = numbers.choice(TOPICS), numbers.randrange(QUEUES)
        number, sent = self.note("delayed", place, LEVELS[level - 1] * 1000)
        self.put(wire, number, sent, f"DELAY\1{level}\2TAGS\1T{level}\2")

    def put(self, wire, number, sent, properties, flag=0):
        """Sends a message. The answer, when it is stored."""
        topic, queue = sent.place
        answer, _ = wire.ask(310, {
            "a": "P", "b": topic, "c": "TBW102", "d": QUEUES, "e": queue, "f": flag, "g": now(),
            "h": 0, "i": properties, "j": 0, "k": "false", "m": "false"}, str(number).encode())
        if answer["code"] != 0:
            return None
        self.acknowledge(wire, sent)
        return answer

    def send_plain(self, wire, numbers, is_sent_back):
        number, sent = self.note("plain", (PLAIN, numbers.randrange(QUEUES)), 0)
        answer = self.put(wire, number, sent, "")
        if answer is None or not is_sent_back:
            return
        place = int(answer["extFields"]["msgId"][16:], 16)
        # It comes again by way of its group's retry topic, and keeps its body: a minus tells the two.
        level = numbers.randint(1, len(LEVELS))
        again = self.sent[-number] = Sent(
            "sent back", (RETRY, 0), now() + LEVELS[level - 1] * 1000)
        answer, _ = wire.ask(36, {
            "offset": place, "group": GROUP, "delayLevel": level, "originTopic": PLAIN,
            "maxReconsumeTimes": 16})
        if answer["code"] == 0:
            self.acknowledge(wire, again)


def delivered(broker):
    """All messages: number → where each copy is, and when it was stored there."""
    found, wire = collections.defaultdict(list), Wire(broker.port)
    places = [(topic, queue) for topic in [*TOPICS, PLAIN, PAID] for queue in range(QUEUES)]
    for topic, queue in [*places, (RETRY, 0)]:
        offset = 0
        while True:
            answer, body = wire.ask(11, {
                "consumerGroup": GROUP, "topic": topic, "queueId": queue, "queueOffset": offset,
                "maxMsgNums": 32, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0,
                "subscription": "*", "subVersion": 0})
            if answer["code"] == 20:
                offset = int(answer["extFields"]["nextBeginOffset"])
                continue
            if answer["code"] != 0:
                break
            while body:
                size, = struct.unpack_from(">I", body)
                length, = struct.unpack_from(">I", body, 84)
                times, = struct.unpack_from(">I", body, 72)
                number = int(body[88:88 + length])
                stored, = struct.unpack_from(">Q", body, 56)
                found[-number if times else number].append(((topic, queue), stored))
                offset = struct.unpack_from(">Q", body, 20)[0] + 1
                body = body[size:]
    return found


class Run:
    """One store, from its first message to the check."""

    def __init__(self, options, place, seed):
        self.numbers, self.lives, self.load = random.Random(seed), [], None
        self.broker = Broker(pathlib.Path(options.programs), place, "127.0.0.1:1", "broker-a",
                             SETTINGS)
        self.directory = place / "broker-a-store"
        self.start()
        for topic in [*TOPICS, PLAIN, PAID]:
            self.broker.make_topic(topic, QUEUES)
        self.load = Load(self.broker, seed)

    def start(self):
        self.lives.append(now())
        if self.load:
            self.load.life = len(self.lives)
        self.broker.start()

    def kill(self):
        self.broker.stop(signal.SIGKILL)

    def close(self):
        """Whatever came of it: raises nothing that is not raised already."""
        if self.load:
            self.load.end_threads()
        self.kill()

    def settle(self):
        """Ends the load, and waits until everything has come due."""
        self.load.stop()
        latest = max(sent.due for sent in self.load.sent.values())
        time.sleep(max(0, latest - now()) / 1000)
        # Whoever is asked how a transaction ended says so, until nobody is asked any more.
        wire, quiet = Wire(self.broker.port), 0
        while quiet < 20:
            self.load.register(wire, "last")
            quiet = 0 if wire.questions else quiet + 1
            self.load.answer(wire)
            time.sleep(0.2)
        # A level that is behind goes on delivering: as many as there are, or nothing more comes.
        count = -1
        while count != (count := sum(map(len, delivered(self.broker).values()))):
            time.sleep(1)

    def life(self, moment):
        return sum(start <= moment for start in self.lives)

    def check(self):
        """The promises. Answers how many messages there were, and how many came twice."""
        found, twice = delivered(self.broker), 0
        for number, sent in self.load.sent.items():
            copies = found.pop(number, [])
            if copies and not sent.isWanted:
                raise lab.Broken(f"UNWANTED: {number} was rolled back, and is in {copies}")
            if sent.isAcknowledged and sent.isWanted and not copies:
                raise lab.Broken(f"LOST: {number}, acknowledged, is not in {sent.place}")
            for place, stored in copies:
                if place != sent.place:
                    raise lab.Broken(f"ASTRAY: {number} is in {place}, not in {sent.place}")
                if stored < sent.due:
                    raise lab.Broken(f"EARLY: {number} came {sent.due - stored} ms too early")
            lives = [self.life(stored) for _, stored in copies]
            if len(set(lives)) < len(lives) or len(lives) > 1 and sent.place[0] == PLAIN:
                raise lab.Broken(f"TWICE: {number} is there twice, {copies}")
            twice += len(lives) > 1
        if found:
            raise lab.Broken(f"STRANGE: {len(found)} messages were never sent, {list(found)[:5]}")
        return len(self.load.sent), twice


def restart_in_order(run, meanwhile=lambda: None):
    """Nothing is delivered again by a broker that was stopped, not killed."""
    before = delivered(run.broker)
    run.broker.stop()
    meanwhile()
    run.start()
    time.sleep(1.5)
    if delivered(run.broker) != before:
        raise lab.Broken("AGAIN: a broker that was stopped in order delivered messages again")


def crash(options):
    with lab.workspace(options.place) as place:
        home = pathlib.Path(place)
        run = Run(options, home, options.seed)
        began = time.monotonic()
        try:
            for cycle in range(options.cycles):
                time.sleep(run.numbers.uniform(0.2, 3))
                run.load.wait_for_each_kind()
                run.kill()
                # For long enough at times that much comes due at once.
                time.sleep(run.numbers.choice([0, 0, run.numbers.uniform(0, 4)]))
                run.start()
                print(f"kill {cycle + 1}: {run.load.acknowledged()} acknowledged", flush=True)
            run.load.wait_for_each_kind()
            run.settle()
            count, twice = run.check()
            restart_in_order(run)
        except lab.Broken:
            kept = f"{home.parent}/delayed-{options.seed}"
            shutil.copytree(home, kept, dirs_exist_ok=True)
            print(f"what it left is in {kept}", file=sys.stderr)
            raise
        finally:
            run.close()
        seconds = time.monotonic() - began
    lab.record(options, "L3", "kill -9 of mqbroker with delayed messages and transactions open",
               str(options.seed), options.cycles, 0, seconds)
    print(f"{options.cycles} kills: {count} messages, {run.load.acknowledged()} acknowledged, "
          f"none lost, none early, {twice} came twice")
    return 0


# --- negative controls ------------------------------------------------------------------------


def move_on(run):
    """All levels count as delivered a hundred messages further than they are."""
    run.kill()
    path = run.directory / "config/delayOffset.json"
    path.write_text(re.sub(r"(\d+):(\d+)", lambda m: f"{m[1]}:{int(m[2]) + 100}", path.read_text()))


def shorten(run):
    """The next life takes a second for every level."""
    run.kill()
    conf = run.broker.home / "broker-a.conf"
    conf.write_text(conf.read_text() + "messageDelayLevel=" + "1s " * 18 + "\n")


def deny(run):
    """The producer commits what it had meant to roll back."""
    turned = [sent for sent in list(run.load.sent.values()) if not sent.isWanted]
    for sent in turned:
        sent.isWanted = True
    time.sleep(3)
    for sent in turned:
        sent.isWanted = False
    run.kill()


def forget(run):
    """How far the levels had come is gone, though the broker was stopped in order."""
    for path in (run.directory / "config").glob("delayOffset.json*"):
        path.unlink()


# What each is noticed as.
CONTROLS = {move_on: "LOST", shorten: "EARLY", deny: "UNWANTED", forget: "AGAIN"}


def control(options):
    unnoticed = 0
    for spoil, word in CONTROLS.items():
        with lab.workspace(options.place) as place:
            run = Run(options, pathlib.Path(place), options.seed)
            try:
                time.sleep(3)
                run.load.wait_for_each_kind()
                if spoil is forget:
                    run.settle()
                    restart_in_order(run, lambda: forget(run))
                else:
                    spoil(run)
                    run.start()
                    time.sleep(1)
                    run.settle()
                    run.check()
                print(f"control {spoil.__name__}: NOT NOTICED", file=sys.stderr)
                unnoticed += 1
            except lab.Broken as broken:
                if not str(broken).startswith(word):
                    raise lab.Broken(f"control {spoil.__name__} is not {word}, but {broken}")
                print(f"control {spoil.__name__}: noticed, {broken}", flush=True)
            finally:
                run.close()
    return 1 if unnoticed else 0


def body():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="the directory of mqbroker")
    parser.add_argument("--cycles", type=int, default=12, help="kills (default 12)")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")))
    parser.add_argument("--control", action="store_true",
                        help="spoil what the broker keeps: it must be noticed")
    parser.add_argument("--record", metavar="FILE", help="append a line to the ledger of results")
    parser.add_argument("--place", help="where the store goes")
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 40)
    options.commit = lab.commit() if options.record else ""
    print(f"SEED={options.seed}", flush=True)
    return control(options) if options.control else crash(options)


lab.main(body)
