import sys

from host_tools.checks.suite import CHECKS, main

sys.exit(main(sys.argv[1:] or list(CHECKS)))
