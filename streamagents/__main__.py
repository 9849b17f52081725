"""`python -m streamagents`: the console script."""

from streamagents.cli import main

if __name__ == "__main__":
    main()
