"""The former place of ``ser predict``: it goes on working for one release, and says so."""

import sys

from serving.predict import main

if __name__ == "__main__":
    print("ser.predict: this form goes away with the next release; the command is now: ser predict", file=sys.stderr)
    main()
