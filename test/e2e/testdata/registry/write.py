"""write.py BOOTSTRAP REGISTRY TOPIC KIND: writes messages of KIND (avro, protobuf, jsonschema) with Confluent's serializers.

The schema of the values changes in the middle of the topic. Keys are Avro strings.
"""

import datetime
import decimal
import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

bootstrap, registry, topic, kind = sys.argv[1:]
client = SchemaRegistryClient({"url": registry})
producer = Producer({"bootstrap.servers": bootstrap, "log_level": 3})
values = SerializationContext(topic, MessageField.VALUE)
keys = AvroSerializer(client, '"string"')
at = datetime.datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=datetime.timezone.utc)


def send(key, value):
    key = keys(key, SerializationContext(topic, MessageField.KEY))
    producer.produce(topic, key=key, value=value, partition=0)


def avro():
    def schema(fields):
        return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": fields})

    common = [
        {"name": "id", "type": "long"},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer", "type": ["null", {"type": "record", "name": "Customer", "fields": [
            {"name": "name", "type": "string"}, {"name": "since", "type": {"type": "int", "logicalType": "date"}}]}]},
    ]
    old = AvroSerializer(client, schema(common + [{"name": "tags", "type": {"type": "array", "items": "string"}}]))
    new = AvroSerializer(client, schema([
        {"name": "city", "type": ["null", "string"], "default": None}, {"name": "source", "type": "string", "default": "web"}] + common))
    for i in range(1, 4):
        send(f"k{i}", old({"id": i, "amount": decimal.Decimal(i) / 4, "at": at, "tags": ["a", "ü"],
                           "customer": {"name": f"name {i}", "since": datetime.date(2020, 1, i)}}, values))
    for i in range(4, 6):
        send(f"k{i}", new({"id": 2**53 + i, "amount": decimal.Decimal("-0.01"), "at": at, "customer": None, "city": "Zürich", "source": "app"}, values))


def protobuf():
    def order(version):
        f = descriptor_pb2.FileDescriptorProto(name=f"order{version}.proto", package="shop", syntax="proto3",
                                               dependency=["google/protobuf/timestamp.proto"])
        f.enum_type.add(name="State").value.extend([
            descriptor_pb2.EnumValueDescriptorProto(name="NEW", number=0), descriptor_pb2.EnumValueDescriptorProto(name="PAID", number=1)])
        f.message_type.add(name="Unused")
        m = f.message_type.add(name="Order")
        item = m.nested_type.add(name="Item")
        item.field.add(name="sku", number=1, type=9, label=1)
        m.field.add(name="id", number=1, type=3, label=1)
        m.field.add(name="at", number=2, type=11, label=1, type_name=".google.protobuf.Timestamp")
        m.field.add(name="items", number=3, type=11, label=3, type_name=".shop.Order.Item")
        m.field.add(name="state", number=4, type=14, label=1, type_name=".shop.State")
        if version == 2:
            m.field.add(name="city", number=5, type=9, label=1)
        pool = descriptor_pool.DescriptorPool()
        stamp = descriptor_pb2.FileDescriptorProto()
        timestamp_pb2.DESCRIPTOR.CopyToProto(stamp)
        pool.Add(stamp)
        pool.Add(f)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))

    for version, ids in (1, range(1, 4)), (2, range(4, 6)):
        cls = order(version)
        write = ProtobufSerializer(cls, client, {"use.deprecated.format": False})
        for i in ids:
            m = cls(id=2**53 + i, state=i % 2)
            m.at.FromDatetime(at.replace(tzinfo=None))
            m.items.add(sku=f"s{i}")
            m.items.add(sku="x")
            if version == 2:
                m.city = "Zürich"
            send(f"k{i}", write(m, values))


def jsonschema():
    def schema(more):
        return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
                           "properties": {"id": {"type": "integer"}, **more}, "required": ["id"]})

    old = JSONSerializer(schema({}), client)
    new = JSONSerializer(schema({"city": {"type": "string"}}), client)
    for i in range(1, 4):
        send(f"k{i}", old({"id": i, "items": [{"sku": "a"}]}, values))
    for i in range(4, 6):
        send(f"k{i}", new({"id": i, "city": "Zürich"}, values))
    # One that the serializer would refuse: the id of the schema is right, the value is not.
    send("k6", new({"id": 6, "city": "x"}, values)[:5] + b'{"id": "six"}')


{"avro": avro, "protobuf": protobuf, "jsonschema": jsonschema}[kind]()
if producer.flush(30) != 0:
    sys.exit("messages are left")
