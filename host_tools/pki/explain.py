"""Words about certificates: who signed whom, for what, how long, and what is wrong. See report()
and lines().

The rules of X.509 hold for everything. Curve and hash are judged only when a profile is named. Two
limits hold always, as no message of ISO 15118-20 exceeds them: two sub-CAs in a chain, 1600 bytes
in a certificate.
"""

import itertools
import warnings
from pathlib import Path

from host_tools.pki import issue, load, profile
from host_tools.pki.node import Node, clean

_CANDIDATES = 8  # issuers of the right name that are tried: a hostile bundle must not cost a signature for each pair


def _find_issuers(nodes):
    """Set `parent` and `children`; say what is broken between them."""
    by_subject = {}
    for node in nodes:
        by_subject.setdefault(node.subject, []).append(node)
    for node in nodes:
        if node.self_signed:
            if not node.signed_by(node):
                node.wrong("broken signature: not signed by its own key")
            continue
        named = [n for n in by_subject.get(node.issuer, ()) if n is not node]
        same_key = [n for n in named if node.aki is None or n.ski is None or node.aki == n.ski][:_CANDIDATES]
        node.parent = next((n for n in same_key if node.signed_by(n)), None)
        if not node.parent and same_key:
            node.parent = same_key[0]
            node.wrong("broken signature: not signed by the key of %s" % same_key[0].name)
        elif not node.parent and named:
            node.wrong("no root found: %s here has another key than its issuer of that name" % named[0].name)
        elif not node.parent:
            node.wrong("no root found: its issuer %s is in none of the files" % node.issuer_name)
    for node in nodes:
        if node.parent:
            node.parent.children.append(node)


def _path(node):
    """The node, its issuer, and so on up; a circle ends where it closes."""
    out = [node]
    while out[-1].parent and out[-1].parent not in out:
        out.append(out[-1].parent)
    return out


def _check_path(path):
    if path[-1].parent:
        path[0].wrong("no root found: the issuers go round in a circle")
    for child, parent in itertools.pairwise(path):
        if not parent.ca:
            parent.wrong("leaf used as a CA: it signed %s" % child.name)
        elif parent.usage and not parent.usage.key_cert_sign:
            parent.wrong("signed %s, but its key usage has no keyCertSign" % child.name)
    below = 0  # CAs between a CA and the end of the path
    for node in path:
        if node.path_len is not None and below > node.path_len:
            node.wrong("path length %d exceeded: %d CAs below it" % (node.path_len, below))
        below += node.ca and not node.self_signed
    if below > profile.MAX_SUB_CAS:
        path[0].wrong("%d sub-CAs above it, at most %d are allowed" % (below, profile.MAX_SUB_CAS))


def _days(span):
    return "1 day" if span.days == 1 else "%d days" % span.days if span.days else "less than a day"


def _check_time(node, now):
    node.days_left = (node.end - now).days
    if now > node.end:
        node.wrong("expired %s ago" % _days(now - node.end))
    elif now < node.start:
        node.wrong("not yet valid, but in %s" % _days(node.start - now))


def _check_content(node, kind):
    for oid, extension in node.extensions.items():
        if extension.critical and oid not in profile.EXTENSIONS:
            node.wrong("critical extension %s, which nobody knows" % oid)
    if node.size > profile.MAX_BYTES:
        node.wrong("%d bytes large, a message carries %d" % (node.size, profile.MAX_BYTES))
    if node.hash in ("md5", "sha1", "unknown"):
        node.wrong("signed with hash %s" % node.hash)
    if not node.ca and node.usage and not node.usage.digital_signature:
        node.wrong("its key usage has no digitalSignature")
    if node.self_signed and not node.ca:
        node.wrong("self-signed leaf: no root vouches for it")
    need = None if node.ca else profile.EKU_OF_DC.get(node.dc)
    if need and node.eku is None:
        # Test cars of today have none; TLS libraries take that for "any".
        (node.notes.append if kind == "field" else node.wrong)("missing EKU %s" % need)
    elif need and need not in node.eku:
        node.wrong("wrong purpose: EKU %s, DC=%s needs %s" % (clean(", ".join(node.eku)), node.dc, need))
    if not node.ca and node.dc == "EV" and profile.evccid_fault(node.name):
        node.notes.append("CN is no EVCCID: %s" % profile.evccid_fault(node.name))
    if kind:
        _check_profile(node, kind)


def fits(node, kind):
    """True if key and signature are those of the profile."""
    if kind == "strict" and node.curve == profile.ALSO_STRICT:
        return node.hash in (profile.ALSO_STRICT, profile.HASHES[kind])
    return node.curve == profile.CURVES[kind] and node.hash in (profile.HASHES[kind], profile.ALSO_STRICT)


def _check_profile(node, kind):
    if node.curve != profile.CURVES[kind] and not (kind == "strict" and node.curve == profile.ALSO_STRICT):
        node.wrong("wrong key curve: %s, profile %s has %s" % (node.curve, kind, profile.CURVES[kind]))
    elif not fits(node, kind):
        node.wrong("wrong hash: %s, profile %s has %s" % (node.hash, kind, profile.HASHES[kind]))
    if kind == "strict":
        for name, oid in (("basicConstraints", "2.5.29.19"), ("keyUsage", "2.5.29.15")):
            if oid not in node.extensions or not node.extensions[oid].critical:
                node.wrong("no critical %s" % name)


