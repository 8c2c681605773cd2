"""Wildcards and mixed content of xmldsig, with elements that no schema knows.

Vectors: the XML of each comment, coded by EXIficient (the engine in EXICodec.jar of the PyPI
package iso15118 0.31.2) with the published xmldsig schema, valuePartitionCapacity 0. Namespaces,
names and built-in grammars are learned on the way, so the second <foo> has other codes than the
first.
"""

from binascii import unhexlify

from codec import exi, exi_json
from tests.lib.mtest import eq, raises

XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_OUT = bytearray(1000)
BARE_STACK_KB = 8  # of the RP2040


def decode(text):
    data = unhexlify(text)
    msg, value = exi.decode(exi.DSIG, data, 0, len(data))
    return data, msg, value, exi_json.to_json_obj(msg, value)


def same_bytes(data, msg, value):
    n = exi.encode_as(exi.DSIG, msg, value, _OUT, 0)
    assert bytes(_OUT[:n]) == data


def test_object_with_unknown_and_known_elements():
    #  …
    data, msg, value, obj = decode(
        "8049046f31018e8caf0e85ee0d8c2d2dd03b432b636378015d5c9b8e9e01199bdbd204c2066348131033d3bb2b"
        "4d833a32bc3a58118985cb0331003321130020332019b5bdc99440ccc9400801585898d033a30b4b61401e2032"
        "1a71ebc320"
    )
    items = obj["Object"]["any"]
    assert items[0] == "hello" and items[4] == "tail"
    assert items[1]["name"] == "foo" and items[1]["ns"] == "urn:x"
    assert [a["value"] for a in items[1]["attributes"]] == ["1", "zwei"]
    assert [c if isinstance(c, str) else c["content"] for c in items[1]["content"]] == ["text", ["1"], ["2"], []]
    assert items[2]["content"][1]["content"] == ["3"]
    assert items[3] == {"ns": XMLDSIG, "name": "KeyName", "content": "abc", "schema": True}
    assert items[5]["content"] == {"X509SubjectName": ["CN=x"]}
    assert exi_json.from_json_obj(obj) == (msg, value)
    same_bytes(data, msg, value)


def test_attribute_without_content():
    #  …
    data, msg, value, obj = decode(
        "800029d5c9b8e98cc4d1b804ed0e8e8e0745e5eeeeeee5cee665cdee4ce5e646060625e62605ef0dad85acaf0c"
        "65ac66268dc462892dcc6d8eae6d2ecca9cc2dacae6e0c2c6cae690b5072656669784c69737408647320787369"
        "88"
    )
    item = obj["CanonicalizationMethod"]["any"][0]
    assert item["name"] == "InclusiveNamespaces" and item["attributes"][0]["value"] == "ds xsi"
    same_bytes(data, msg, value)


def test_text_element_and_wildcard_mixed():
    #
    _, _, _, obj = decode("80a81dd5c9b8e9d182b83932804b9b2b6331d1d30880575726e3a710271b00705e401ac4197ed07100")
    assert obj["Transform"]["XPath"] == ["self::a"]
    assert obj["Transform"]["any"][0] == "pre"
    assert obj["Transform"]["any"][1]["content"][0]["content"] == ["ä€\U0001f697"]


def test_nesting_is_bounded():
    """An Object in an Object in an Object …: refused when encoding, and so never seen when decoding
    its bytes."""
    value = [None, None, None, None]
    msg = exi_json.id_of("Object")
    value = [None] * len(exi_json.slot_names(exi.MESSAGES[msg]))
    for _ in range(20):
        outer = [None] * len(value)
        outer[-1] = [(XMLDSIG, "Object", [], (msg, value))]
        value = outer
    assert raises(exi.ExiError, exi.encode_as, exi.DSIG, msg, value, _OUT, 0).code == exi.ExiError.DEPTH


def _behind(calls, function):
    """function() behind so many more calls: a decoder stands deep in the firmware."""
    return function() if not calls else _behind(calls - 1, function)


def test_nesting_is_bounded_when_decoding_in_8_kb_of_stack():
    """Seven Objects in an Object, where a station is when it decodes. (Depth 8 ended in "maximum
    recursion depth".)"""
    data = unhexlify("804ba005dd002ee80177400bba005dd002ee80178aaa80")

    def hostile():
        exi.decode(exi.DSIG, data, 0, len(data))

    eq(_behind(10, lambda: raises(exi.ExiError, hostile)).code, exi.ExiError.DEPTH)
