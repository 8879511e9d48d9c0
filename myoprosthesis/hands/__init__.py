"""Real hands: data sheets and codecs between bytes and values, without a port or a clock."""
