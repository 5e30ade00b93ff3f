"""``python -m sahara_lab.localnet PROFILE HOME [OWNER]``: the supervisor of an embedded network."""

import sys

from sahara_lab.localnet.supervisor import main

sys.exit(main(sys.argv[1:]))
