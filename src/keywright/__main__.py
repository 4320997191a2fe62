"""`python -m keywright`: the command line."""

from keywright.cli import main

if __name__ == "__main__":
    main()
