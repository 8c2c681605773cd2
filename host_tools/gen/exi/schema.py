"""Read XML Schema files into declarations: complex types, simple types, global elements,
substitution groups.

Only what the ISO 15118-20, AppProtocol and xmldsig schemas use is understood; anything else raises.
The files come from the PyPI package `iso15118` and are never committed.
"""

import os
import re
import xml.etree.ElementTree as ElementTree

XSD = "http://www.w3.org/2001/XMLSchema"
_X = "{%s}" % XSD

# Datatypes of the values: (kind, ...). int: low, high (None = open). str, bin: shortest, longest
# (None = open).
PRIMITIVES = {
    "boolean": ("bool",),
    "string": ("str", 0, None),
    "anyURI": ("str", 0, None),
    "ID": ("str", 0, None),
    "hexBinary": ("bin", 0, None, "hex"),
    "base64Binary": ("bin", 0, None, "b64"),
    "unsignedLong": ("int", 0, 2**64 - 1),
    "unsignedInt": ("int", 0, 2**32 - 1),
    "unsignedShort": ("int", 0, 65535),
    "unsignedByte": ("int", 0, 255),
    "byte": ("int", -128, 127),
    "short": ("int", -32768, 32767),
    "int": ("int", -(2**31), 2**31 - 1),
    "integer": ("int", None, None),
}

APP_PROTOCOL = "V2G_CI_AppProtocol.xsd"
_COMMON = ("xmldsig-core-schema.xsd", "iso15118_20/V2G_CI_CommonTypes.xsd")

# Schema sets in the order of the ids of codec/exi.py.
SETS = (
    ("SAP", (APP_PROTOCOL,)),
    ("CommonMessages", (*_COMMON, "iso15118_20/V2G_CI_CommonMessages.xsd")),
    ("AC", (*_COMMON, "iso15118_20/V2G_CI_AC.xsd")),
    ("DC", (*_COMMON, "iso15118_20/V2G_CI_DC.xsd")),
    ("xmldsig", ("xmldsig-core-schema.xsd",)),
)


def files():
    """Every schema file that is needed, once."""
    out = []
    for _, names in SETS:
        out += [name for name in names if name not in out]
    return out


def strip(name):
    """The name of a type without its trailing `Type`."""
    return name[:-4] if name.endswith("Type") else name


class ComplexType:
    """name; attrs [(name, datatype, required)]; parts [particle]; simple (datatype or None); mixed;
    abstract."""


