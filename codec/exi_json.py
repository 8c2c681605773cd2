"""Slot lists <-> JSON objects with the names of the schema, for people and traces (never on the
message path).

The convention: local names of elements, attributes as plain keys, maxOccurs above 1 always a list,
hexBinary in upper case, base64Binary as text, simple content under `value`, enumerations by name,
RationalNumber as {Exponent, Value}. Wildcard elements and text runs of xmldsig stand under `any`: a
string, or {"ns", "name", "attributes", "content"}.
"""

from binascii import a2b_base64, b2a_base64, hexlify, unhexlify

from codec import rational
from codec.slots import OP
from codec.tables import names
from codec.tables.grammar import LISTS, MESSAGES, STATES, TYPES


class JsonError(ValueError):
    """The object does not fit the schema; str() names the path."""


def name_of(msg):
    """Element name of a message id."""
    return names.MESSAGES[msg]


def id_of(name):
    """Message id of an element name; JsonError if there is none."""
    for i in range(1, len(names.MESSAGES)):
        if names.MESSAGES[i] == name:
            return i
    raise JsonError("%s: no such message" % name)


def enum_name(enumeration, index):
    """Word of an enumeration value, as in enum_name("responseCode", 0)."""
    for row in names.ENUMS:
        words = row.split()
        if words[0] == enumeration:
            return words[1 + index]
    raise JsonError("%s: no such enumeration" % enumeration)


def type_name(type_id):
    return names.TYPES[type_id].split()[0]


def slot_names(type_id):
    return names.TYPES[type_id].split()[1:]


def path_of(msg, path):
    """Names of a path of slot numbers, as an encoder's ExiError carries it."""
    out = [name_of(msg)]
    type_id = MESSAGES[msg]
    for slot in path:
        out.append(slot_names(type_id)[slot])
        found = _slots(type_id).get(slot)
        if found is None or found[0] != OP.COMPLEX:
            break
        type_id = found[1]
    return "/".join(out)


_cache = {}


def _slots(type_id):
    """{slot: (op, argument, is list)} of a type, read off its states."""
    if type_id not in _cache:
        out = {}
        todo = [TYPES[type_id][0]]
        seen = set()
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            for i in range(STATES[state]):
                at = state + 1 + 6 * i
                op = STATES[at]
                if op == OP.END:
                    continue
                argument = STATES[at + 2] | STATES[at + 3] << 8
                is_list = op >= OP.LIST
                if is_list:
                    argument, _, full = LISTS[argument]
                    if full:
                        todo.append(full)
                out[STATES[at + 1]] = (op - OP.LIST if is_list else op, argument, is_list)
                todo.append(STATES[at + 4] | STATES[at + 5] << 8)
        _cache[type_id] = out
    return _cache[type_id]


def to_json_obj(msg, value, new=dict):
    """{element name: object} of a decoded message. new: OrderedDict keeps the order of the schema
    on MicroPython."""
    return {name_of(msg): _object(MESSAGES[msg], value, new)}


def _object(type_id, value, new):
    out = new()
    slots = _slots(type_id)
    for i, name in enumerate(slot_names(type_id)):
        v = value[i]
        if v is None:
            continue
        op, argument, is_list = slots[i]
        if op == OP.TEXT or op == OP.WILD:
            out[name] = [_wild(item, new) for item in v]
        elif is_list:
            out[name] = [_one(op, argument, item, new) for item in v]
        else:
            out[name] = _one(op, argument, v, new)
    return out


def _one(op, argument, v, new):
    if op == OP.RATIONAL:
        return {"Exponent": rational.exponent(v), "Value": rational.value(v)}
    if op == OP.COMPLEX:
        return _object(argument, v, new)
    words = names.KINDS[argument]
    if words == "hex":
        return str(hexlify(v), "ascii").upper()
    if words == "b64":
        return str(b2a_base64(v), "ascii").strip()
    return words.split(" ")[v] if words else v


def _wild(item, new):
    if isinstance(item, str):
        return item
    space, name, attributes, content = item
    out = new((("ns", space), ("name", name)))
    if attributes:
        out["attributes"] = [{"ns": a[0], "name": a[1], "value": a[2]} for a in attributes]
    if isinstance(content, tuple):  # an element of the schema: its message id and value
        kind = MESSAGES[content[0]]
        out["content"] = _one(OP.LEAF, -2 - kind, content[1], new) if kind < 0 else _object(kind, content[1], new)
        out["schema"] = True
    else:
        out["content"] = [_wild(c, new) for c in content]
    return out


def from_json_obj(obj):
    """(message id, value) of {element name: object}; JsonError names what does not fit."""
    if not isinstance(obj, dict) or len(obj) != 1:
        raise JsonError("one object with one key, the name of the message, is wanted")
    for name in obj:
        msg = id_of(name)
        if MESSAGES[msg] < 0:
            raise JsonError("%s: not a message" % name)
        return msg, _value(MESSAGES[msg], obj[name], name)


def _value(type_id, obj, path):
    if not isinstance(obj, dict):
        raise JsonError("%s: an object is wanted" % path)
    slot_list = slot_names(type_id)
    slots = _slots(type_id)
    out = [None] * len(slot_list)
    for name in obj:
        if name not in slot_list:
            raise JsonError(
                "%s/%s: no such element; %s has %s" % (path, name, type_name(type_id), ", ".join(slot_list))
            )
        i = slot_list.index(name)
        here = path + "/" + name
        op, argument, is_list = slots[i]
        if op == OP.TEXT or op == OP.WILD or is_list:
            if not isinstance(obj[name], list):
                raise JsonError("%s: a list is wanted" % here)
            if op == OP.TEXT or op == OP.WILD:
                out[i] = [_from_wild(item, here) for item in obj[name]]
            else:
                out[i] = [_from_one(op, argument, item, here) for item in obj[name]]
        else:
            out[i] = _from_one(op, argument, obj[name], here)
    return out


def _from_one(op, argument, v, path):
    if op == OP.RATIONAL:
        try:
            return rational.pack(v["Value"], v["Exponent"])
        except (KeyError, TypeError, ValueError):
            raise JsonError('%s: {"Exponent": -128..127, "Value": -32768..32767} is wanted' % path) from None
    if op == OP.COMPLEX:
        return _value(argument, v, path)
    words = names.KINDS[argument]
    if words == "hex" or words == "b64":
        try:
            return unhexlify(v) if words == "hex" else a2b_base64(v)
        except (TypeError, ValueError):
            raise JsonError("%s: %s text is wanted" % (path, "hex" if words == "hex" else "base64")) from None
    if words:
        values = words.split(" ")
        if v not in values:
            raise JsonError("%s: one of %s is wanted" % (path, ", ".join(values)))
        return values.index(v)
    return v


def _from_wild(item, path):
    if isinstance(item, str):
        return item
    try:
        space, name, content = item["ns"], item["name"], item.get("content", [])
        attributes = [(a["ns"], a["name"], a["value"]) for a in item.get("attributes", [])]
    except (KeyError, TypeError, AttributeError):
        raise JsonError('%s: a text or {"ns", "name", "attributes", "content"} is wanted' % path) from None
    if item.get("schema"):
        msg = id_of(name)
        kind, path = MESSAGES[msg], path + "/" + name
        value = _from_one(OP.LEAF, -2 - kind, content, path) if kind < 0 else _value(kind, content, path)
        return space, name, attributes, (msg, value)
    return space, name, attributes, [_from_wild(c, path + "/" + name) for c in content]
