"""``python -m ltrr_cli`` is ``ltrr``."""

from ltrr_cli.cli.main import main

if __name__ == "__main__":
    main()
