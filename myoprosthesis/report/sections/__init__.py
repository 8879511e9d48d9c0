"""The sections of the page, one module each: from a `Session` to a `Section`."""
