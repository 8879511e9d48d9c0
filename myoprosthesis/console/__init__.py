"""The console: a page in a browser that shows a stack and steers it, and the node that serves it."""
