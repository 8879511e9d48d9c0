"""From the folder of a session to a page with its figures: what was recorded, measured and drawn."""
