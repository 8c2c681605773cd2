"""The PyPI vehicle with another TLS group than P-256, the only one that it offers by itself:
curve.py GROUP CONFIG.json.

It sets the group in the last line of its get_ssl_context(), whatever its certificates are; nothing
else of it is changed. For the Python of build/venv-evcc.
"""

import ssl
import sys

_set = ssl.SSLContext.set_ecdh_curve


def main(group):
    ssl.SSLContext.set_ecdh_curve = lambda context, _: _set(context, group)
    from iso15118.evcc.main import run

    run()


if __name__ == "__main__":
    main(sys.argv.pop(1))
