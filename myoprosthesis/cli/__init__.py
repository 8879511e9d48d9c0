"""The command line: each module is one word after `myoprosthesis`, with `add` and a function that runs it."""
