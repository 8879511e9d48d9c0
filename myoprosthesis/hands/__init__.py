"""Real hands as data and codecs: bytes ↔ values, no port, no clock."""
