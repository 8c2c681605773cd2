"""What of TLS 1.3 a station offers and accepts: lists of code points, in the order of preference.

`strict` is ISO 15118-20: Table 6 (suites, R-TLS-02), Table 7 (groups, R-TLS-03) and Table 8 (signatures, R-TLS-04; ed448
is not to be had from mbedTLS). `field` adds what cars and test stacks of today use instead (D-24).
"""

_AES_256_GCM_SHA384 = 0x1302
_CHACHA20_POLY1305_SHA256 = 0x1303
_SECP256R1 = 0x0017
_SECP521R1 = 0x0019
_X25519 = 0x001D
_X448 = 0x001E
_ECDSA_SECP256R1_SHA256 = 0x0403
_ECDSA_SECP521R1_SHA512 = 0x0603

_SUITES = (_AES_256_GCM_SHA384, _CHACHA20_POLY1305_SHA256)

# (suites, groups, signatures)
STRICT = (_SUITES, (_SECP521R1, _X448), (_ECDSA_SECP521R1_SHA512,))
FIELD = (
    _SUITES,
    (_SECP521R1, _X448, _X25519, _SECP256R1),
    (_ECDSA_SECP521R1_SHA512, _ECDSA_SECP256R1_SHA256),
)
PROFILES = {"strict": STRICT, "field": FIELD}