def _check_order(file, nodes):
    """A bundle is a chain, leaf first and each signed by the next, or a set of roots."""
    if all(n.self_signed for n in nodes):
        return
    if all(a.issuer == b.subject for a, b in itertools.pairwise(nodes)):
        if len(nodes) > 1 and nodes[-1].self_signed:
            file.notes.append("the root is in the chain: it need not be sent")
        return
    by_subject = {n.subject: n for n in nodes}
    ends = [n for n in nodes if not any(m.issuer == n.subject for m in nodes if m is not n)]
    chain = ends[:1]
    while chain and chain[-1].issuer in by_subject and by_subject[chain[-1].issuer] not in chain:
        chain.append(by_subject[chain[-1].issuer])
    if len(chain) == len(nodes):
        file.problems.append("order wrong: leaf first, then the one that signed it, and so on")
    else:
        file.problems.append("not one chain: some of its certificates belong to others")


def _partner(path, files):
    """The file with the certificate of a key file, by its name."""
    path = Path(path)
    certs = path.parent.parent / "certs"
    for candidate in (
        path.with_name(path.stem + "_chain.pem"),
        path.with_name(path.stem + ".pem"),
        path.with_name(path.stem + ".crt"),
        certs / (path.stem + ".pem"),
        certs / (path.stem + "Cert.pem"),
    ):
        found = files.get(str(candidate))
        if found and found.certs and found.path != str(path):
            return found
    return None


def _check_keys(files, nodes):
    by_path = {f.path: f for f in files}
    known = {n.spki for n in nodes}
    for file in files:
        partner = _partner(file.path, by_path)
        own = next((f for f in (file, partner) if f and f.certs), None)
        for key in file.keys:
            if not nodes:
                file.notes.append("a key, without a certificate to compare with")
            elif own and load.spki(own.certs[0].public_key()) != key:
                file.problems.append("key does not belong to the first certificate of %s" % clean(Path(own.path).name))
            elif not own and key not in known:
                file.problems.append("key does not belong to any of the certificates")


def _nodes(files):
    """One node per different certificate; which file holds it."""
    nodes = {}
    for file in files:
        own, good = [], []
        for number, cert in enumerate(file.certs, 1):
            try:
                node = Node(cert)
            except Exception:  # fields that are read only now, of a hostile file
                file.problems.append("certificate %d is not readable" % number)
                continue
            node = nodes.setdefault(node.fingerprint, node)
            node.files.append(file.path)
            own.append(node)
            good.append(cert)
        file.certs = good
        if own:
            _check_order(file, own)
    return list(nodes.values())


def report(arguments, kind=None, now=None):
    """Everything about the certificates and keys in these files and directories. kind: strict,
    field, or None for "do not judge curve and hash". -> dict for JSON; `lines` puts it in words."""
    now = now or issue.now_utc()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's remarks on odd fields
        files = load.read(arguments)
        nodes = _nodes(files)
    _find_issuers(nodes)
    for node in nodes:
        _check_time(node, now)
        _check_content(node, kind)
        if not node.children:
            _check_path(_path(node))
    for node in nodes:  # those of a circle have children all
        if node.parent and _path(node)[-1].parent:
            _check_path(_path(node))
    _check_keys(files, nodes)
    count = sum(len(x.problems) for x in (*files, *nodes))
    if not any(f.certs or f.keys or f.problems for f in files):
        count += 1
    return {
        "ok": count == 0,
        "problems": count,
        "profiles": [k for k in profile.PROFILES if nodes and all(fits(n, k) for n in nodes)],
        "certificates": [n.facts() for n in _in_order(nodes)],
        "files": [
            {
                "file": f.path,
                "certificates": len(f.certs),
                "keys": len(f.keys),
                "problems": f.problems,
                "notes": f.notes,
            }
            for f in files
        ],
    }


def _in_order(nodes):
    """Roots first, below each what it signed."""
    out, stack = [], [n for n in reversed(nodes) if not n.parent]
    while stack:
        out.append(stack.pop())
        stack.extend(reversed(out[-1].children))
    return out + [n for n in nodes if n not in out]  # the latter go round in circles


def lines(facts):
    """A report in words."""
    out, depth = [], {}
    rows = []
    for c in facts["certificates"]:
        depth[c["fingerprint"]] = level = depth.get(c["signed_by"], -1) + 1
        time = "%d days" % c["days_left"] if c["days_left"] >= 0 else "expired"
        name = "  " * (level - 1) + "└ " * (level > 0) + c["name"]
        words = (name, c["purpose"], c["curve"], c["hash"], time, c["fingerprint"][:16])
        rows.append((words, "  " * level, c["problems"], c["notes"]))
    width = [max((len(words[i]) for words, *_ in rows), default=0) for i in range(6)]
    for words, indent, problems, notes in rows:
        out.append("  ".join(w.ljust(n) for w, n in zip(words, width)).rstrip())
        out += ["%s  WRONG: %s" % (indent, text) for text in problems]
        out += ["%s  note: %s" % (indent, text) for text in notes]
    for f in facts["files"]:
        out += ["%s: WRONG: %s" % (clean(f["file"]), text) for text in f["problems"]]
        out += ["%s: note: %s" % (clean(f["file"]), text) for text in f["notes"]]
    return out


def summary(facts):
    """One line at the end."""
    certificates, keys = len(facts["certificates"]), sum(f["keys"] for f in facts["files"])
    if not facts["files"]:
        return "no certificate and no key found"
    text = "%d certificates, %d keys in %d files" % (certificates, keys, len(facts["files"]))
    if facts["profiles"]:
        text += ", profile " + " and ".join(facts["profiles"])
    return text + (": nothing wrong" if facts["ok"] else ": %d WRONG" % facts["problems"])
