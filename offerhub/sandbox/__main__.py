"""``python -m offerhub.sandbox``"""

import sys

from offerhub.sandbox.server import main

sys.exit(main())
