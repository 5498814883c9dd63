"""Protobuf messages of which only the fields that matter here are declared.

The parser skips every other field, so that a file is read without the package that defines it: the
definitions of TensorFlow and ONNX come with far more than a check needs.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Fields = tuple[tuple[str, int, str], ...]
"""A message's fields: name, number, and kind, which is a scalar or a message, with "*" for a list
and "{}" for a map of strings to it."""

_SCALARS = ("string", "bytes", "int32", "int64", "float")


def message_class(package: str, messages: Mapping[str, Fields], name: str) -> Any:
    """Return the class of the message `name`, which may hold all of `messages`."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"artistindex/{package}.proto", package=package, syntax="proto3"
    )
    for message, fields in messages.items():
        declared = file.message_type.add(name=message)
        for field, number, kind in fields:
            _declare(package, declared, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))


def _declare(
    package: str, message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str
) -> None:
    if kind.endswith("{}"):
        entry = message.nested_type.add(
            name=f"{name.capitalize()}Entry",
            options=descriptor_pb2.MessageOptions(map_entry=True),
        )
        _declare(package, entry, "key", 1, "string")
        _declare(package, entry, "value", 2, kind.removesuffix("{}"))
        kind = f"{message.name}.{entry.name}*"
    field = message.field.add(name=name, number=number)
    base = kind.rstrip("*")
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    if base in _SCALARS:
        field.type = getattr(field, f"TYPE_{base.upper()}")
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{package}.{base}"
