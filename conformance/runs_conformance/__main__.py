"""`python -m runs_conformance`: the same as the command `runs-conformance`."""

from runs_conformance.cli import main

if __name__ == "__main__":
    main()