class Schema:
    """The declarations of one schema set."""

    def __init__(self, folder, names):
        self.types = {}  # (namespace, name) -> (node, prefixes)
        self.elements = {}  # (namespace, name) -> (node, prefixes), global ones
        self.substitutes = {}
        self.declared = []  # ((name, namespace), node, prefixes) of every element that has a name
        self.names = {}  # namespace -> set of local names of elements, attributes and types
        self.complex = {}  # type key -> ComplexType
        for name in names:
            self._read(os.path.join(folder, name))

    def _read(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        text = re.sub(r"<\?xml.*?\?>", "", re.sub(r"<!DOCTYPE.*?\]>", "", text, flags=re.S))
        prefixes = dict(re.findall(r'xmlns:(\w+)="([^"]+)"', text))
        default = re.search(r'\sxmlns="([^"]+)"', text)
        prefixes[""] = default.group(1) if default else ""
        root = ElementTree.fromstring(text)
        target = root.get("targetNamespace")
        local = self.names.setdefault(target, set())
        for node in root.iter():
            if node.get("name") and node.tag in (_X + "element", _X + "complexType", _X + "simpleType"):
                local.add(node.get("name"))
            if node.tag == _X + "attribute" and node.get("name"):  # unqualified: no namespace
                self.names.setdefault("", set()).add(node.get("name"))
            if node.tag == _X + "element" and node.get("name"):
                self.declared.append(((node.get("name"), target), node, prefixes))
        for node in root:
            key = (target, node.get("name"))
            if node.tag in (_X + "complexType", _X + "simpleType"):
                self.types[key] = (node, prefixes)
            elif node.tag == _X + "element":
                self.elements[key] = (node, prefixes)
                head = node.get("substitutionGroup")
                if head:
                    self.substitutes.setdefault(_qname(head, prefixes), []).append(key)

    def roots(self):
        """Global elements in EXI order (local name, then namespace)."""
        return sorted(self.elements, key=lambda q: (q[1], q[0]))

    def type_of(self, node, prefixes):
        """("simple", datatype) or ("complex", type key) of an element declaration."""
        name = node.get("type")
        if name is None:
            inner = node.find(_X + "complexType")
            if inner is not None:
                return "complex", self._complex(("", node.get("name")), inner, prefixes)
            return "simple", self._restrict(node.find(_X + "simpleType"), prefixes, None)
        q = _qname(name, prefixes)
        if q[0] == XSD or self.types[q][0].tag == _X + "simpleType":
            return "simple", self._simple(q)
        return "complex", self._complex(q, *self.types[q])

    def compile(self):
        """Resolve every complex type of the set."""
        for q, (node, prefixes) in self.types.items():
            if node.tag == _X + "complexType":
                self._complex(q, node, prefixes)
        return self.complex

    def _simple(self, q):
        if q[0] == XSD:
            return PRIMITIVES[q[1]]
        node, prefixes = self.types[q]
        return self._restrict(node, prefixes, q)

    def _restrict(self, node, prefixes, q):
        restriction = node.find(_X + "restriction")
        values = tuple(v.get("value") for v in restriction.findall(_X + "enumeration"))
        if values:
            # AppProtocol has a responseCodeType of its own.
            return "enum", ("SAP_" if "AppProtocol" in q[0] else "") + strip(q[1]), values
        base = list(self._simple(_qname(restriction.get("base"), prefixes)))
        for facet in restriction:
            value, kind = facet.get("value"), facet.tag[len(_X) :]
            if kind == "length":
                base[1] = base[2] = int(value)
            elif kind in ("minLength", "minInclusive"):
                base[1] = int(value)
            elif kind in ("maxLength", "maxInclusive"):
                base[2] = int(value)
            else:
                raise ValueError("facet %s of %s" % (kind, q))
        return tuple(base)

    def _complex(self, key, node, prefixes):
        if key not in self.complex:
            t = self.complex[key] = ComplexType()
            t.key = key
            t.name = strip(key[1])
            t.abstract = node.get("abstract") == "true"
            t.mixed = node.get("mixed") == "true"
            t.attrs, t.parts, t.simple = self._content(node, prefixes)
        return key

    def _content(self, node, prefixes):
        attrs, parts, simple = [], [], None
        for wrapper in ("complexContent", "simpleContent"):
            inner = node.find(_X + wrapper)
            if inner is None:
                continue
            node = inner.find(_X + "extension")
            base = _qname(node.get("base"), prefixes)
            if wrapper == "complexContent":
                attrs, parts, simple = self._content(*self.types[base])
            else:
                simple = self._simple(base)
        for child in node:
            if child.tag == _X + "attribute":
                datatype = self._simple(_qname(child.get("type"), prefixes))
                attrs.append((child.get("name"), datatype, child.get("use") == "required"))
            elif child.tag in (_X + "sequence", _X + "choice"):
                parts.append(self._particle(child, prefixes))
        return attrs, parts, simple

    def _particle(self, node, prefixes):
        """("sequence" | "choice", min, max, [particle]), ("any", min, max) or ("element", min, max,
        name, type)."""
        low, high = int(node.get("minOccurs", "1")), node.get("maxOccurs", "1")
        high = None if high == "unbounded" else int(high)
        kind = node.tag[len(_X) :]
        if kind in ("sequence", "choice"):
            inner = [self._particle(c, prefixes) for c in node if c.tag[len(_X) :] in _PARTICLES]
            return kind, low, high, inner
        if kind == "any":
            return "any", low, high
        if not node.get("ref"):
            return "element", low, high, node.get("name"), self.type_of(node, prefixes)
        members = self._members(_qname(node.get("ref"), prefixes))
        if len(members) == 1:
            return "element", low, high, members[0][1], self.type_of(*self.elements[members[0]])
        inner = [("element", 1, 1, q[1], self.type_of(*self.elements[q])) for q in members]
        return "choice", low, high, inner

    def _members(self, head):
        """An element and what may stand for it, in EXI order."""
        out, todo = set(), [head]
        while todo:
            q = todo.pop()
            out.add(q)
            todo += self.substitutes.get(q, [])
        return sorted(out, key=lambda q: (q[1], q[0]))


_PARTICLES = ("sequence", "choice", "element", "any")


def _qname(name, prefixes):
    prefix, _, local = name.rpartition(":")
    return prefixes[prefix], local
