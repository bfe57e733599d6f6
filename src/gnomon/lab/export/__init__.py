"""The stock model folder and GGUF that the assistant serves."""
