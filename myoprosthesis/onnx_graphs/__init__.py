"""ONNX graphs of policies and decoders, made of shared blocks."""
