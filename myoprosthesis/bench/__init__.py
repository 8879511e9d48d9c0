"""What `myoprosthesis bench` measures: ratios within one run, against the limit that cannot be passed."""
