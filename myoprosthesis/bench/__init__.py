"""What `myoprosthesis bench` measures: ratios within one run, each to a limit measured beside it."""
