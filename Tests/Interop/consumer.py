"""A consumer of the C++ client as a process of its own, so that it can be killed.

    consumer.py NAMESERVERS GROUP TOPIC EXPRESSION [orderly] [broadcast] [later=N] [key=ACCESS:SECRET]

Writes a line of JSON for each message: body, tag, keys, id, queue, offset, and how often it was
consumed before.
With later=N it asks for each message again until it was consumed N times before; with a key it signs.
"""
import json
import sys
import threading

from rocketmq.client import PushConsumer, RecvMessage
from rocketmq.ffi import MessageModel, _CConsumeStatus, dll

names, group, topic, expression, *options = sys.argv[1:]
later = next((int(o[6:]) for o in options if o.startswith("later=")), 0)
model = MessageModel.BROADCASTING if "broadcast" in options else MessageModel.CLUSTERING
lock = threading.Lock()


def note(_, handle):
    message = RecvMessage(handle)
    with lock:
        print(json.dumps({
            "body": message.body.decode(), "tag": message.tags.decode(),
            "keys": message.keys.decode(), "id": message.id, "queue": message.queue_id,
            "offset": message.queue_offset, "times": message.reconsume_times,
        }), flush=True)
    again = message.reconsume_times < later
    return (_CConsumeStatus.RECONSUME_LATER if again else _CConsumeStatus.CONSUME_SUCCESS).value


consumer = PushConsumer(group, orderly="orderly" in options, message_model=model)
consumer.set_namesrv_addr(names)
consumer.set_instance_name(f"consumer-{__import__('os').getpid()}")
dll.Subscribe(consumer._handle, topic.encode(), expression.encode())
for option in options:
    if option.startswith("key="):
        consumer.set_session_credentials(*option[4:].split(":"), "channel")
consumer._register_callback(note)
consumer.start()
sys.stdin.read()
consumer.shutdown()
